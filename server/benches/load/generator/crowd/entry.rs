//! How all clients come in: connected, logged in, in their rooms, and told of each other.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConfig;

use super::{Crowd, Member, PATIENCE, READ_BYTES, Shape, Stage};
use crate::generator::dialect::Dialect;
use crate::generator::frames::Unframer;
use crate::generator::link::Link;
use crate::generator::mark::Mark;
use crate::generator::member::Entering;
use crate::generator::transcript::Transcript;

/// Clients connect while others enter. So many connect between two looks at those.
const CONNECT_AT_ONCE: usize = 16;

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
}
