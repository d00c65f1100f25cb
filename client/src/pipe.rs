//! The mode for pipes: every line of stdin is a request, every line of the server goes to stdout.
//!
//! Two threads, one a direction, so a full pipe in one never holds up the other. The bytes pass
//! as they are: this module looks at them only to notice a `logout`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use protocol::limits::LINE_BYTES;
use protocol::{LineDecoder, Reply, Request};

use crate::connection::{ConnectError, Connection, PATIENCE, Receiver, Sender};
use crate::exit::{Exit, Failure};
use crate::script::{local, lost};
use crate::thread;

const CHUNK_BYTES: usize = 64 * 1024;

/// Logs in when there is a name, goes to the room then when there is one, and passes everything on
/// until the server has closed.
///
/// # Errors
///
/// Says why not all was sent and answered.
pub fn run(server: &str, name: Option<&str>, room: Option<&str>) -> Result<(), Failure> {
    let mut stdout = File::from(duplicate(io::stdout())?);
    let stdin = File::from(duplicate(io::stdin())?);
    let watched = duplicate(io::stdout())?;
    let mut connection = Connection::open(server, PATIENCE)?;
    let output = match name {
        Some(name) => log_in(&mut connection, name, &mut stdout)?,
        // Its newline, if it has one, is among the bytes that follow.
        None => {
            print(&mut stdout, Reply::ConnectSuccess.to_string().as_bytes()).map_err(unwritten)?
        }
    };
    if output == Output::Closed {
        return Ok(());
    }
    let (mut sender, receiver) = connection.split().map_err(local)?;
    // Without a name the login is among the bytes of stdin, and what follows it is theirs as well.
    if let Some(room) = room.filter(|_| name.is_some()) {
        sender.send(format!("join {room}\n").as_bytes()).map_err(lost)?;
    }
    let closer = sender.try_clone().map_err(local)?;
    let (wake, woken) = UnixStream::pair().map_err(local)?;
    let requests =
        thread::spawn("stdin", move || Requests { stdin, watched, woken, sender }.forward())?;
    let replies = print_replies(receiver, &mut stdout);
    closer.close();
    // The thread waits for this socket too; its end is the signal.
    drop(wake);
    let requests = thread::join(requests)?;
    match (replies, requests) {
        (Err(Broken::Stdout(error)), _) => Err(unwritten(error)),
        (Ok(Output::Closed), _) | (_, RequestsEnd::StdoutClosed) => Ok(()),
        (Ok(Output::Open), RequestsEnd::Complete) => Ok(()),
        (Ok(Output::Open), RequestsEnd::Cut) => {
            Err(lost("the server closed it before all of stdin was sent"))
        }
        (Err(Broken::Server(error)), _) => Err(lost(error)),
    }
}

fn unwritten(error: io::Error) -> Failure {
    Failure::new(Exit::Local, format!("cannot write to stdout: {error}"))
}

/// A handle without Rust's buffer, which would hold back what comes after the last newline.
fn duplicate(stream: impl AsFd) -> Result<OwnedFd, Failure> {
    stream.as_fd().try_clone_to_owned().map_err(local)
}

/// Whether somebody still reads our stdout.
#[derive(Debug, PartialEq, Eq)]
enum Output {
    Open,
    Closed,
}

fn log_in(connection: &mut Connection, name: &str, stdout: &mut File) -> Result<Output, Failure> {
    let mut show = |line: &str| print(stdout, format!("{line}\n").as_bytes()).map_err(unwritten);
    if show(&Reply::ConnectSuccess.to_string())? == Output::Closed {
        return Ok(Output::Closed);
    }
    match connection.log_in(name) {
        Ok(_) => show(&Reply::LoginSuccess.to_string()),
        Err(error) => {
            if let ConnectError::Login(answer) = &error {
                show(answer)?;
            }
            Err(error.into())
        }
    }
}

fn print(stdout: &mut File, bytes: &[u8]) -> io::Result<Output> {
    match stdout.write_all(bytes) {
        Ok(()) => Ok(Output::Open),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Output::Closed),
        Err(error) => Err(error),
    }
}

/// Which of the two ends broke.
enum Broken {
    Server(io::Error),
    Stdout(io::Error),
}

fn print_replies(mut receiver: Receiver, stdout: &mut File) -> Result<Output, Broken> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = receiver.read(&mut chunk).map_err(Broken::Server)?;
        if length == 0 {
            return Ok(Output::Open);
        }
        if print(stdout, &chunk[..length]).map_err(Broken::Stdout)? == Output::Closed {
            return Ok(Output::Closed);
        }
    }
}

/// How the requests ended.
#[derive(Debug, PartialEq, Eq)]
enum RequestsEnd {
    /// All of them were sent, up to the end of stdin or a `logout`.
    Complete,
    /// The server went away before.
    Cut,
    /// Nobody is left to read the replies.
    StdoutClosed,
}

/// From stdin to the server, on a thread of its own.
struct Requests {
    stdin: File,
    /// Tells when nobody reads our replies any more, also while the server is silent.
    watched: OwnedFd,
    woken: UnixStream,
    sender: Sender,
}

/// What there is to do.
enum Wakeup {
    Read,
    ServerGone,
    StdoutClosed,
}

impl Requests {
    fn forward(mut self) -> Result<RequestsEnd, Failure> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut decoder = LineDecoder::new(LINE_BYTES, usize::MAX);
        loop {
            match self.wait().map_err(local)? {
                Wakeup::ServerGone => return Ok(RequestsEnd::Cut),
                Wakeup::StdoutClosed => {
                    self.sender.close();
                    return Ok(RequestsEnd::StdoutClosed);
                }
                Wakeup::Read => {}
            }
            let length = match self.stdin.read(&mut chunk) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.sender.close();
                    return Err(Failure::new(Exit::Local, format!("cannot read stdin: {error}")));
                }
            };
            let logout = end_of_logout(&mut decoder, &chunk[..length]);
            let bytes = &chunk[..logout.unwrap_or(length)];
            let is_end = length == 0 || logout.is_some();
            let sent = self.sender.send(bytes).and_then(|()| match is_end {
                true => self.sender.finish(),
                false => Ok(()),
            });
            // Why it failed, the other direction finds out: it reads what the server still sent.
            if sent.is_err() {
                return Ok(RequestsEnd::Cut);
            }
            if is_end {
                return Ok(RequestsEnd::Complete);
            }
        }
    }

    fn wait(&self) -> Result<Wakeup, Errno> {
        let mut watched = [
            PollFd::new(self.stdin.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.woken.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.watched.as_fd(), PollFlags::empty()),
        ];
        loop {
            match poll(&mut watched, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => break,
            }
        }
        Ok(match watched.each_ref().map(|fd| fd.any().unwrap_or(true)) {
            [_, true, _] => Wakeup::ServerGone,
            [_, _, true] => Wakeup::StdoutClosed,
            _ => Wakeup::Read,
        })
    }
}

/// Where the line after a `logout` begins. The server does nothing with what follows it.
fn end_of_logout(decoder: &mut LineDecoder, bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    while let Some(line) = decoder.next(&mut rest) {
        if line.is_ok_and(|line| matches!(Request::parse(line), Ok(Some(Request::Logout)))) {
            return Some(bytes.len() - rest.len());
        }
    }
    None
}
