//! A small server that is right up to level 5, but for the one mistake that it is given.

mod lines;
mod room;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use super::fault::Fault;
use lines::read_lines;
use room::leave;

/// Lines that wait for one client at most. Who is further behind misses the rest.
const QUEUE: usize = 4000;

/// A running server.
pub struct ZooServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    fault: Fault,
    is_stopped: AtomicBool,
    /// Those who have logged in, in order of entry.
    room: Mutex<Vec<Arc<Client>>>,
    /// All who have connected.
    everyone: Mutex<Vec<Weak<Client>>>,
    said: Mutex<Vec<String>>,
    one_at_a_time: Mutex<()>,
}

struct Client {
    stream: TcpStream,
    name: Mutex<String>,
    queue: SyncSender<Option<String>>,
}

impl ZooServer {
    pub fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            fault,
            is_stopped: AtomicBool::new(false),
            room: Mutex::default(),
            everyone: Mutex::default(),
            said: Mutex::default(),
            one_at_a_time: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            let mut threads = Vec::new();
            for stream in listener.incoming() {
                if accepting.is_stopped.load(Ordering::Acquire) {
                    break;
                }
                let (stream, shared) = (stream.unwrap(), Arc::clone(&accepting));
                threads.push(thread::spawn(move || serve(&shared, stream)));
            }
            for thread in threads {
                thread.join().unwrap();
            }
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }
}

impl Drop for ZooServer {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        let everyone = self.shared.everyone.lock();
        for client in everyone.iter().filter_map(Weak::upgrade) {
            let _ = client.stream.shutdown(Shutdown::Both);
        }
        drop(everyone);
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

/// How a client went.
#[derive(PartialEq)]
enum End {
    Logout,
    Closed,
    Reset,
    Refused,
}

/// The client shall be closed.
struct Over;

fn serve(shared: &Shared, stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let (queue, queued) = sync_channel(QUEUE);
    let writing = stream.try_clone().unwrap();
    let fault = shared.fault;
    let name = Mutex::default();
    let client = Arc::new(Client { stream, name, queue });
    shared.everyone.lock().push(Arc::downgrade(&client));
    if shared.is_stopped.load(Ordering::Acquire) {
        return;
    }
    let writer = thread::spawn(move || write(writing, &queued, fault));
    let end = converse(shared, &client);
    leave(shared, &client, &end);
    if fault == Fault::LogoutKeepsTheConnection && end == End::Logout {
        let mut rest = [0; 64];
        while (&client.stream).read(&mut rest).is_ok_and(|length| length > 0) {}
    }
    let drops = match fault {
        Fault::DropsWhatIsOwed => end == End::Logout,
        Fault::ClosesAtTheEndOfInput => end == End::Closed,
        _ => false,
    };
    if drops {
        let _ = client.stream.shutdown(Shutdown::Both);
    }
    let _ = client.queue.send(None);
    let _ = writer.join();
    if fault == Fault::ClosesWithUnreadInput {
        return;
    }
    let _ = client.stream.shutdown(Shutdown::Write);
    // Closing with unread input would become a reset, which throws away what was sent.
    let _ = client.stream.set_read_timeout(Some(Duration::from_millis(200)));
    let mut rest = [0; 4096];
    while (&client.stream).read(&mut rest).is_ok_and(|length| length > 0) {}
    let _ = client.stream.shutdown(Shutdown::Both);
}

fn write(mut stream: TcpStream, queued: &Receiver<Option<String>>, fault: Fault) {
    while let Ok(Some(line)) = queued.recv() {
        let end = if fault == Fault::RepliesWithoutNewline { "" } else { "\n" };
        if matches!(fault, Fault::DropsWhatIsOwed | Fault::ClosesAtTheEndOfInput) {
            thread::sleep(Duration::from_millis(2));
        }
        if stream.write_all(format!("{line}{end}").as_bytes()).is_err() {
            break;
        }
    }
}

fn converse(shared: &Shared, client: &Arc<Client>) -> End {
    let fault = shared.fault;
    let is_held = fault == Fault::OneClientAtATime;
    let held = is_held.then(|| shared.one_at_a_time.lock());
    match fault {
        Fault::ClosesAtOnce => return End::Refused,
        Fault::NoGreeting | Fault::GreetsAfterLogin => {}
        Fault::GreetingMisspelt => client.tell("Connected Successfully"),
        _ => client.tell("Connect Success"),
    }
    if fault == Fault::Floods {
        let piece = [b'x'; 4096];
        while (&client.stream).write_all(&piece).is_ok() {}
        return End::Refused;
    }
    let _turn = (fault == Fault::WaitsForSilentClients).then(|| shared.one_at_a_time.lock());
    let end = read_lines(shared, client);
    drop(held);
    end
}

impl Client {
    fn tell(&self, line: &str) {
        // Who is so far behind misses this line.
        let _ = self.queue.try_send(Some(line.to_owned()));
    }

    /// Past the queue, which a right server does not do.
    fn write(&self, line: &str) -> io::Result<()> {
        (&self.stream).write_all(format!("{line}\n").as_bytes())
    }

    fn write_in_two(&self, line: &str) {
        let (start, end) = line.as_bytes().split_at(line.len() / 2);
        let _ = (&self.stream).write_all(start);
        thread::yield_now();
        let _ = (&self.stream).write_all(&[end, b"\n"].concat());
    }
}
