//! Completion of what only the server knows: its rooms, and who is in one.
//!
//! It is asked while somebody waits at a prompt of the shell: so it is asked for a moment only, as a watcher whom
//! nobody sees, and where that does not succeed there is nothing to offer, without a word.

use std::env;
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use clap::{Command, CommandFactory};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use protocol::rows::RoomRow;
use protocol::{Reply, Request};

use super::session::ScriptSession;
use crate::args::chat::Args;
use crate::args::documents::COMPLETE;
use crate::args::server::DEFAULT_SERVER;
use crate::exit::Failure;
use crate::model::fence;
use crate::net::Connection;
use crate::net::watch::Watched;
use crate::sys::thread;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers a shell that asks what a word may become. False when no shell asks.
///
/// # Errors
///
/// When it asks in a way that nobody understands.
pub fn answer() -> Result<bool, Failure> {
    let directory = env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(COMPLETE)
        .try_complete(env::args_os(), directory.as_deref())
        .map_err(|error| Failure::local(std::io::Error::other(error.to_string())))
}

/// The command line, which knows what to offer for the name of a user or a room.
fn command() -> Command {
    let with_names = |command: Command| {
        command.mut_args(|argument| match argument.get_id().as_str() {
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

fn users() -> Vec<String> {
    let words: Vec<_> = env::args_os().collect();
    let room = given(&words, &["-r", "--room"], "CHAT_ROOM");
    // Nothing else that comes is one word.
    list(&words, room, Request::Look, Reply::OnlineUsers, |row| {
        (!row.contains(' ')).then(|| row.to_owned())
    })
}

fn rooms() -> Vec<String> {
    let words: Vec<_> = env::args_os().collect();
    list(&words, None, Request::Rooms, Reply::Rooms, |row| {
        Some(RoomRow::parse(row)?.name.to_owned())
    })
}

/// What an option says among the words that are being typed, or a variable.
fn given(words: &[OsString], options: &[&str], variable: &str) -> Option<String> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let value = words.iter().enumerate().find_map(|(at, word)| {
        if options.contains(&word.as_ref()) {
            return words.get(at + 1).map(ToString::to_string);
        }
        let (option, value) = word.split_once('=')?;
        options.contains(&option).then(|| value.to_owned())
    });
    value.or_else(|| env::var(variable).ok()).filter(|value| !value.trim().is_empty())
}

fn list(
    words: &[OsString],
    room: Option<String>,
    request: Request<'static>,
    heading: Reply<'static>,
    row: impl Fn(&str) -> Option<String> + Send + 'static,
) -> Vec<String> {
    let server = given(words, &["-s", "--server"], "CHAT_SERVER");
    let server = server.unwrap_or_else(|| DEFAULT_SERVER.to_owned());
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
    server: &str,
    room: Option<&str>,
    request: &Request<'_>,
    heading: Reply<'_>,
    row: impl Fn(&str) -> Option<String>,
) -> Option<Vec<String>> {
    let mut connection = Connection::open(server, PATIENCE).ok()?;
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
