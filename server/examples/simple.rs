//! The simplest chat server that is right: a thread for each client, and everything they share
//! behind one lock. It speaks the protocol's `login`, `say`, `look`, `join` and `logout`. What a
//! client is sent is written by whoever causes it, under the lock. So there is one order of lines,
//! everybody sees it, and no line is cut by another.
//!
//! What it cannot, and `chat-server` can:
//! - A client that stops reading stops everybody: once the buffers of its connection are full,
//!   whoever writes to it waits, and holds the lock meanwhile.
//! - Nothing limits how many clients there are, how fast they talk and how long they are idle.
//! - A line costs one send for each member of the room, one after the other.
//! - It is ended by a signal, and says goodbye to nobody.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::{sync::Arc, thread, time::Duration};

use clap::Parser;
use parking_lot::Mutex;

/// What is trimmed from an argument.
const SPACE: [char; 5] = [' ', '\t', '\r', '\x0b', '\x0c'];
/// After so many bytes without a newline, a client must go.
const ENDLESS_BYTES: u64 = 64 * 1024;

/// A chat server of the simplest kind
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:6666")]
    listen: SocketAddr,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(Arguments::parse().listen)?;
    println!("listening on {}", listener.local_addr()?);
    serve(&listener)
}

/// Serves whoever comes, until a thread cannot be started.
pub fn serve(listener: &TcpListener) -> io::Result<()> {
    let chat = Arc::new(Mutex::new(Chat::default()));
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Too many files are open. That passes when somebody leaves.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        let session = Session { chat: Arc::clone(&chat), stream: Arc::new(stream), member: None };
        thread::Builder::new().name("client".to_owned()).spawn(|| session.run())?;
    }
}

/// What all threads share.
#[derive(Default)]
struct Chat {
    /// The names that are taken, in lower case.
    names: HashSet<String>,
    /// The members of each room, in order of entry.
    rooms: HashMap<String, Vec<Arc<Member>>>,
}

/// A user in a room.
struct Member {
    name: String,
    room: String,
    stream: Arc<TcpStream>,
}

impl Chat {
    /// Sends in one piece. Whoever is gone gets nothing; the thread that reads from it notices.
    fn reply(&self, mut stream: &TcpStream, text: &str) {
        let _ = stream.write_all(format!("{text}\n").as_bytes());
    }

    /// Sends a line to everyone in a room.
    fn tell(&self, room: &str, line: &str) {
        for member in self.rooms.get(room).into_iter().flatten() {
            self.reply(&member.stream, line);
        }
    }

    fn enter(&mut self, name: &str, room: &str, stream: &Arc<TcpStream>) -> Arc<Member> {
        self.tell(room, &format!("{name} has entered the room."));
        let stream = Arc::clone(stream);
        let member = Arc::new(Member { name: name.to_owned(), room: room.to_owned(), stream });
        self.rooms.entry(room.to_owned()).or_default().push(Arc::clone(&member));
        member
    }

    fn leave(&mut self, member: &Arc<Member>) {
        let room = self.rooms.entry(member.room.clone()).or_default();
        room.retain(|other| !Arc::ptr_eq(other, member));
        self.tell(&member.room, &format!("{} has left the room.", member.name));
        self.rooms.retain(|_, members| !members.is_empty());
    }
}

/// One client, as its thread sees it.
struct Session {
    chat: Arc<Mutex<Chat>>,
    stream: Arc<TcpStream>,
    /// `None` until the client has logged in.
    member: Option<Arc<Member>>,
}

impl Session {
    fn run(mut self) {
        // An error means that the client is gone, so there is nobody to tell.
        let _ = self.answer();
        if let Some(member) = self.member.take() {
            let mut chat = self.chat.lock();
            chat.leave(&member);
            chat.names.remove(&member.name.to_lowercase());
        }
        // To close with unread input resets the connection, which destroys what is under way.
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.set_read_timeout(Some(Duration::from_secs(1)));
        let _ = io::copy(&mut (&*self.stream).take(ENDLESS_BYTES), &mut io::sink());
    }

    fn answer(&mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.chat.lock().reply(&self.stream, "Connect Success");
        let stream = Arc::clone(&self.stream);
        let mut reader = BufReader::new(&*stream);
        let mut line = b"\n".to_vec();
        // Without a newline the input has ended, with or without a last line, or goes on for ever.
        while line.ends_with(b"\n") {
            line.clear();
            reader.by_ref().take(ENDLESS_BYTES).read_until(b'\n', &mut line)?;
            match parse(&line) {
                Ok(None) => {}
                Ok(Some(("logout", _))) => return Ok(()),
                Ok(Some((command, argument))) => self.obey(command, argument),
                Err(why) => self.chat.lock().reply(&self.stream, why),
            }
        }
        Ok(())
    }

    fn obey(&mut self, command: &str, argument: &str) {
        let (mut chat, key) = (self.chat.lock(), argument.to_lowercase());
        match (command, &self.member) {
            ("login", None) => match refusal(argument) {
                Some(why) => chat.reply(&self.stream, &format!("UserName {why}")),
                None if chat.names.insert(key) => {
                    chat.reply(&self.stream, "Login Success");
                    self.member = Some(chat.enter(argument, "main", &self.stream));
                }
                None => chat.reply(&self.stream, "UserName Exist"),
            },
            ("say", Some(me)) => chat.tell(&me.room, &format!("{}: {argument}", me.name)),
            ("look", Some(me)) => {
                let names = chat.rooms[&me.room].iter().map(|member| format!("\n{}", member.name));
                chat.reply(&self.stream, &format!("Online Users:{}", names.collect::<String>()));
            }
            ("join", Some(me)) => match refusal(argument) {
                Some(why) => chat.reply(&self.stream, &format!("RoomName {why}")),
                None => {
                    chat.reply(&self.stream, "Join Success");
                    if key != me.room {
                        chat.leave(me);
                        self.member = Some(chat.enter(&me.name, &key, &self.stream));
                    }
                }
            },
            _ => chat.reply(&self.stream, &format!("Unknown command: {command}")),
        }
    }
}

/// Command and argument of a line, `None` if it is blank, or else what to refuse it with.
fn parse(line: &[u8]) -> Result<Option<(&str, &str)>, &'static str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > 4096 {
        return Err("Line Too Long: 4096");
    }
    let line = str::from_utf8(line).map_err(|_| "Invalid UTF-8")?;
    let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim_matches(SPACE);
    let is_bad = |c: char| c.is_control() && c != '\t';
    match line.trim_matches(SPACE) {
        "" => Ok(None),
        _ if command.contains(is_bad) || argument.contains(is_bad) => Err("Control Character"),
        _ => Ok(Some((command, argument))),
    }
}

/// Why this cannot be a name. Letters of all scripts may, even where two look the same.
fn refusal(name: &str) -> Option<&str> {
    let is_allowed = |c: char| c.is_alphanumeric() || "_.-".contains(c);
    match name {
        "" => Some("Empty"),
        _ if name.starts_with(['_', '.', '-']) => Some("Invalid: it starts with a sign"),
        _ if name.chars().all(is_allowed) && name.chars().count() <= 32 => None,
        _ => Some("Invalid: at most 32 letters, digits, _ . and -"),
    }
}
