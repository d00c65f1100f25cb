//! A client of the simulated courier, which knows what must come next.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;

use crate::delivery::client::Client;

/// A client with the far end of its connection.
pub struct Peer {
    pub client: Arc<Client>,
    pub far: TcpStream,
    /// What it has got after its last whole line.
    pub tail: Vec<u8>,
    pub room: Option<usize>,
    /// The line that must come next: lines say their numbers. `None` before the first one.
    pub next: Option<u64>,
    /// Fences that have to come still.
    pub fences: u64,
    /// Whether it reads at all before the end.
    pub is_deaf: bool,
}

impl Peer {
    /// Reads at most so many bytes, and gives how many came.
    pub fn read(&mut self, most: usize) -> usize {
        let mut buffer = vec![0; most];
        let Ok(count) = (&self.far).read(&mut buffer) else { return 0 };
        assert!(count > 0, "the connection was closed");
        self.tail.extend_from_slice(&buffer[..count]);
        let whole = self.tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.tail.drain(..whole).collect();
        for line in str::from_utf8(&lines).unwrap().lines() {
            self.take(line);
        }
        count
    }

    fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        match (word(), word(), word(), word()) {
            ("room", _, "from", number) => self.next = Some(number.parse().unwrap()),
            ("fence", ..) => self.fences -= 1,
            ("Missed", count, ..) => {
                let count: u64 = count.parse().unwrap();
                *self.next.as_mut().unwrap() += count;
            }
            ("line", number, ..) => {
                let next = self.next.as_mut().unwrap();
                assert_eq!(number, next.to_string(), "not the next line");
                *next += 1;
            }
            _ => panic!("{line:?} was never sent"),
        }
    }
}
