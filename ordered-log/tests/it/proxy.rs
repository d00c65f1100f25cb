//! What stands between a log and its engine, and is slow, cuts off, or keeps answers to itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ordered_log::{Address, Options};
use parking_lot::Mutex;

/// A proxy to an engine of this machine. It ends with the test.
pub struct Proxy {
    port: u16,
    inner: Arc<Mutex<Inner>>,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    /// The engine's port; `None` while nothing goes through.
    engine: Option<u16>,
    /// How long each piece of bytes takes, in each direction.
    delay: Duration,
    /// So many answers to `XADD` are not passed on; the connection ends instead.
    eaten: u32,
    /// Both ends of each connection.
    sockets: Vec<TcpStream>,
    is_over: bool,
}

impl Proxy {
    /// To an engine.
    pub fn start(engine: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Inner {
            engine: Some(engine),
            delay: Duration::ZERO,
            eaten: 0,
            sockets: Vec::new(),
            is_over: false,
        };
        let inner = Arc::new(Mutex::new(inner));
        let shared = Arc::clone(&inner);
        let thread = thread::spawn(move || accept(&listener, &shared));
        Self { port, inner, thread: Some(thread) }
    }

    /// From now on to this engine, or to none. All connections are cut.
    pub fn lead_to(&self, engine: Option<u16>) {
        let mut inner = self.inner.lock();
        inner.engine = engine;
        inner.cut();
    }

    /// Each piece of bytes takes so long.
    pub fn delay(&self, delay: Duration) {
        self.inner.lock().delay = delay;
    }

    /// So many answers to `XADD` do not come.
    pub fn eat(&self, answers: u32) {
        self.inner.lock().eaten = answers;
    }

    /// How many are still to be eaten.
    pub fn hungry(&self) -> u32 {
        self.inner.lock().eaten
    }

    pub fn options(&self) -> Options {
        let address: Address = format!("redis://127.0.0.1:{}", self.port).parse().unwrap();
        Options::new(address)
    }
}

impl Inner {
    fn cut(&mut self) {
        for socket in self.sockets.drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut inner = self.inner.lock();
        inner.is_over = true;
        inner.cut();
        drop(inner);
        // It wakes who accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn accept(listener: &TcpListener, inner: &Arc<Mutex<Inner>>) {
    thread::scope(|scope| {
        for client in listener.incoming() {
            let client = client.unwrap();
            let mut locked = inner.lock();
            if locked.is_over {
                return;
            }
            let Some(port) = locked.engine else { continue };
            let Ok(engine) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
            for socket in [&client, &engine] {
                socket.set_nodelay(true).unwrap();
                locked.sockets.push(socket.try_clone().unwrap());
            }
            drop(locked);
            let [from, to] = [&client, &engine].map(|socket| socket.try_clone().unwrap());
            let appends = Arc::new(Mutex::new(false));
            let asked = Arc::clone(&appends);
            scope.spawn(move || {
                pass(from, to, |bytes| {
                    *asked.lock() = bytes.windows(4).any(|part| part == b"XADD");
                    thread::sleep(inner.lock().delay);
                    true
                });
            });
            scope.spawn(move || {
                pass(engine, client, |_| {
                    let delay = inner.lock().delay;
                    thread::sleep(delay);
                    let mut inner = inner.lock();
                    let is_eaten = *appends.lock() && inner.eaten > 0;
                    inner.eaten -= u32::from(is_eaten);
                    !is_eaten
                });
            });
        }
    });
}

/// Passes bytes on as long as there are some, and `may_pass` allows it.
fn pass(mut from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if !may_pass(&bytes[..length]) || to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    for socket in [from, to] {
        let _ = socket.shutdown(Shutdown::Both);
    }
}
