//! A chat server with a thread that reads and a thread that writes for each client.
//!
//! Everything that the clients share stands behind one lock. Nobody writes to a socket while
//! holding it: a line is put into the outbox of each member, and the writer of each outbox sends
//! it. So a client that stops reading fills its own outbox, and nobody else waits for it.
//!
//! Lock order: the chat, then an outbox.

mod outbox;
mod request;

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use parking_lot::Mutex;

use outbox::Outbox;

/// After so many bytes without a newline, a client must go.
const ENDLESS_BYTES: u64 = 64 * 1024;

/// How long a client that was sent everything has to close its side.
const GOODBYE: Duration = Duration::from_secs(1);

/// A chat server
#[derive(Parser)]
struct Arguments {
    /// The port on this machine; 0 takes a free one
    #[arg(default_value_t = 6666)]
    port: u16,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, Arguments::parse().port))?;
    println!("listening on {}", listener.local_addr()?);
    let chat = Arc::new(Mutex::new(Chat::default()));
    loop {
        if let Err(error) = take_client(&listener, &chat) {
            // Too many files or threads. That passes when somebody leaves.
            eprintln!("cannot take a client: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn take_client(listener: &TcpListener, chat: &Arc<Mutex<Chat>>) -> io::Result<()> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let stream = Arc::new(stream);
    let chat = Arc::clone(chat);
    thread::Builder::new().name("client".to_owned()).spawn(move || {
        match Outbox::start(Arc::clone(&stream)) {
            Ok((outbox, writer)) => {
                Session { chat: &chat, outbox, name: None }.run(&stream);
                // It has ended, or its send has been made to fail.
                let _ = writer.join();
                say_goodbye(&stream);
            }
            Err(error) => eprintln!("cannot take a client: {error}"),
        }
    })?;
    Ok(())
}

/// To close with unread input resets the connection, which destroys what is under way.
fn say_goodbye(mut stream: &TcpStream) {
    let end = Instant::now() + GOODBYE;
    let _ = stream.shutdown(Shutdown::Write);
    let mut thrown_away = [0; 4096];
    while let left = end.saturating_duration_since(Instant::now())
        && !left.is_zero()
        && stream.set_read_timeout(Some(left)).is_ok()
        && stream.read(&mut thrown_away).is_ok_and(|count| count > 0)
    {}
}

/// What all threads share.
#[derive(Default)]
struct Chat {
    /// The names that are taken, in lower case.
    taken: HashSet<String>,
    /// Who is in the room, in order of entry.
    room: Vec<(String, Arc<Outbox>)>,
}

impl Chat {
    fn tell(&self, line: &str) {
        for (_, outbox) in &self.room {
            outbox.tell(line);
        }
    }

    /// Takes a client into the room.
    ///
    /// # Errors
    ///
    /// Gives the refusal when it cannot have this name.
    fn login(&mut self, name: &str, outbox: &Arc<Outbox>) -> Result<(), String> {
        if let Some(why) = request::refusal(name) {
            return Err(why);
        }
        if !self.taken.insert(name.to_lowercase()) {
            return Err("UserName Exist".to_owned());
        }
        outbox.reply("Login Success");
        self.tell(&format!("{name} has entered the room."));
        self.room.push((name.to_owned(), Arc::clone(outbox)));
        Ok(())
    }

    fn leave(&mut self, name: &str) {
        self.room.retain(|(other, _)| other != name);
        self.tell(&format!("{name} has left the room."));
    }
}

/// One client, as its reading thread sees it.
struct Session<'a> {
    chat: &'a Mutex<Chat>,
    outbox: Arc<Outbox>,
    /// `None` until the client has logged in.
    name: Option<String>,
}

impl Session<'_> {
    fn run(mut self, stream: &TcpStream) {
        self.outbox.reply("Connect Success");
        // An error means that the client is gone, so there is nobody to tell.
        let _ = self.answer(stream);
        if let Some(name) = &self.name {
            self.chat.lock().leave(name);
        }
        self.outbox.close();
        // Only now may somebody else have the name.
        if let Some(name) = &self.name {
            self.chat.lock().taken.remove(&name.to_lowercase());
        }
    }

    fn answer(&mut self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            reader.by_ref().take(ENDLESS_BYTES).read_until(b'\n', &mut line)?;
            self.outbox.wait_for_room();
            match request::parse(&line) {
                Ok(None) => {}
                Ok(Some(("logout", _))) => return Ok(()),
                Ok(Some((command, argument))) => self.obey(command, argument),
                Err(refusal) => self.outbox.reply(&refusal),
            }
            // The input has ended, with or without a last line; or this line is endless.
            if !line.ends_with(b"\n") {
                return Ok(());
            }
        }
    }

    fn obey(&mut self, command: &str, argument: &str) {
        let mut chat = self.chat.lock();
        match (command, &self.name) {
            ("login", None) => match chat.login(argument, &self.outbox) {
                Ok(()) => self.name = Some(argument.to_owned()),
                Err(refusal) => self.outbox.reply(&refusal),
            },
            ("say", Some(name)) => chat.tell(&format!("{name}: {argument}")),
            ("look", Some(_)) => {
                let names = chat.room.iter().map(|(name, _)| &**name);
                let lines: Vec<_> = ["Online Users:"].into_iter().chain(names).collect();
                // Under the lock: after each line said before, before each line said after.
                self.outbox.reply(&lines.join("\n"));
            }
            _ => self.outbox.reply(&format!("Unknown command: {command}")),
        }
    }
}
