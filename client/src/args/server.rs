//! `--server`, `--name` and `--room`: where to go, and as whom. The same for the chat and for scripts.

use std::env;
use std::path::PathBuf;

use clap::ValueHint;
use protocol::UserName;
use protocol::name::composed;

use super::secret::Secret;
use super::tls::TlsArgs;
use super::variable::given;
use crate::exit::{Exit, Failure};

/// Where a server is looked for when none is named.
pub const DEFAULT_SERVER: &str = "127.0.0.1:6666";

/// Where to go, and as whom.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerArgs {
    /// The server, or several of one chat with commas between them
    ///
    /// They are tried in this order until one lets you in. A name with several addresses is as good as
    /// several servers. After a lost connection another one comes first.
    #[arg(short, long, env = "CHAT_SERVER", value_name = "HOST:PORT", default_value = DEFAULT_SERVER)]
    #[arg(value_parser = server, value_hint = ValueHint::Hostname)]
    pub server: String,

    /// Log in under this name
    ///
    /// Without it a terminal asks, and commands that only read do without, or make one of USER and a random
    /// number where the server wants one.
    #[arg(short, long, env = "CHAT_NAME", value_parser = one_line, value_hint = ValueHint::Other)]
    pub name: Option<String>,

    /// The file whose first line is the password of the name, which is sent only where it is asked for
    ///
    /// CHAT_PASSWORD may hold the password itself. Without either, a terminal asks.
    #[arg(long, env = "CHAT_PASSWORD_FILE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,

    /// Go to this room after the login
    #[arg(short, long, env = "CHAT_ROOM", value_parser = one_line, value_hint = ValueHint::Other)]
    pub room: Option<String>,

    /// Whether to speak TLS
    #[command(flatten)]
    pub tls: TlsArgs,
}

impl ServerArgs {
    /// The name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        given(self.name.as_deref())
    }

    /// The password of the name, where one is given.
    ///
    /// # Errors
    ///
    /// When the file cannot be used.
    pub fn secret(&self) -> Result<Option<Secret>, Failure> {
        Secret::given(self.password_file.as_deref().filter(|path| !path.as_os_str().is_empty()))
    }

    /// The room to go to, if it is not the one that a login leads to.
    #[must_use]
    pub fn room(&self) -> Option<&str> {
        given(self.room.as_deref())
    }

    /// The name of somebody who speaks: it is not made up.
    ///
    /// # Errors
    ///
    /// When none is given.
    pub fn speaker(&self) -> Result<String, Failure> {
        let missing = "who speaks? give --name NAME, or set CHAT_NAME";
        self.name().map(composed).ok_or_else(|| Failure::new(Exit::Usage, missing))
    }

    /// The name of somebody who reads. One that is made up is in nobody's way: it is random, for in a
    /// container every process has the same number.
    #[must_use]
    pub fn reader(&self) -> String {
        if let Some(name) = self.name() {
            return composed(name);
        }
        let id = fastrand::u32(..1 << 24);
        let named = env::var("USER").map(|user| format!("{user}-{id:06x}"));
        let allowed = named.ok().filter(|name| UserName::parse(name).is_ok());
        allowed.unwrap_or_else(|| format!("reader-{id:06x}"))
    }
}

/// The servers, of which the usual one is meant when none is said.
pub(super) fn server(text: &str) -> Result<String, &'static str> {
    let servers: Vec<_> = addresses(text).collect();
    if servers.is_empty() {
        return Ok(DEFAULT_SERVER.to_owned());
    }
    servers.iter().try_for_each(|server| check_port(server))?;
    Ok(servers.join(","))
}

/// The addresses in a list of servers.
pub fn addresses(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|address| !address.is_empty())
}

/// A port that is none would look like a server that is not there, and a script would try it for ever.
fn check_port(server: &str) -> Result<(), &'static str> {
    let port = match server.rsplit_once(':') {
        // It is an address of IPv6 with its own colons, and no port.
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => None,
        Some((_, port)) if !port.ends_with(']') => Some(port),
        _ => None,
    };
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match port {
        Some(port) if !is_number(port) || port.parse::<u16>().is_err() => {
            Err("in --server or CHAT_SERVER, a number up to 65535 follows the last colon")
        }
        _ => Ok(()),
    }
}

/// A name, which goes to the server as part of a line and so must not end that line.
pub(super) fn one_line(text: &str) -> Result<String, &'static str> {
    if text.contains(['\n', '\r']) {
        return Err("it is one line");
    }
    Ok(text.to_owned())
}

/// A name that stands between others in a line.
pub(super) fn one_word(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(|character: char| character.is_ascii_whitespace()) {
        return Err("a name is one word");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number() {
        for good in ["h", "h:1", "127.0.0.1:65535", "::1", "[::1]", "[::1]:7", "fe80::1%eth0"] {
            assert_eq!(server(good).as_deref(), Ok(good));
        }
        for bad in ["h:", "h:abc", "h:65536", "h:+1", "[::1]:x", "http://h"] {
            assert!(server(bad).is_err(), "{bad}");
        }
        assert_eq!(server(" ").as_deref(), Ok(DEFAULT_SERVER));
    }

    #[test]
    fn there_may_be_several_servers() {
        for (list, servers) in
            [("a:1,b,[::1]:2", "a:1,b,[::1]:2"), (" a:1 , b:2,", "a:1,b:2"), (",", DEFAULT_SERVER)]
        {
            assert_eq!(server(list).as_deref(), Ok(servers));
        }
        for wrong in ["a:1,b:x", "a:70000,b:2"] {
            assert!(server(wrong).is_err(), "{wrong}");
        }
    }
}
