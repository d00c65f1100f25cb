//! What `lan` may be asked for.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::appearance::Appearance;
use super::limits::seconds;
use super::server::one_line;

/// `lan`.
#[derive(Debug, clap::Args)]
pub struct Lan {
    /// The UDP port, which is the room
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,

    /// Your name
    #[arg(short, long, env = "CHAT_NAME", value_parser = one_line)]
    pub name: String,

    /// Use the network in which this machine has this address
    #[arg(long, value_name = "ADDR")]
    pub interface: Option<Ipv4Addr>,

    /// The broadcast address of the network
    #[arg(long, value_name = "ADDR", default_value_t = Ipv4Addr::BROADCAST)]
    pub broadcast: Ipv4Addr,

    /// In a pipe: give up after so long, with exit code 1
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,

    /// How the chat is shown
    #[command(flatten)]
    pub appearance: Appearance,
}
