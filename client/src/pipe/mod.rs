//! The mode for pipes: every line of stdin is a request, every line of the server goes to stdout.
//!
//! Two threads, one a direction, so a full pipe in one never holds up the other. The bytes pass
//! as they are: this module looks at them only to notice a `logout`. Where stdout is a terminal, what
//! could act on it is shown as marks.
//!
//! A server that says nothing for long is asked whether it is alive, between two lines of stdin. Its answer is
//! taken out of what it sends.

mod replies;
mod requests;
mod shown;
mod unasked;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protocol::{Framing, Reply};

use self::replies::{Broken, LastWords, Replies};
use self::requests::{Requests, RequestsEnd};
use self::shown::Shown;
use self::unasked::Asking;
use crate::args::secret::Secret;
use crate::args::server::ServerArgs;
use crate::exit::Failure;
use crate::net::{ConnectError, Connection, PATIENCE, Servers};
use crate::sys::stdout::{Audience, unbuffered};
use crate::sys::thread;

/// How long the server may send nothing while it owes an answer, and take nothing of our requests; and when it
/// is asked whether it is alive while it owes none.
const SILENCE: Duration = Duration::from_secs(60);

/// Logs in when there is a name, goes to the room then when there is one, and passes everything on
/// until the server has closed. All of it may take until `deadline`, if there is one.
///
/// # Errors
///
/// Says why not all was sent and answered.
pub fn run(to: &ServerArgs, deadline: Option<Instant>) -> Result<(), Failure> {
    let servers = Servers::of(to)?;
    let in_time = |result: Result<(), Failure>| match deadline {
        // Whatever else it came to in the end, the time is the reason.
        Some(deadline) if result.is_err() && deadline <= Instant::now() => {
            Err(Failure::out_of_time())
        }
        _ => result,
    };
    in_time(pass_on(to, &servers, deadline))
}

fn pass_on(to: &ServerArgs, servers: &Servers, deadline: Option<Instant>) -> Result<(), Failure> {
    let (name, room) = (to.name(), to.room());
    let mut stdout = Shown::new()?;
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(Failure::local)?;
    let watched = unbuffered()?;
    let mut connection = open(servers, deadline)?;
    let (audience, framing) = match name {
        Some(name) => log_in(&mut connection, name, to.secret()?.as_ref(), &mut stdout)?,
        // Its newline, if it has one, is among the bytes that follow.
        None => {
            let greeting = Reply::ConnectSuccess.to_string();
            (stdout.print(greeting.as_bytes())?, None)
        }
    };
    if audience == Audience::Gone {
        return Ok(());
    }
    let (mut sender, receiver) = connection.split().map_err(Failure::local)?;
    // Without a name the login is among the bytes of stdin, and what follows it is theirs as well.
    if let Some(room) = room.filter(|_| name.is_some()) {
        sender.send(format!("join {room}\n").as_bytes()).map_err(Failure::lost)?;
    }
    let closer = sender.try_clone().map_err(Failure::local)?;
    let (wake, woken) = UnixStream::pair().map_err(Failure::local)?;
    // Only this framing takes text without a newline for a line.
    let completes_lines = framing != Some(Framing::Line);
    sender.set_patience(SILENCE).map_err(Failure::lost)?;
    let asking = Arc::new(Mutex::new(Asking::new(SILENCE, Instant::now())));
    let requests = Requests {
        stdin: File::from(stdin),
        watched,
        woken,
        sender,
        completes_lines,
        asking: Arc::clone(&asking),
    };
    let (ending, ended) = UnixStream::pair().map_err(Failure::local)?;
    let requests = thread::spawn("stdin", move || {
        let _ending = ending;
        requests.forward()
    })?;
    let mut last_words = LastWords::default();
    let mut replies =
        Replies { receiver, asking, ended, has_ended: false, silence: SILENCE, deadline };
    let replies = replies.print(&mut stdout, &mut last_words);
    closer.close();
    // The thread waits for this socket too; its end is the signal.
    drop(wake);
    verdict(replies, thread::join(requests)?, &last_words)
}

/// What it comes to, when both directions have come to their ends.
fn verdict(
    replies: Result<Audience, Broken>,
    requests: RequestsEnd,
    last_words: &LastWords,
) -> Result<(), Failure> {
    match (replies, requests) {
        (Err(Broken::Stdout(failure)), _) => Err(failure),
        (Ok(Audience::Gone), _) | (_, RequestsEnd::StdoutClosed) => Ok(()),
        (Ok(Audience::There), RequestsEnd::Unanswered) => {
            Err(Failure::lost("the server does not answer"))
        }
        (Ok(Audience::There), RequestsEnd::Complete) => match last_words.dismissal() {
            Some(why) => Err(Failure::dismissed(&why)),
            None => Ok(()),
        },
        (Ok(Audience::There), RequestsEnd::Cut) => {
            Err(Failure::lost("the server closed it before all of stdin was sent"))
        }
        (Err(Broken::Server(error)), _) => Err(Failure::lost(error)),
    }
}

/// Connects. A name server that hangs can be hurried by nobody, so a thread of its own waits for it where the
/// time is limited; when it is over, the end of the program does not wait for that thread.
fn open(servers: &Servers, deadline: Option<Instant>) -> Result<Connection, Failure> {
    let Some(deadline) = deadline else { return Ok(Connection::open(servers, PATIENCE)?) };
    let left = || deadline.saturating_duration_since(Instant::now());
    let (report, reported) = sync_channel(1);
    let servers = servers.clone();
    let thread = thread::spawn("attempt", move || {
        // Nobody may wait for it any more.
        let _ = report.send(Connection::open(&servers, PATIENCE));
    })?;
    let opened = reported.recv_timeout(left());
    if matches!(opened, Err(RecvTimeoutError::Timeout)) {
        return Err(Failure::out_of_time());
    }
    thread::join(thread);
    let mut connection = opened.map_err(Failure::lost)??;
    connection.set_patience(PATIENCE.min(left()));
    Ok(connection)
}

fn log_in(
    connection: &mut Connection,
    name: &str,
    secret: Option<&Secret>,
    stdout: &mut Shown,
) -> Result<(Audience, Option<Framing>), Failure> {
    let mut show = |line: &str| stdout.print(format!("{line}\n").as_bytes());
    if show(&Reply::ConnectSuccess.to_string())? == Audience::Gone {
        return Ok((Audience::Gone, None));
    }
    match connection.log_in(name, secret) {
        Ok(framing) => Ok((show(&Reply::LoginSuccess.to_string())?, Some(framing))),
        Err(error) => {
            if let ConnectError::Login(answer) = &error {
                // Whether somebody reads it changes nothing: it is over.
                let _ = show(answer)?;
            }
            Err(error.into())
        }
    }
}
