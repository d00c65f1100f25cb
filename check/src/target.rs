//! The server that is checked: one that runs already, or one that is started.

mod command;
#[cfg_attr(unix, path = "target/group_unix.rs")]
#[cfg_attr(not(unix), path = "target/group_other.rs")]
pub(crate) mod group;
mod moody;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use protocol::Framing;
use thiserror::Error;

use crate::failure::Journal;
use crate::patience::Deadline;
use crate::peer::Peer;
use crate::stage::Addresses;
use crate::variant::Variant;

pub(crate) use command::PORT;
pub use command::{CommandTarget, Groups};
pub use moody::Moody;

/// How long the room may take to become empty after a check.
const EMPTY_PATIENCE: Duration = Duration::from_secs(2);

/// Why no check can be tried.
#[derive(Debug, Error)]
pub enum Unreachable {
    /// Nothing listens there.
    #[error("nobody listens at {0}: {1}")]
    NobodyListens(SocketAddr, io::Error),
    /// The command cannot be run.
    #[error("cannot run {0}: {1}")]
    CannotRun(String, io::Error),
    /// It ended before it took a connection.
    #[error("the server ended ({0}) before it took a connection{1}")]
    Ended(String, String),
    /// It does not listen, but goes on running.
    #[error("the server takes no connection on port {0} within {1} s{2}")]
    TakesNoConnection(u16, u64, String),
}

/// A server that checks are run against, one after the other.
pub trait Target {
    /// A server on which no check has left anybody behind.
    ///
    /// # Errors
    ///
    /// Why no check can be tried.
    fn ready(&mut self, operators: &[(String, String)]) -> Result<Addresses, Unreachable>;

    /// A check failed, so the server may be in any state.
    fn failed(&mut self) {}

    /// The process, when it is known.
    fn process(&self) -> Option<u32> {
        None
    }

    /// Whether it can be given operators.
    fn has_operators(&self) -> bool {
        false
    }

    /// What the server said last on its output, and whether it has ended.
    fn last_words(&mut self) -> Option<String> {
        None
    }
}

/// A server that somebody else started.
#[derive(Debug)]
pub struct Running {
    addresses: Addresses,
    variant: Option<Variant>,
}

impl Running {
    /// A server at `address`. Its framing is taken from its greeting, unless `framing` says it. It
    /// speaks the protocol, or this variant of it.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn new(
        address: SocketAddr,
        framing: Option<Framing>,
        variant: Option<Variant>,
    ) -> Result<Self, Unreachable> {
        reach(address)?;
        let framing = framing.unwrap_or_else(|| framing_of(address, None));
        Ok(Self { addresses: addresses(address, framing), variant })
    }
}

impl Target for Running {
    fn ready(&mut self, _operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        if let Some((address, _)) = self.addresses.any(Framing::Line) {
            reach(address)?;
        }
        wait_until_empty(self.addresses, self.variant, None);
        Ok(self.addresses)
    }
}

fn reach(address: SocketAddr) -> Result<(), Unreachable> {
    let connected = TcpStream::connect_timeout(&address, EMPTY_PATIENCE);
    connected.map(drop).map_err(|error| Unreachable::NobodyListens(address, error))
}

fn addresses(address: SocketAddr, framing: Framing) -> Addresses {
    match framing {
        Framing::Line => Addresses { line: Some(address), classic: None },
        Framing::Classic => Addresses { line: None, classic: Some(address) },
    }
}

/// How replies end. An empty login asks for a second reply, so that nobody has to wait in order to
/// see that no newline follows the first. What does neither is taken for line framing.
fn framing_of(address: SocketAddr, process: Option<u32>) -> Framing {
    let end = Deadline::after(EMPTY_PATIENCE, process);
    let journal = Journal::default();
    let ask = || {
        let address = (address, Framing::Line);
        let mut peer = Peer::connect("probe", address, end, &journal, None).ok()?;
        let greeting = peer.bytes(b"Connect Success".len()).ok()?;
        peer.say("login").ok()?;
        let next = peer.bytes(1).ok()?;
        Some(greeting == b"Connect Success" && next == b"U")
    };
    if ask() == Some(true) { Framing::Classic } else { Framing::Line }
}

/// Waits until a newcomer is alone. A server that cannot say so is checked all the same: its
/// failures are shown by the checks of `look`.
fn wait_until_empty(addresses: Addresses, variant: Option<Variant>, process: Option<u32>) -> bool {
    let end = Deadline::after(EMPTY_PATIENCE, process);
    let journal = Journal::default();
    let Some(address) = addresses.any(Framing::Line) else { return false };
    let ask = || {
        let mut peer = Peer::connect("probe", address, end.clone(), &journal, None).ok()?;
        peer.use_words_of(variant);
        let heading = peer.in_its_words("Online Users:").into_owned();
        let name = format!("probe{}", fastrand::u32(10_000..100_000));
        peer.log_in(&name).ok()?;
        let mut is_alone = false;
        while !is_alone && !end.is_over() {
            peer.say("look").ok()?;
            listed(&mut peer, &heading)?;
            let fence = fastrand::u32(..).to_string();
            peer.say(&format!("say {fence}")).ok()?;
            let said = format!("{name}: {fence}");
            is_alone = listed(&mut peer, &said)? == [name.as_bytes()];
        }
        peer.say("logout").ok()?;
        peer.end().ok()?;
        Some(is_alone)
    };
    ask() == Some(true)
}

/// The lines before `last`. `None` when it does not come, or when the server does not know what was
/// asked: then nobody has to wait for what does not come.
fn listed(peer: &mut Peer, last: &str) -> Option<Vec<Vec<u8>>> {
    const MOST_USERS: usize = 1000;
    let unknown = peer.in_its_words("Unknown command: ").into_owned();
    let mut lines = Vec::new();
    while lines.len() < MOST_USERS {
        let line = peer.line().ok()?;
        if line == last.as_bytes() {
            return Some(lines);
        }
        if line.starts_with(unknown.as_bytes()) {
            return None;
        }
        lines.push(line);
    }
    None
}
