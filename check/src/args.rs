//! What the program can be told.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit::TABLE;
use crate::relay::Mood;

/// Checks a chat server that you built, and says what is wrong with it.
#[derive(Debug, Parser)]
#[command(name = "chat-check", version = protocol::VERSION, after_help = TABLE, disable_help_subcommand = true)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Print the page of a variant of the protocol: other words, another limit. SEED is any number.
    #[arg(long, value_name = "SEED")]
    pub variant: Option<u64>,
    /// What to do.
    #[command(subcommand)]
    pub task: Option<Task>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Check a server, which runs already or which a command starts.
    Server(ServerArguments),
    /// Check a client that reads what is typed from its standard input.
    Client(ClientArguments),
    /// Relay connections, with all that TCP may do to them.
    Proxy(ProxyArguments),
    /// Explain something: `transcripts`.
    Help {
        /// What to explain.
        topic: Topic,
    },
}

/// What `help` can explain.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Topic {
    /// The format of the conversations that are played.
    Transcripts,
}

/// Which server, which checks, which report.
#[derive(Debug, Args)]
#[command(after_help = TABLE)]
pub struct ServerArguments {
    /// Where the server listens, HOST:PORT.
    #[arg(value_name = "HOST:PORT", required_unless_present_any = ["command", "list", "show"])]
    pub address: Option<String>,
    /// The command that starts a server. `{port}` in it stands for a free port.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "address")]
    pub command: Vec<String>,
    /// The server has classic framing. Otherwise that is found out from its greeting.
    #[arg(long)]
    pub classic: bool,
    /// Check up to this level, 0 to 7. Without it 5, or with --only any.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=7))]
    pub level: Option<u8>,
    /// Only checks with such a name; `*` stands for any text.
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// List the checks and end.
    #[arg(long)]
    pub list: bool,
    /// Show a check and end.
    #[arg(long, value_name = "NAME")]
    pub show: Option<String>,
    /// Report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Report to this file as JUnit's XML, too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Say how many points that makes, by the rubric in this file.
    #[arg(long, value_name = "RUBRIC")]
    pub points: Option<PathBuf>,
    /// Check by the page of this variant, which `chat-check --variant SEED` prints. Up to level 5.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["classic", "list", "show"])]
    pub variant: Option<u64>,
    /// Run everything through a relay on which TCP has a bad day: pieces, glue or slow.
    #[arg(long)]
    pub mood: Option<Mood>,
    /// Decides the random names, texts and cuts.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The server may be on another machine. Otherwise only on this one.
    #[arg(long)]
    pub remote: bool,
}

/// Which client, and how it is used.
#[derive(Debug, Args)]
#[command(after_help = TABLE)]
pub struct ClientArguments {
    /// The command that starts the client. `{host}`, `{port}` and `{name}` in it stand for the
    /// server's host and port and the user's name. Without `{name}` the name is typed.
    #[arg(last = true, value_name = "COMMAND", required = true)]
    pub command: Vec<String>,
    /// Only checks with such a name; `*` stands for any text.
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// What is typed is sent as it is: `login NAME` and `say TEXT` are typed.
    #[arg(long)]
    pub raw: bool,
    /// Give the client a terminal instead of pipes.
    #[arg(long)]
    pub pty: bool,
    /// Report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Between whom, and how.
#[derive(Debug, Args)]
pub struct ProxyArguments {
    /// Where clients connect. Port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Where the server listens.
    #[arg(long, value_name = "ADDR")]
    pub to: SocketAddr,
    /// What happens to the bytes.
    #[arg(long)]
    pub mood: Mood,
    /// The same seed cuts in the same places.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}
