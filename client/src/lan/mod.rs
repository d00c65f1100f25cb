//! The room without a server: everybody who opens the same UDP port of the local network is in it.
//!
//! The modes of this program talk to a server. So this one is a server, for one client and on this
//! machine alone, that passes everything on to the network: prompt and pipe work as they do
//! elsewhere.
//!
//! | module | what it is for |
//! |---|---|
//! | [`broadcast`] | datagrams |
//! | [`peer`] | what requests and lines lead to |

pub mod broadcast;
pub mod peer;

use std::io::{self, IsTerminal, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use protocol::limits::LINE_BYTES;
use protocol::{LineDecoder, Reply};

use crate::args::lan::Lan;
use crate::args::limits::deadline;
use crate::args::server::ServerArgs;
use crate::args::tls::TlsArgs;
use crate::exit::{Exit, Failure};
use crate::pipe;
use crate::prompt::interactive;
use crate::session::Alone;
use crate::sys::poll::{self, Interest};
use crate::sys::signals::Signals;
use crate::sys::stderr::warn;
use crate::sys::thread;
use broadcast::Broadcast;
use peer::{KNOWN, Outcome, Peer, Then};

/// How long the others may take to answer a `look`, when nothing else keeps the user here.
const PATIENCE: Duration = Duration::from_millis(500);

/// Datagrams that are taken in a row, while a user and a signal wait.
const AT_ONCE: usize = 64;

/// Chats, at a prompt or in a pipe.
///
/// # Errors
///
/// Says why there is no such room, or how the chat failed.
pub fn run(lan: &Lan) -> Result<Exit, Failure> {
    let network = Broadcast::open(lan.port, lan.interface, lan.broadcast).map_err(|error| {
        let Lan { port, broadcast, .. } = lan;
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => "another program has it for itself; choose another port",
            io::ErrorKind::PermissionDenied => "choose a port from 1024 on",
            _ => "--interface or --broadcast names another network",
        };
        let reason = format!("cannot open port {port} towards {broadcast}: {error}; {advice}");
        Failure::new(Exit::CannotConnect, reason)
    })?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::local)?;
    let server = listener.local_addr().map_err(Failure::local)?.to_string();
    let (end, ended) = UnixStream::pair().map_err(Failure::local)?;
    let room = LanRoom { network, peer: Peer::default(), ended, looked: None };
    let serving = thread::spawn("lan", move || room.serve(&listener))?;
    // The port is the room, whatever the environment says.
    let server = ServerArgs {
        server,
        name: Some(lan.name.clone()),
        password_file: None,
        room: None,
        tls: TlsArgs::default(),
    };
    let result = if io::stdin().is_terminal() {
        if lan.timeout.is_some() {
            warn("--timeout only means something in a pipe");
        }
        let place = format!("the local network, port {}", lan.port);
        let alone = Alone { place, room: "lan", commands: KNOWN };
        interactive::run(&server, &lan.appearance, Some(alone))
    } else {
        filter(&server, lan, &end)
    };
    stop(&end);
    let ignored = thread::join(serving).map_err(|error| {
        Failure::new(Exit::ConnectionLost, format!("the network is gone: {error}; start again"))
    })?;
    if ignored > 0 {
        warn(format_args!("{ignored} datagrams were no lines of a chat and were left out"));
    }
    result
}

/// The mode for pipes. A signal is no reason to leave without a word.
fn filter(server: &ServerArgs, lan: &Lan, end: &UnixStream) -> Result<Exit, Failure> {
    let end = end.try_clone().map_err(Failure::local)?;
    let signals = Signals::call(move || stop(&end))?;
    let result = pipe::run(server, deadline(lan.timeout));
    if signals.have_come() { Ok(Exit::Signal) } else { result.map(|()| Exit::Done) }
}

/// Ends the room. It has ended already when this fails.
fn stop(end: &UnixStream) {
    let _ = end.shutdown(Shutdown::Both);
}

/// The server for one.
struct LanRoom {
    network: Broadcast,
    peer: Peer,
    /// Tells that the mode has ended.
    ended: UnixStream,
    looked: Option<Instant>,
}

/// Which of the three that are waited for is ready.
struct Ready {
    is_ended: bool,
    has_datagrams: bool,
    has_client: bool,
}

impl LanRoom {
    /// Serves the mode, over as many connections as it makes. Gives how many datagrams were no lines.
    fn serve(mut self, listener: &TcpListener) -> io::Result<u64> {
        loop {
            let ready = self.wait(listener, Interest::Read, None)?;
            if ready.is_ended {
                return Ok(self.peer.ignored());
            }
            if ready.has_datagrams {
                self.hear()?;
            }
            if ready.has_client {
                let (client, _) = listener.accept()?;
                let served = self.serve_client(client);
                if let Some(left) = self.peer.leave() {
                    // Where the network is away, the other peers find out when this one does not answer.
                    let _ = self.network.send(&left);
                }
                served?;
            }
        }
    }

    fn serve_client(&mut self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut decoder = LineDecoder::new(LINE_BYTES, usize::MAX);
        let mut chunk = vec![0; LINE_BYTES];
        let (mut has_finished, mut is_open) =
            (false, write(&mut client, &[Reply::ConnectSuccess])?);
        while is_open {
            // A user that has asked who is there waits for the answers, and for nothing more.
            let deadline = match (has_finished, self.looked) {
                (false, _) => None,
                (true, None) => break,
                (true, Some(looked)) => Some(looked + PATIENCE),
            };
            // Of a client that has finished there is nothing to read, though it would always be ready.
            let interest = if has_finished { Interest::End } else { Interest::Read };
            let ready = self.wait(&client, interest, deadline)?;
            let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            let is_gone = has_finished && ready.has_client;
            if ready.is_ended || is_late || is_gone {
                break;
            }
            if ready.has_datagrams {
                for outcome in self.hear()? {
                    is_open = is_open && self.carry_out(&outcome, &mut client)?;
                }
            }
            if is_open && ready.has_client {
                let length = match client.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read.unwrap_or(0),
                };
                has_finished = length == 0;
                let mut rest = &chunk[..length];
                while is_open && let Some(line) = decoder.next(&mut rest) {
                    let outcome = self.peer.request(line);
                    is_open = self.carry_out(&outcome, &mut client)?;
                }
                if has_finished && let Some(line) = decoder.finish() {
                    let outcome = self.peer.request(line);
                    is_open = self.carry_out(&outcome, &mut client)?;
                }
            }
        }
        // It fails when the mode was the first to close.
        let _ = client.shutdown(Shutdown::Write);
        Ok(())
    }

    /// Sends and shows. False when the connection is over.
    fn carry_out(&mut self, outcome: &Outcome, client: &mut TcpStream) -> io::Result<bool> {
        if outcome.then == Then::AwaitAnswers {
            self.looked = Some(Instant::now());
        }
        let sent = outcome.send.as_deref().map_or(Ok(()), |line| self.network.send(line));
        let mut show = outcome.show.clone();
        // A network that is away for a moment, or a machine that has nobody there, ends no chat.
        if let (Err(error), false) = (sent, show.is_empty()) {
            show.push(format!("The network did not take it: {error}; say it again later"));
        }
        Ok(write(client, &show)? && outcome.then != Then::End)
    }

    /// What the datagrams that have come lead to. In a flood there are always more.
    fn hear(&mut self) -> io::Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        while outcomes.len() < AT_ONCE
            && let Some((bytes, from)) = self.network.receive()?
        {
            outcomes.push(self.peer.datagram(bytes, &from.ip().to_string()));
        }
        Ok(outcomes)
    }

    fn wait(
        &self,
        client: &impl AsFd,
        interest: Interest,
        deadline: Option<Instant>,
    ) -> io::Result<Ready> {
        let watched = [
            (self.ended.as_fd(), Interest::Read),
            (self.network.as_fd(), Interest::Read),
            (client.as_fd(), interest),
        ];
        let [is_ended, has_datagrams, has_client] = poll::wait(watched, deadline)?;
        Ok(Ready { is_ended, has_datagrams, has_client })
    }
}

/// Writes lines to the mode. False when it is gone.
fn write(client: &mut TcpStream, lines: &[impl ToString]) -> io::Result<bool> {
    let text: String = lines.iter().map(|line| line.to_string() + "\n").collect();
    match client.write_all(text.as_bytes()) {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
