//! Closes connections without a loss: one thread waits for all the peers that were told their last
//! words.
//!
//! A socket that is closed while input of its peer is unread, or still comes, resets the connection,
//! and that destroys what the peer has not received yet (RFC 2525, section 2.17). So the server shuts
//! its sending side, throws away what still comes, and closes once the peer has closed too, or after
//! [`LINGER`].
//!
//! So many connections wait at once and no more: for a newcomer the one that has waited longest
//! goes. This module knows no client and no chat.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, recv, shutdown};
use parking_lot::Mutex;

/// How long a connection waits for its peer to close.
pub const LINGER: Duration = Duration::from_secs(2);

/// Bytes that are thrown away at once, and how often before others have their turn.
const THROWN_AWAY_BYTES: usize = 4096;
const READS: usize = 16;

const WAKE_UP: Token = Token(usize::MAX);

/// Something that is a socket, and closes it when it is dropped.
pub trait Connection: AsFd + Send + Sync {}

impl<T: AsFd + Send + Sync> Connection for T {}

/// Takes over connections to close them.
pub struct Closer {
    state: Mutex<State>,
    registry: Registry,
    waker: Waker,
    /// Connections that may wait at once.
    most: usize,
}

struct State {
    /// By number, and so the one that has waited longest first.
    waiting: BTreeMap<usize, Waiting>,
    next: usize,
    /// Whether something has waited since the thread began to sleep.
    is_busy: bool,
    /// Whether the thread sleeps until it is woken, else no longer than [`LINGER`].
    sleeps_on: bool,
    /// Nothing waits longer than until then. Once set, the thread ends when nothing waits.
    end: Option<Instant>,
}

struct Waiting {
    connection: Arc<dyn Connection>,
    until: Instant,
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer").field("most", &self.most).finish_non_exhaustive()
    }
}

impl Closer {
    /// A closer where `most` connections wait at once, and what its thread waits with.
    ///
    /// # Errors
    ///
    /// When the system gives no descriptors for polling.
    pub fn new(most: usize) -> io::Result<(Self, Poll)> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE_UP)?;
        let state =
            State { waiting: BTreeMap::new(), next: 0, is_busy: false, sleeps_on: true, end: None };
        Ok((Self { state: Mutex::new(state), registry, waker, most: most.max(1) }, poll))
    }

    /// Starts its one thread, which ends after [`Closer::end`].
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn spawn<'scope>(
        &'scope self,
        poll: Poll,
        scope: &'scope Scope<'scope, '_>,
    ) -> io::Result<()> {
        let builder = thread::Builder::new().name("closer".to_owned());
        builder.spawn_scoped(scope, || self.run(poll)).map(drop)
    }

    /// Closes a connection whose last words the system has taken. Never waits.
    pub fn close(&self, connection: Arc<dyn Connection>) {
        let descriptor = connection.as_fd().as_raw_fd();
        // It fails only when the connection is gone already.
        let _ = shutdown(descriptor, Shutdown::Write);
        let until = Instant::now() + LINGER;
        let mut state = self.state.lock();
        if state.waiting.len() >= self.most
            && let Some((_, longest)) = state.waiting.pop_first()
        {
            self.forget(&longest);
        }
        let number = state.next;
        let is_watched =
            self.registry.register(&mut SourceFd(&descriptor), Token(number), Interest::READABLE);
        // Without memory in the system it is closed without the wait.
        if is_watched.is_ok() {
            state.next += 1;
            state.waiting.insert(number, Waiting { connection, until });
            state.is_busy = true;
            // Else the thread wakes by itself before this one's time is over.
            if std::mem::take(&mut state.sleeps_on) {
                drop(state);
                self.wake();
            }
        }
    }

    /// Lets the thread end once nothing waits, at `deadline` at the latest.
    pub fn end(&self, deadline: Instant) {
        self.state.lock().end = Some(deadline);
        self.wake();
    }

    fn wake(&self) {
        // It fails only when the descriptor is bad, and the thread's poll owns that one.
        let _ = self.waker.wake();
    }

    fn forget(&self, waiting: &Waiting) {
        let descriptor = waiting.connection.as_fd().as_raw_fd();
        // It fails only when it was not registered, and then nothing is to be undone.
        let _ = self.registry.deregister(&mut SourceFd(&descriptor));
    }

    fn run(&self, mut poll: Poll) {
        let mut events = Events::with_capacity(256);
        while let Some(time) = self.close_late() {
            if let Err(error) = poll.poll(&mut events, time)
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Time closes what the system does not tell of.
                log::error!("the closer cannot wait for sockets: {error}");
                thread::sleep(LINGER / 8);
            }
            for token in events.iter().map(mio::event::Event::token) {
                if token != WAKE_UP {
                    self.throw_away(token);
                }
            }
        }
    }

    /// Closes what has waited long enough, and says how long there is nothing else to do: the outer
    /// `None` is the end.
    #[expect(clippy::option_option, reason = "as `poll` has it, and an end")]
    fn close_late(&self) -> Option<Option<Duration>> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let end = state.end;
        let until = |waiting: &Waiting| end.map_or(waiting.until, |end| end.min(waiting.until));
        let was_busy = std::mem::take(&mut state.is_busy);
        while let Some(first) = state.waiting.first_entry() {
            let until = until(first.get());
            if until > now {
                return Some(Some(until - now));
            }
            self.forget(&first.remove());
        }
        if end.is_some() {
            return None;
        }
        // Most peers close at once. While they come and go it is cheaper to look now and then than to be
        // woken for each.
        state.sleeps_on = !was_busy;
        Some(was_busy.then_some(LINGER))
    }

    /// Throws away what has come on one connection, and closes it when nothing will come.
    fn throw_away(&self, token: Token) {
        let state = self.state.lock();
        let Some(waiting) = state.waiting.get(&token.0) else { return };
        let connection = Arc::clone(&waiting.connection);
        drop(state);
        let descriptor = connection.as_fd().as_raw_fd();
        let mut bytes = [0; THROWN_AWAY_BYTES];
        for _ in 0..READS {
            match recv(descriptor, &mut bytes, MsgFlags::MSG_DONTWAIT) {
                Err(Errno::EAGAIN) => return,
                Ok(1..) | Err(Errno::EINTR) => {}
                // The end, or the connection is gone, which is as good.
                Ok(0) | Err(_) => {
                    let waiting = self.state.lock().waiting.remove(&token.0);
                    return waiting.iter().for_each(|waiting| self.forget(waiting));
                }
            }
        }
        // There may be more, after the others had their turn.
        let source = &mut SourceFd(&descriptor);
        if self.state.lock().waiting.contains_key(&token.0) {
            // Where it fails, time closes the connection.
            let _ = self.registry.reregister(source, token, Interest::READABLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    /// What a peer sees of its connection when it sends before it reads.
    fn refused(closer: &Closer) -> UnixStream {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"unread").unwrap();
        ours.write_all(b"no\n").unwrap();
        closer.close(Arc::new(ours));
        theirs
    }

    #[test]
    fn the_one_that_has_waited_longest_goes_first() {
        let (closer, poll) = Closer::new(2).unwrap();
        let mut peers: Vec<_> = (0..3).map(|_| refused(&closer)).collect();
        assert_eq!(closer.state.lock().waiting.len(), 2);
        peers[0].write_all(b"x").unwrap_err();
        peers[1].write_all(b"x").unwrap();
        peers[2].write_all(b"x").unwrap();
        thread::scope(|scope| {
            closer.spawn(poll, scope).unwrap();
            let mut text = String::new();
            peers[2].read_to_string(&mut text).unwrap();
            assert_eq!(text, "no\n");
            // One closes its side, and the other is closed in the end.
            drop(peers.pop());
            closer.end(Instant::now());
        });
        assert!(closer.state.lock().waiting.is_empty());
        peers[1].write_all(b"x").unwrap_err();
    }

    #[test]
    fn an_idle_closer_sleeps_and_ends_at_once() {
        let (closer, poll) = Closer::new(2).unwrap();
        assert_eq!(closer.close_late(), Some(None));
        thread::scope(|scope| {
            closer.spawn(poll, scope).unwrap();
            closer.end(Instant::now() + Duration::from_secs(60));
        });
        assert_eq!(closer.close_late(), None);
    }
}
