//! Many clients behind one thread.
//!
//! They connect, enter, and then take what comes, as fast as one thread can: polled, in large
//! reads, each read compared with what the others got. What they say is said by others, on the
//! same sockets; reading never waits, writing may.

pub mod entry;
mod taking;

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Poll};
use nix::sys::socket::{setsockopt, sockopt};
use rustls::ClientConfig;

use super::dialect::Dialect;
use super::frames::Unframer;
use super::link::Link;
use super::mark::Mark;
use super::member::{Entering, Inside};
use super::transcript::{Line, Transcript};

/// A server that sends nothing for so long while something is missing has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that has something for a client sends it sooner than this.
const SILENCE: Duration = Duration::from_secs(2);

const READ_BYTES: usize = 256 * 1024;

/// What is called with a client and the lines that it has just got whole.
pub type OnLines<'a> = dyn FnMut(usize, &[Line]) -> Result<()> + 'a;

/// How many clients there are, and where.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Clients in all.
    pub clients: usize,
    /// Clients in each room.
    pub room_size: usize,
}

impl Shape {
    /// How many rooms that makes.
    #[must_use]
    pub fn rooms(self) -> usize {
        self.clients / self.room_size
    }

    /// The room of a client. `None` when there is but one, and nobody has to ask for it.
    #[must_use]
    pub fn room(self, client: usize) -> Option<usize> {
        (self.rooms() > 1).then_some(client / self.room_size)
    }
}

/// See the module's page.
pub struct Crowd {
    shape: Shape,
    dialect: Dialect,
    tls: Option<Arc<ClientConfig>>,
    members: Vec<Member>,
    transcripts: Vec<Transcript>,
    entering: Histogram<u64>,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    plain: Vec<u8>,
    /// Members that have not yet got to where all are going.
    awaited: usize,
}

struct Member {
    link: Link,
    /// Of a WebSocket.
    unframer: Option<Unframer>,
    stage: Stage,
}

enum Stage {
    /// On its way in.
    Entering(Entering),
    /// In, until the fence after which there is nothing but load.
    Inside(Inside),
    /// Under load, this far.
    Listening { position: usize },
    /// The same for one that does not get its own lines: so many others are still missing.
    Counting { missing: u64 },
    /// Reads nothing any more.
    Stalled,
}

impl Crowd {
    /// How many clients there are, and where.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How one speaks to the server.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The sending side of a client's connection.
    ///
    /// # Errors
    ///
    /// When there are no descriptors.
    pub fn sender(&self, client: usize) -> io::Result<Link> {
        self.members[client].link.try_clone()
    }

    /// Every tenth client reads nothing from now on. Those who speak are not among them: ten
    /// speakers are every fifth client of 50, or every hundredth of 1,000. A client that speaks
    /// and does not read may never learn that what it said has arrived.
    ///
    /// # Errors
    ///
    /// When the system does not let them.
    pub fn stall_a_tenth(&mut self) -> Result<()> {
        for member in self.members.iter_mut().skip(7).step_by(10) {
            // Little room, so that the server feels it soon.
            setsockopt(&member.link.stream, sockopt::RcvBuf, &4096)?;
            self.poll.registry().deregister(&mut SourceFd(&member.link.stream.as_raw_fd()))?;
            member.stage = Stage::Stalled;
        }
        Ok(())
    }

    /// Lets the first of those that stalled read what there is for it, and says what that is.
    ///
    /// # Errors
    ///
    /// When nobody stalled.
    pub fn resume_a_stalled_one(&self) -> Result<String> {
        let is_stalled = |member: &&Member| matches!(member.stage, Stage::Stalled);
        let member = self.members.iter().find(is_stalled).context("nobody stalled")?;
        let mut stream = &member.link.stream;
        stream.set_read_timeout(Some(SILENCE))?;
        setsockopt(stream, sockopt::RcvBuf, &READ_BYTES)?;
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
        let end = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break "and was closed",
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    break "and is still there";
                }
                Err(_) => break "and was cut off",
            }
        };
        let notice = bytes
            .split(|&byte| byte == b'\n')
            .find(|line| Mark::read(line).is_none() && !line.is_empty());
        let notice = notice.map(|line| format!(", «{}»", line.trim_ascii_end().escape_ascii()));
        Ok(format!("{} KiB{} {end}", bytes.len() / 1024, notice.unwrap_or_default()))
    }

    /// Gets ready for load: what each lane is going to say, and on which connection it does.
    pub fn expect(&mut self, lanes: &[(usize, u64)], room_of_lane: impl Fn(usize) -> usize) {
        for (room, transcript) in self.transcripts.iter_mut().enumerate() {
            let lanes = lanes.iter().enumerate().filter(|(lane, _)| room_of_lane(*lane) == room);
            transcript.expect(lanes.map(|(lane, (_, texts))| (lane, *texts)));
        }
        self.awaited = 0;
        for (client, member) in self.members.iter_mut().enumerate() {
            if matches!(member.stage, Stage::Stalled) {
                continue;
            }
            let own_lane = lanes.iter().position(|(speaker, _)| *speaker == client);
            member.stage = match own_lane {
                Some(lane) if !self.dialect.echoes() => {
                    let room = &self.transcripts[self.shape.room(client).unwrap_or(0)];
                    Stage::Counting { missing: room.lines_without(lane) }
                }
                _ => Stage::Listening { position: 0 },
            };
            self.awaited += usize::from(!matches!(member.stage, Stage::Counting { missing: 0 }));
        }
    }

    /// Takes what comes until everyone has got everything.
    ///
    /// # Errors
    ///
    /// When somebody gets something else, or nothing more.
    pub fn listen(&mut self, on_lines: &mut OnLines<'_>) -> Result<()> {
        let outcome = self.wait_for_all(on_lines);
        if outcome.is_err() {
            // Whoever still speaks shall not wait for a server that has failed.
            for member in &self.members {
                let _ = member.link.stream.shutdown(Shutdown::Both);
            }
        }
        outcome
    }

    /// How many clients still read.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.members.iter().filter(|member| !matches!(member.stage, Stage::Stalled)).count()
    }
}
