//! Completion of what no command line knows: the short names of servers in the user's own file; and of what only
//! the server knows, its rooms and who is in one.
//!
//! The server is asked while somebody waits at a prompt of the shell: so it is asked for a moment only, as a watcher whom
//! nobody sees, and where that does not succeed there is nothing to offer, without a word.

use std::env;
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use chat_settings::completions;
use clap::{Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use protocol::rows::RoomRow;
use protocol::{Reply, Request};

use super::session::ScriptSession;
use crate::args::chat::Args;
use crate::args::chat::Command::Script;
use crate::args::documents::COMPLETE;
use crate::args::script::Task;
use crate::args::server::ServerArgs;
use crate::args::settings;
use crate::exit::Failure;
use crate::model::fence;
use crate::net::watch::Watched;
use crate::net::{Connection, Servers};
use crate::sys::{files, thread};

/// The user's own file.
const FILE: &str = "config.toml";

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers a shell that asks what a word may become. False when no shell asks.
///
/// # Errors
///
/// When it asks in a way that nobody understands.
pub fn answer() -> Result<bool, Failure> {
    completions::answer(command, COMPLETE, env::args_os().collect()).map_err(Failure::local)
}

/// The command line, which knows what to offer for the name of a user or a room.
fn command() -> Command {
    let with_names = |command: Command| {
        command.mut_args(|argument| match argument.get_id().as_str() {
            "server" => argument.add(ArgValueCompleter::new(|word: &OsStr| offer(word, servers()))),
            "room" => argument.add(ArgValueCompleter::new(|word: &OsStr| offer(word, rooms()))),
            "to" | "from" | "whom" => {
                argument.add(ArgValueCompleter::new(|word: &OsStr| offer(word, users())))
            }
            _ => argument,
        })
    };
    with_names(Args::command()).mut_subcommands(with_names)
}

fn offer(word: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let word = word.to_string_lossy().to_lowercase();
    let fits = |name: &String| name.to_lowercase().starts_with(&word);
    names.into_iter().filter(fits).map(CompletionCandidate::new).collect()
}

fn servers() -> Vec<String> {
    files::config(FILE).map(|path| settings::short_names(&path)).unwrap_or_default()
}

fn users() -> Vec<String> {
    let words = words();
    let room = given(&words, &["-r", "--room"]).or_else(|| env::var("CHAT_ROOM").ok());
    let room = room.filter(|room| !room.trim().is_empty());
    // Nothing else that comes is one word.
    list(&words, room, Request::Look, Reply::OnlineUsers, |row| {
        (!row.contains(' ')).then(|| row.to_owned())
    })
}

fn rooms() -> Vec<String> {
    list(&words(), None, Request::Rooms, Reply::Rooms, |row| {
        Some(RoomRow::parse(row)?.name.to_owned())
    })
}

/// The words that are being typed.
fn words() -> Vec<String> {
    env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// What an option says among the words that are being typed.
fn given(words: &[String], options: &[&str]) -> Option<String> {
    words.iter().enumerate().find_map(|(at, word)| {
        if options.contains(&word.as_str()) {
            return words.get(at + 1).cloned();
        }
        let (option, value) = word.split_once('=')?;
        options.contains(&option).then(|| value.to_owned())
    })
}

/// The server that a command with these words would go to, and how: what they say of it, the environment,
/// and the short names.
fn meant(words: &[String]) -> Option<ServerArgs> {
    let mut line = vec!["chat-client".to_owned(), "look".to_owned()];
    for options in [&["-s", "--server"][..], &["--ca"], &["--pin"]] {
        let value = given(words, options).filter(|value| !value.is_empty());
        line.extend(value.into_iter().flat_map(|value| [options[0].to_owned(), value]));
    }
    line.extend(words.iter().find(|word| *word == "--tls").cloned());
    let line: Vec<OsString> = line.into_iter().map(Into::into).collect();
    let command = settings::parse(&line, files::config(FILE).as_deref(), false).ok()?.command?;
    let Script(task) = command else { return None };
    let Task::Look(look) = *task else { return None };
    Some(look.visit.server)
}

fn list(
    words: &[String],
    room: Option<String>,
    request: Request<'static>,
    heading: Reply<'static>,
    row: impl Fn(&str) -> Option<String> + Send + 'static,
) -> Vec<String> {
    let Some(server) = meant(words) else { return Vec::new() };
    let (report, reported) = sync_channel(1);
    // A name server that hangs can be hurried by nobody. So nobody waits for this thread.
    let asking = thread::spawn("candidates", move || {
        let _ = report.send(ask(&server, room.as_deref(), &request, heading, row));
    });
    match asking {
        Ok(_) => reported.recv_timeout(PATIENCE).ok().flatten().unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

fn ask(
    server: &ServerArgs,
    room: Option<&str>,
    request: &Request<'_>,
    heading: Reply<'_>,
    row: impl Fn(&str) -> Option<String>,
) -> Option<Vec<String>> {
    let mut connection = Connection::open(Servers::of(server).ok()?, PATIENCE).ok()?;
    connection.set_patience(PATIENCE);
    if connection.watch(room).ok()? != Watched::Reads {
        return None;
    }
    let deadline = Some(Instant::now() + PATIENCE);
    let mut session = ScriptSession::new(connection, String::new(), deadline).ok()?;
    session.send(&format!("{request}\n{}", fence::request("list"))).ok()?;
    let (heading, mut rows) = (heading.to_string(), None);
    session
        .until(|line| {
            if fence::answered(line).is_some() {
                return ControlFlow::Break(());
            }
            match &mut rows {
                None if line == heading => rows = Some(Vec::new()),
                Some(rows) => rows.extend(row(line)),
                None => {}
            }
            ControlFlow::Continue(())
        })
        .ok()?;
    rows
}
