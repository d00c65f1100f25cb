//! A relay on which TCP has a bad day: what a programmer must expect and seldom sees at a desk.
//!
//! It knows nothing of the chat. With one seed each connection is cut in the same places again.

mod pump;

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clap::ValueEnum;
use parking_lot::Mutex;
use socket2::SockRef;

use pump::{Broken, pump};

/// What happens to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mood {
    /// They come one to three at a time.
    Pieces,
    /// Several sends come as one.
    Glue,
    /// They come late.
    Slow,
    /// The connection is closed in the middle.
    Cut,
    /// Nothing comes any more, and the connection stays.
    Stall,
    /// The connection is reset in the middle.
    Reset,
}

impl Mood {
    /// Whether all bytes come in the end, so that every client and server must bear it.
    #[must_use]
    pub fn keeps_everything(self) -> bool {
        matches!(self, Self::Pieces | Self::Glue | Self::Slow)
    }
}

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    connections: Connections,
    acceptor: Option<JoinHandle<()>>,
}

/// The connections that are open, by their number. A socket that was reset does not tell its
/// address any more, so an address cannot be the key.
type Connections = Arc<Mutex<HashMap<u64, Ends>>>;

/// Both ends of a connection, to end them.
#[derive(Debug)]
struct Ends {
    client: TcpStream,
    server: TcpStream,
    /// How many of its two directions have not ended.
    directions: u8,
}

impl Ends {
    /// Ends it. It may have ended already, so an error means nothing.
    fn shut(&self, how: Shutdown) {
        let _ = self.client.shutdown(how);
        let _ = self.server.shutdown(how);
    }
}

impl Relay {
    /// Listens at `listen`, and connects each client with `to`.
    ///
    /// # Errors
    ///
    /// When it cannot listen there.
    pub fn start(listen: SocketAddr, to: SocketAddr, mood: Mood, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let connections = Connections::default();
        let (stopped, ends) = (Arc::clone(&stop), Arc::clone(&connections));
        let acceptor = thread::Builder::new().name("relay".to_owned()).spawn(move || {
            let mut pumps = Vec::new();
            for (number, client) in (0..).zip(listener.incoming()) {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                let Ok(client) = client else { continue };
                // A client whose server cannot be reached is closed, as by a server that is gone.
                if let Ok(started) = connect(client, to, (mood, seed), number, &ends) {
                    pumps.extend(started);
                }
                pumps.retain(|pump: &JoinHandle<()>| !pump.is_finished());
            }
            for (_, ends) in ends.lock().drain() {
                ends.shut(Shutdown::Both);
            }
            for pump in pumps {
                let _ = pump.join();
            }
        })?;
        Ok(Self { address, stop, connections, acceptor: Some(acceptor) })
    }

    /// Goes on until the process is ended.
    pub fn run(mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for ends in self.connections.lock().values() {
            ends.shut(Shutdown::Both);
        }
        // A connection wakes the acceptor, so that it sees that it shall stop.
        if self.acceptor.is_some()
            && TcpStream::connect(self.address).is_ok()
            && let Some(acceptor) = self.acceptor.take()
        {
            let _ = acceptor.join();
        }
    }
}

fn connect(
    client: TcpStream,
    to: SocketAddr,
    (mood, seed): (Mood, u64),
    number: u64,
    connections: &Connections,
) -> io::Result<[JoinHandle<()>; 2]> {
    let server = TcpStream::connect(to)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ends = Ends { client: client.try_clone()?, server: server.try_clone()?, directions: 2 };
    connections.lock().insert(number, ends);
    let seed = seed.wrapping_add(number);
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let up = direction(from, to, (mood, seed), number, connections)?;
    let down = direction(server, client, (mood, seed ^ u64::MAX), number, connections)?;
    Ok([up, down])
}

fn direction(
    from: TcpStream,
    to: TcpStream,
    (mood, seed): (Mood, u64),
    number: u64,
    connections: &Connections,
) -> io::Result<JoinHandle<()>> {
    let connections = Arc::clone(connections);
    thread::Builder::new().name(format!("relay {mood:?}")).spawn(move || {
        match pump(&from, &to, mood, seed) {
            Ok(()) => {
                // The other direction goes on: a half-closed connection stays one.
                let _ = to.shutdown(Shutdown::Write);
                ended(&connections, number);
            }
            Err(broken) => {
                let linger = (broken == Broken::Reset).then_some(Duration::ZERO);
                for stream in [&from, &to] {
                    let _ = SockRef::from(stream).set_linger(linger);
                }
                forget(&connections, number, broken);
            }
        }
    })
}

/// One direction of a connection ended with its input.
fn ended(connections: &Connections, number: u64) {
    let mut connections = connections.lock();
    if let Some(ends) = connections.get_mut(&number) {
        ends.directions -= 1;
        if ends.directions == 0 {
            connections.remove(&number);
        }
    }
}

/// Gives up the copies of both ends. A reset leaves when the last of them is closed.
fn forget(connections: &Connections, number: u64, broken: Broken) {
    if let Some(ends) = connections.lock().remove(&number) {
        // The other direction waits in a read. On Linux this wakes it and still lets the reset go
        // out.
        ends.shut(if broken == Broken::Reset { Shutdown::Read } else { Shutdown::Both });
    }
}
