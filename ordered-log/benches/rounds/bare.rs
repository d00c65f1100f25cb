//! The same records with bare `XADD` and `XREAD`, one record an entry: what anybody gets who uses Redis as
//! it is.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::engine::Engine;
use crate::resp::{self, Reply};
use crate::{Load, histogram, record_time};

/// Commands that are sent before their replies are read.
const AHEAD: u64 = 100;

struct Client {
    replies: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Client {
    fn connect(engine: &Engine) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", engine.port)).expect("the engine is there");
        socket.set_nodelay(true).expect("it is a socket");
        Self { replies: BufReader::with_capacity(64 * 1024, socket), request: Vec::new() }
    }

    fn add(&mut self, record: &[u8]) {
        resp::command(&[b"XADD", b"bare", b"*", b"r", record], &mut self.request);
    }

    fn send(&mut self) {
        self.replies.get_mut().write_all(&self.request).expect("the engine goes on");
        self.request.clear();
    }

    fn reply(&mut self) -> Reply {
        resp::read(&mut self.replies).expect("the engine goes on")
    }

    /// The entries after an ID, which becomes that of the last one.
    fn read(&mut self, after: &mut Vec<u8>) -> u64 {
        let command: [&[u8]; 8] =
            [b"XREAD", b"COUNT", b"1000", b"BLOCK", b"100", b"STREAMS", b"bare", after];
        resp::command(&command, &mut self.request);
        self.send();
        let Reply::Array(mut streams) = self.reply() else { return 0 };
        let Some(Reply::Array(mut stream)) = streams.pop() else { panic!("no stream") };
        let Some(Reply::Array(mut entries)) = stream.pop() else { panic!("no entries") };
        let count = entries.len() as u64;
        let Some(Reply::Array(mut last)) = entries.pop() else { panic!("no entry") };
        let Reply::Bytes(id) = last.swap_remove(0) else { panic!("no ID") };
        *after = id;
        count
    }
}

/// Records a second, until all readers have read all.
pub fn rate(engine: &Engine, load: Load) -> f64 {
    let start = Instant::now();
    let record = vec![b'x'; load.bytes];
    let total = AtomicU64::new(u64::MAX);
    thread::scope(|scope| {
        for _ in 0..load.programs {
            scope.spawn(|| {
                let (mut reader, mut after, mut seen) = (Client::connect(engine), b"0".to_vec(), 0);
                while seen < total.load(Ordering::Relaxed) {
                    seen += reader.read(&mut after);
                }
            });
        }
        let add = || {
            let (mut client, mut count) = (Client::connect(engine), 0);
            while start.elapsed() < load.time {
                (0..AHEAD).for_each(|_| client.add(&record));
                client.send();
                (0..AHEAD).for_each(|_| drop(client.reply()));
                count += AHEAD;
            }
            count
        };
        let adders: Vec<_> = (0..load.programs * load.threads).map(|_| scope.spawn(add)).collect();
        let sum = adders.into_iter().map(|adder| adder.join().expect("none panics")).sum();
        total.store(sum, Ordering::Relaxed);
    });
    total.into_inner() as f64 / start.elapsed().as_secs_f64()
}

/// How long it takes from `XADD` until one's own `XREAD` has it, one record of each program at a time.
pub fn round_trips(engine: &Engine, load: Load) -> Histogram<u64> {
    let start = Instant::now();
    let record = vec![b'x'; load.bytes];
    let mut all = histogram();
    thread::scope(|scope| {
        let talk = || {
            let mut times = histogram();
            let (mut writer, mut reader) = (Client::connect(engine), Client::connect(engine));
            writer.add(&record);
            writer.send();
            let mut after = match writer.reply() {
                Reply::Bytes(id) => id,
                reply => panic!("{reply:?}"),
            };
            while start.elapsed() < load.time {
                let began = Instant::now();
                writer.add(&record);
                writer.send();
                let Reply::Bytes(own) = writer.reply() else { panic!("no ID") };
                while key(&after) < key(&own) {
                    reader.read(&mut after);
                }
                record_time(&mut times, began);
            }
            times
        };
        let threads: Vec<_> = (0..load.programs).map(|_| scope.spawn(talk)).collect();
        for thread in threads {
            all += thread.join().expect("none panics");
        }
    });
    all
}

/// An ID in its order.
fn key(id: &[u8]) -> (u64, u64) {
    let text = str::from_utf8(id).expect("an ID is digits");
    let (time, count) = text.split_once('-').expect("an ID has two parts");
    let number = |digits: &str| digits.parse().expect("an ID has numbers");
    (number(time), number(count))
}
