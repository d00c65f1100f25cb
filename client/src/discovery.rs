//! Servers of the local network, looked for by multicast DNS.
//!
//! Anybody in the network can answer, with anything: what is given back is bounded, and safe to show. It
//! says where somebody claims to be, and proves nothing; that is what TLS is for.

use std::io;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use chat_discovery::network::{Event, Group, PACKET_BYTES, interfaces};
use chat_discovery::search::{Found, Search};

use crate::exit::{Exit, Failure};
use crate::sanitize::Sanitized;

/// How long answers are waited for, where nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The times of the questions, from the beginning. A packet may be lost, and a server that has just answered
/// says the same again only after a second (RFC 6762, section 6).
const QUESTIONS: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(600), Duration::from_millis(1300)];

/// A way into a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearby {
    /// What the server calls itself: one word, safe to show.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddrV4,
    /// Whether it speaks TLS there.
    pub is_tls: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// The ways into servers, by name.
    pub servers: Vec<Nearby>,
    /// Whether there were more than are kept.
    pub is_full: bool,
}

/// Looks for servers for so long.
///
/// # Errors
///
/// When there is no network to look in.
pub fn find(patience: Duration) -> Result<Neighbours, Failure> {
    let group = interfaces().and_then(Group::join).map_err(|error| failed(&error))?;
    if group.interfaces().next().is_none() {
        let reason =
            "this machine is in no network where a server could be found; see `ip address`";
        return Err(Failure::new(Exit::CannotConnect, reason));
    }
    let search = search(group, patience).map_err(|error| failed(&error))?;
    let servers = search.found().into_iter().map(|Found { name, is_tls, address }| {
        let name = Sanitized::new(&name).replace(char::is_whitespace, "_");
        Nearby { name, address, is_tls }
    });
    Ok(Neighbours { servers: servers.collect(), is_full: search.is_full() })
}

fn search(mut group: Group, patience: Duration) -> io::Result<Search> {
    let (begin, mut search) = (Instant::now(), Search::default());
    let mut packet = vec![0; PACKET_BYTES];
    // Further away than a clock can count is as good as an hour.
    let end = begin + patience.min(Duration::from_secs(3600));
    let mut questions = QUESTIONS.iter().map(|after| begin + *after).peekable();
    loop {
        if questions.next_if(|at| *at <= Instant::now()).is_some() {
            ask(&group, &search.question())?;
        }
        let deadline = questions.peek().map_or(end, |at| end.min(*at));
        match group.wait(&mut packet, None, deadline)? {
            Event::Packet { length, .. } => search.heard(&packet[..length]),
            Event::Late | Event::Woken if end <= Instant::now() => return Ok(search),
            Event::Late | Event::Woken => {}
        }
    }
}

/// Asks in every network. One that does not take it is no reason not to hear the others.
fn ask(group: &Group, question: &[u8]) -> io::Result<()> {
    let asked = group.interfaces().enumerate().map(|(network, _)| group.send(network, question));
    let (mut answer, mut is_asked) = (Ok(()), false);
    for sent in asked {
        is_asked |= sent.is_ok();
        answer = answer.and(sent);
    }
    if is_asked { Ok(()) } else { answer }
}

fn failed(error: &io::Error) -> Failure {
    let reason = format!("cannot look for servers: {error}; give --server the address of one");
    Failure::new(Exit::CannotConnect, reason)
}
