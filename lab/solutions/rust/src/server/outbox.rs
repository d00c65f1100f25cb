//! What one client is owed. Any thread puts it here, and never waits; one thread sends it.
//!
//! It knows the socket, and nothing of names and rooms.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// How many bytes a client may be behind before it misses lines.
const MOST_BYTES: usize = 1024 * 1024;

/// With so many bytes waiting for it, a client's requests are not read on.
const REPLY_BYTES: usize = 64 * 1024;

/// How long a client that leaves has to take what it is owed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The queue of one client.
pub struct Outbox {
    stream: Arc<TcpStream>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Not yet given to the socket.
    waiting: Vec<u8>,
    /// Given to a send that has not returned.
    sending: usize,
    /// Lines that were dropped since the queue was full.
    missed: usize,
    is_closing: bool,
    /// The writer has ended.
    has_ended: bool,
}

impl Queue {
    fn bytes(&self) -> usize {
        self.waiting.len() + self.sending
    }

    fn push(&mut self, text: &str) {
        if !self.has_ended {
            self.waiting.extend_from_slice(text.as_bytes());
            self.waiting.push(b'\n');
        }
    }

    fn end_gap(&mut self) {
        if self.missed > 0 {
            let text = format!("Missed {} lines", self.missed);
            self.missed = 0;
            self.push(&text);
        }
    }
}

impl Outbox {
    /// An empty outbox, and the thread that sends what is put into it.
    pub fn start(stream: Arc<TcpStream>) -> std::io::Result<(Arc<Self>, JoinHandle<()>)> {
        let (queue, changed) = (Mutex::default(), Condvar::new());
        let outbox = Arc::new(Self { stream, queue, changed });
        let writer = Arc::clone(&outbox);
        let thread = thread::Builder::new().name("writer".to_owned());
        Ok((outbox, thread.spawn(move || writer.write())?))
    }

    /// Adds an answer, which is never missed.
    pub fn reply(&self, text: &str) {
        let mut queue = self.queue.lock();
        queue.end_gap();
        queue.push(text);
        self.changed.notify_all();
    }

    /// Adds a line of the room. A client that is too far behind misses it.
    pub fn tell(&self, line: &str) {
        let mut queue = self.queue.lock();
        // Once there is a gap, it goes on until all before it is sent.
        if queue.missed > 0 || queue.bytes() > MOST_BYTES {
            queue.missed += 1;
        } else {
            queue.push(line);
        }
        self.changed.notify_all();
    }

    /// Waits until the client has taken most of its answers.
    pub fn wait_for_room(&self) {
        let mut queue = self.queue.lock();
        self.changed.wait_while(&mut queue, |q| q.bytes() >= REPLY_BYTES && !q.has_ended);
    }

    /// Waits until all is sent, or the client has taken too long.
    pub fn close(&self) {
        let mut queue = self.queue.lock();
        queue.is_closing = true;
        self.changed.notify_all();
        let waited = self.changed.wait_while_for(&mut queue, |q| !q.has_ended, PATIENCE);
        if waited.timed_out() {
            // The send that waits fails now.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// Sends what is there, as much at once as there is, until the outbox is closed.
    fn write(&self) {
        let mut bytes = Vec::new();
        loop {
            let mut queue = self.queue.lock();
            queue.sending = 0;
            if queue.waiting.is_empty() {
                queue.end_gap();
            }
            self.changed.notify_all();
            self.changed.wait_while(&mut queue, |q| q.waiting.is_empty() && !q.is_closing);
            bytes.clear();
            std::mem::swap(&mut bytes, &mut queue.waiting);
            queue.sending = bytes.len();
            drop(queue);
            // Without the lock, for this may wait.
            if bytes.is_empty() || (&*self.stream).write_all(&bytes).is_err() {
                break;
            }
        }
        let mut queue = self.queue.lock();
        // Nothing more is kept for this client. The thread that reads from it notices, too.
        *queue = Queue { has_ended: true, ..Queue::default() };
        self.changed.notify_all();
    }
}
