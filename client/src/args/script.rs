//! What a script may ask for, as the command line has it. Nothing here connects or prints.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};
use jiff::Timestamp;
use protocol::limits::HISTORY_LINES;
use regex::Regex;

use super::act::{Announce, Kick, Restrain, Telling};
use super::examples;
use super::limits::{Visit, seconds};
use super::server::{one_line, one_word};

/// The types of lines, as `--json` has them.
pub const TYPES: [&str; 11] = [
    "say", "me", "enter", "leave", "rename", "topic", "private", "announce", "missed", "shutdown",
    "notice",
];

/// What a script may do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Say something, and succeed only once the server has echoed it
    ///
    /// Without TEXT each line of standard input is said, at the server's pace.
    #[command(after_help = examples::help("say"))]
    Say(Say),
    /// Print who is in the room, a name a line
    #[command(after_help = examples::help("look"))]
    Look(List),
    /// Print the rooms, each with how many are in it
    #[command(after_help = examples::help("rooms"))]
    Rooms(List),
    /// As an operator: print who is connected, from where and since when
    #[command(after_help = examples::help("who"))]
    Who(List),
    /// Print the servers on the local network: name, address, and `tls` where it speaks that there
    #[command(after_help = examples::help("find"))]
    Find(Find),
    /// Print the last lines of the room
    #[command(after_help = examples::help("history"))]
    History(History),
    /// Print every line of the room, until stopped
    #[command(after_help = examples::help("follow"))]
    Follow(Follow),
    /// Wait for a line of the room, and print it
    #[command(after_help = examples::help("wait"))]
    Wait(Wait),
    /// Say something, and wait for a line after it; print that line
    ///
    /// Nothing that is said in answer can be missed between the two.
    #[command(after_help = examples::help("ask"))]
    Ask(Ask),
    /// Tell the room what you do
    #[command(after_help = examples::help("me"))]
    Me(Telling),
    /// Print the topic of the room, or set it to TEXT
    #[command(after_help = examples::help("topic"))]
    Topic(Telling),
    /// As an operator: tell everyone in every room
    #[command(after_help = examples::help("announce"))]
    Announce(Announce),
    /// As an operator: end the connection of a user
    #[command(after_help = examples::help("kick"))]
    Kick(Kick),
    /// As an operator: let a user say nothing for a time
    #[command(after_help = examples::help("mute"))]
    Mute(Restrain),
    /// As an operator: keep a name or an address out for a time
    #[command(after_help = examples::help("ban"))]
    Ban(Restrain),
    /// Make a program a user of the room
    ///
    /// It reads the lines of the room at its standard input, and says what it prints.
    #[command(after_help = examples::help("bot"))]
    Bot(Bot),
}

/// `say`.
#[derive(Debug, Args)]
pub struct Say {
    /// Where to go
    #[command(flatten)]
    pub visit: Visit,

    /// Say it to this user alone
    #[arg(long, value_name = "NAME", value_parser = one_word, value_hint = ValueHint::Other)]
    pub to: Option<String>,

    /// Say what programs print: without colours, with its indentation, long lines divided at words
    ///
    /// A line that is divided counts as several.
    #[arg(long)]
    pub plain: bool,

    /// Print what was said, one JSON object a line, with its time and its position in the room
    ///
    /// It asks the server once more a line, so where the server has a rate it takes twice the time.
    #[arg(short, long, conflicts_with = "to")]
    pub json: bool,

    /// What to say; each line of it is a line of its own
    #[arg(value_hint = ValueHint::Other)]
    pub text: Vec<String>,
}

/// `look`, `rooms` and `who`.
#[derive(Debug, Args)]
pub struct List {
    /// Where to go
    #[command(flatten)]
    pub visit: Visit,

    /// Print one JSON object a line
    #[arg(short, long)]
    pub json: bool,
}

/// `find`.
#[derive(Debug, Args)]
pub struct Find {
    /// Print one JSON object a line
    #[arg(short, long)]
    pub json: bool,

    /// Wait so long for answers
    #[arg(long, value_name = "SECONDS", value_hint = ValueHint::Other, value_parser = seconds, default_value = "2", allow_negative_numbers = true)]
    pub wait: Duration,

    /// Print an error as a JSON object
    #[arg(long)]
    pub json_errors: bool,
}

/// `history`.
#[derive(Debug, Args)]
pub struct History {
    /// Where to go, and how to print
    #[command(flatten)]
    pub list: List,

    /// How many lines
    #[arg(value_name = "N", default_value_t = HISTORY_LINES)]
    pub lines: usize,
}

/// Where in the room one begins to read, and whether one comes again.
#[derive(Debug, Args)]
pub struct Reading {
    /// Begin with the last N lines of the room
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, conflicts_with = "since")]
    pub history: Option<usize>,

    /// Begin with what was said from this time on, as 2026-11-22T10:04:05Z
    #[arg(long, value_name = "TIME", value_hint = ValueHint::Other)]
    pub since: Option<Timestamp>,

    /// Come again when the connection is lost, as often as it takes, and go on where it broke off
    #[arg(long)]
    pub reconnect: bool,
}

/// `follow`.
#[derive(Debug, Args)]
pub struct Follow {
    /// Where to go
    #[command(flatten)]
    pub visit: Visit,

    /// Print one JSON object a line
    #[arg(short, long)]
    pub json: bool,

    /// Where it begins
    #[command(flatten)]
    pub reading: Reading,

    /// Print only lines that match this regular expression, without the time in front
    #[arg(long = "match", value_name = "REGEX", value_parser = pattern, value_hint = ValueHint::Other)]
    pub pattern: Option<Regex>,

    /// Print only lines of this user; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = one_word, value_hint = ValueHint::Other)]
    pub from: Vec<String>,

    /// Print only lines of this type; may be given more than once
    #[arg(long = "type", value_name = "TYPE", value_parser = TYPES)]
    pub kinds: Vec<String>,

    /// Write a line to this file descriptor once no line can be missed any more
    #[arg(long, value_name = "FD", value_hint = ValueHint::Other)]
    pub ready_fd: Option<u32>,

    /// Stop after N lines
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// `wait`.
#[derive(Debug, Args)]
pub struct Wait {
    /// Where to go
    #[command(flatten)]
    pub visit: Visit,

    /// The line must match this regular expression
    #[arg(long = "match", value_name = "REGEX", value_parser = pattern, value_hint = ValueHint::Other)]
    pub pattern: Regex,

    /// Where it begins
    #[command(flatten)]
    pub reading: Reading,

    /// Write a line to this file descriptor once no line can be missed any more
    #[arg(long, value_name = "FD", value_hint = ValueHint::Other)]
    pub ready_fd: Option<u32>,
}

/// `ask`.
#[derive(Debug, Args)]
pub struct Ask {
    /// Where to go
    #[command(flatten)]
    pub visit: Visit,

    /// The answer must match this regular expression
    #[arg(long = "match", value_name = "REGEX", value_parser = pattern, value_hint = ValueHint::Other)]
    pub pattern: Regex,

    /// What to say, in one line
    #[arg(required = true, value_parser = one_line, value_hint = ValueHint::Other)]
    pub text: Vec<String>,
}

/// `bot`.
#[derive(Debug, Args)]
pub struct Bot {
    /// Where to go
    #[command(flatten)]
    pub visit: Visit,

    /// Give the program one JSON object a line
    #[arg(short, long)]
    pub json: bool,

    /// Give it its own lines too
    #[arg(long)]
    pub own: bool,

    /// Start it again when it fails, each time a little later
    #[arg(long)]
    pub restart: bool,

    /// Come again when the connection is lost, as often as it takes, while the program runs on
    ///
    /// It is told then what was said meanwhile. What it said last may be lost; standard error says so.
    #[arg(long)]
    pub reconnect: bool,

    /// Let it do more than say: `/me TEXT` tells what it does, `/msg NAME TEXT` answers one user alone
    ///
    /// What else begins with a slash is said as it is, and two slashes at the beginning stand for one.
    #[arg(long)]
    pub requests: bool,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    #[arg(value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub program: Vec<OsString>,
}

/// What is wrong stands in the last line of what the parser says; the others draw it.
fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        let drawing = error.to_string();
        drawing.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}
