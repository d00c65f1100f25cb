//! The command line. Nothing here connects, prints or reads a terminal.

use clap::Parser;

use crate::exit::Exit;

/// Where a server is looked for when none is named.
pub const DEFAULT_SERVER: &str = "127.0.0.1:6666";

/// Talk in a chat room.
///
/// With a pipe at its standard input it sends each line of it as a request, prints every line from
/// the server, and ends when the server has answered everything.
#[derive(Debug, Parser)]
#[command(version, after_help = Exit::help())]
pub struct Args {
    /// The server
    #[arg(long, env = "CHAT_SERVER", value_name = "HOST:PORT", default_value = DEFAULT_SERVER)]
    pub server: String,

    /// Log in under this name
    #[arg(long, env = "CHAT_NAME", value_parser = one_line)]
    pub name: Option<String>,
}

/// What goes to the server as part of a line must not end that line.
fn one_line(text: &str) -> Result<String, &'static str> {
    if text.contains(['\n', '\r']) {
        return Err("a name is one line");
    }
    Ok(text.to_owned())
}
