//! A relay on which TCP has a bad day: what a programmer must expect and seldom sees at a desk.
//!
//! It knows nothing of the chat. With one seed each connection is cut in the same places again.

mod pump;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

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

/// Both ends of each connection, to end them.
type Connections = Arc<Mutex<Vec<(TcpStream, TcpStream)>>>;

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
                if let Ok(started) = connect(client, to, mood, seed.wrapping_add(number), &ends) {
                    pumps.extend(started);
                }
                pumps.retain(|pump: &JoinHandle<()>| !pump.is_finished());
            }
            for (client, server) in ends.lock().drain(..) {
                // They may be closed already.
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
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
        for (client, server) in &*self.connections.lock() {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
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
    mood: Mood,
    seed: u64,
    connections: &Connections,
) -> io::Result<[JoinHandle<()>; 2]> {
    let server = TcpStream::connect(to)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    connections.lock().push((client.try_clone()?, server.try_clone()?));
    let up = direction(client.try_clone()?, server.try_clone()?, mood, seed, connections)?;
    let down = direction(server, client, mood, seed ^ u64::MAX, connections)?;
    Ok([up, down])
}

fn direction(
    from: TcpStream,
    to: TcpStream,
    mood: Mood,
    seed: u64,
    connections: &Connections,
) -> io::Result<JoinHandle<()>> {
    let connections = Arc::clone(connections);
    thread::Builder::new().name(format!("relay {mood:?}")).spawn(move || {
        match pump(&from, &to, mood, seed) {
            // The other direction goes on: a half-closed connection stays one.
            Ok(()) => drop(to.shutdown(Shutdown::Write)),
            Err(broken) => {
                let linger = (broken == Broken::Reset).then_some(std::time::Duration::ZERO);
                for stream in [&from, &to] {
                    let _ = SockRef::from(stream).set_linger(linger);
                }
                forget(&connections, &from, broken);
            }
        }
    })
}

/// Gives up the copies of both ends. A reset leaves when the last of them is closed.
fn forget(connections: &Connections, stream: &TcpStream, broken: Broken) {
    let Ok(local) = stream.local_addr() else { return };
    let is_of = |end: &TcpStream| end.local_addr().is_ok_and(|address| address == local);
    let peer = stream.peer_addr().ok();
    let is_end = |end: &TcpStream| is_of(end) && end.peer_addr().ok() == peer;
    let mut connections = connections.lock();
    let Some(at) = connections.iter().position(|(a, b)| is_end(a) || is_end(b)) else { return };
    let (client, server) = connections.swap_remove(at);
    // The other direction waits in a read. On Linux this wakes it and still lets the reset go out.
    let how = if broken == Broken::Reset { Shutdown::Read } else { Shutdown::Both };
    let _ = client.shutdown(how);
    let _ = server.shutdown(how);
}
