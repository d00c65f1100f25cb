//! Many clients behind one thread.
//!
//! They connect, enter, and then take what comes, as fast as one thread can: polled, in large
//! reads, each read compared with what the others got. What they say is said by others, on the
//! same sockets; reading never waits, writing may.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
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

/// Clients connect while others enter. So many connect between two looks at those.
const CONNECT_AT_ONCE: usize = 16;

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

/// How it went until everybody was in.
#[derive(Debug)]
pub struct Entry {
    /// From the first connect until everyone was in and had got everything that came of it.
    pub time: Duration,
    /// From a client's connect until it knew that it was in, in microseconds.
    pub latency: Histogram<u64>,
    /// Lines about others that came to clients which were in.
    pub lines: u64,
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
    /// Brings all clients in, as fast as the server lets them.
    ///
    /// # Errors
    ///
    /// When one does not get in, or does not see everybody who comes later.
    pub fn enter(address: SocketAddr, dialect: Dialect, shape: Shape) -> Result<(Self, Entry)> {
        Self::enter_with(address, dialect, shape, None)
    }

    /// The same, over TLS where there is something for it.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn enter_with(
        address: SocketAddr,
        dialect: Dialect,
        shape: Shape,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<(Self, Entry)> {
        Self::enter_at(&[address], dialect, shape, tls)
    }

    /// The same, to several servers of one chat: as many clients to each of them, the first ones to the
    /// first one.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn enter_at(
        addresses: &[SocketAddr],
        dialect: Dialect,
        shape: Shape,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<(Self, Entry)> {
        let mut crowd = Self {
            shape,
            dialect,
            tls,
            members: Vec::with_capacity(shape.clients),
            transcripts: (0..shape.rooms()).map(|_| Transcript::default()).collect(),
            entering: Histogram::new(3)?,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; READ_BYTES],
            plain: Vec::new(),
            awaited: shape.clients,
        };
        let start = Instant::now();
        for client in 0..shape.clients {
            crowd.connect(addresses[client * addresses.len() / shape.clients], client)?;
            if client % CONNECT_AT_ONCE == 0 {
                crowd.pump(Duration::ZERO, &mut |_, _| Ok(()))?;
            }
        }
        crowd.wait_for_all(&mut |_, _| Ok(()))?;
        crowd.fence()?;
        let time = start.elapsed();
        let lines = crowd.check_entries()?;
        let entry = Entry { time, latency: crowd.entering.clone(), lines };
        Ok((crowd, entry))
    }

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

    fn connect(&mut self, address: SocketAddr, client: usize) -> Result<()> {
        let since = Instant::now();
        let stream = TcpStream::connect(address)
            .with_context(|| format!("client {client} cannot connect"))?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let greeting = self.dialect.greeting(client, self.shape.room(client));
        let link = Link::new(stream, self.tls.as_ref())?;
        link.send(&greeting)?;
        let descriptor = link.stream.as_raw_fd();
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&descriptor), Token(client), Interest::READABLE)?;
        let unframer = (self.dialect == Dialect::Web).then(Unframer::default);
        self.members.push(Member { link, unframer, stage: Stage::Entering(Entering::new(since)) });
        Ok(())
    }

    /// Lets everyone see a line after which nothing more comes of the entering.
    fn fence(&mut self) -> Result<()> {
        // Whoever gets no echo needs a fence of its own, from somebody else.
        let is_double = !self.dialect.echoes();
        for room in 0..self.shape.rooms() {
            let first = room * self.shape.room_size;
            if is_double {
                self.awaited = 1;
                self.say_fence(first + 1, room, 1)?;
                while !self.has_seen_fence(first, 1) {
                    self.pump_or_fail(&mut |_, _| Ok(()))?;
                }
            }
        }
        self.awaited = self.shape.clients - if is_double { self.shape.rooms() } else { 0 };
        for room in 0..self.shape.rooms() {
            let first = room * self.shape.room_size;
            let speaker = if self.dialect.has_one_speaker() { 0 } else { first };
            self.say_fence(speaker, room, 2)?;
        }
        self.wait_for_all(&mut |_, _| Ok(()))
    }

    fn say_fence(&self, client: usize, room: usize, number: u64) -> Result<()> {
        let mark = Mark { lane: room, number: Mark::FENCE + number };
        let mut request = Vec::new();
        self.dialect.say(client, self.shape.room(client), mark, &mut request);
        Ok(self.dialect.send(&self.members[client].link, &request)?)
    }

    fn has_seen_fence(&self, client: usize, number: u64) -> bool {
        matches!(&self.members[client].stage, Stage::Inside(inside) if inside.fence() == number)
    }

    /// Everyone in a room was told of everyone who came later, so each number of such lines from
    /// none to all others stands once. That holds for servers that tell of it at all.
    fn check_entries(&self) -> Result<u64> {
        let mut total = 0;
        for room in self.members.chunks(self.shape.room_size) {
            let mut counts: Vec<u64> = room
                .iter()
                .map(|member| match &member.stage {
                    Stage::Inside(inside) => inside.lines(),
                    _ => 0,
                })
                .collect();
            counts.sort_unstable();
            total += counts.iter().sum::<u64>();
            if self.dialect.tells_of_entries() {
                ensure!(
                    counts.iter().copied().eq(0..room.len() as u64),
                    "somebody was not told of somebody's coming"
                );
            }
        }
        Ok(total)
    }

    fn wait_for_all(&mut self, on_lines: &mut OnLines<'_>) -> Result<()> {
        while self.awaited > 0 {
            self.pump_or_fail(on_lines)?;
        }
        Ok(())
    }

    fn pump_or_fail(&mut self, on_lines: &mut OnLines<'_>) -> Result<()> {
        if !self.pump(PATIENCE, on_lines)? {
            let progress = self.transcripts.iter().map(Transcript::progress).next();
            bail!(
                "nothing came for {PATIENCE:?}; {} clients still wait; in the first room {}",
                self.awaited,
                progress.unwrap_or_default()
            );
        }
        Ok(())
    }

    /// Takes what is there. `false` when nothing came.
    fn pump(&mut self, timeout: Duration, on_lines: &mut OnLines<'_>) -> Result<bool> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for client in &ready {
            self.drain(*client, &mut buffer, on_lines)
                .with_context(|| format!("client {client}"))?;
        }
        self.buffer = buffer;
        Ok(!ready.is_empty())
    }

    fn drain(
        &mut self,
        client: usize,
        buffer: &mut [u8],
        on_lines: &mut OnLines<'_>,
    ) -> Result<()> {
        loop {
            let descriptor = self.members[client].link.stream.as_raw_fd();
            let count = match recv(descriptor, buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => count,
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error).context("the connection broke"),
            };
            let mut plain = std::mem::take(&mut self.plain);
            plain.clear();
            if self.members[client].link.open(&buffer[..count], &mut plain)? {
                self.take(client, &plain, on_lines)?;
                self.plain = plain;
                if count < buffer.len() {
                    return Ok(());
                }
                continue;
            }
            self.plain = plain;
            let kept = match &mut self.members[client].unframer {
                Some(unframer) => unframer.take(&mut buffer[..count]),
                None => count,
            };
            self.take(client, &buffer[..kept], on_lines)?;
            // Events tell of changes only; but a read that is not full has emptied the socket.
            if count < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, client: usize, bytes: &[u8], on_lines: &mut OnLines<'_>) -> Result<()> {
        let room = self.shape.room(client);
        let Member { link, stage, .. } = &mut self.members[client];
        match stage {
            Stage::Entering(entering) => {
                let rest = entering.take(bytes, self.dialect, room, link)?;
                if let Some(rest) = rest {
                    self.entering.record(entering.elapsed().as_micros() as u64)?;
                    let mut inside = Inside::default();
                    inside.take(&rest);
                    *stage = Stage::Inside(inside);
                    self.awaited -= 1;
                }
            }
            Stage::Inside(inside) => {
                let before = inside.fence();
                inside.take(bytes);
                if before < 2 && inside.fence() == 2 {
                    self.awaited -= 1;
                }
            }
            Stage::Listening { position } => {
                let transcript = &mut self.transcripts[room.unwrap_or(0)];
                let numbers = transcript.take(*position, bytes)?;
                *position += bytes.len();
                if transcript.is_all(*position) {
                    self.awaited -= 1;
                }
                if !numbers.is_empty() {
                    on_lines(client, transcript.lines(numbers))?;
                }
            }
            Stage::Counting { missing } => {
                let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
                *missing = missing.checked_sub(lines).context("it got more than was said")?;
                if *missing == 0 {
                    self.awaited -= 1;
                }
            }
            Stage::Stalled => {}
        }
        Ok(())
    }
}
