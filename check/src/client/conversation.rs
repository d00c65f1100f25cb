//! One run of a client, between a server and a user who are both this program.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use protocol::Framing;

use super::Program;
use super::process::Process;
use crate::failure::{Difference, Got, Journal};
use crate::patience::Deadline;
use crate::peer::{CLIENT, LINE_PATIENCE, Peer};
use crate::shown::{OUTPUT, shown, shown_up_to};
use crate::stage::CHECK_PATIENCE;

/// How long a client may take to start and to connect.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// A client that has not connected for so long may first ask for the name.
const ASKS_FIRST: Duration = Duration::from_secs(1);

/// Long enough that two sends are usually two packets. No answer depends on it.
pub(super) fn let_it_go() {
    thread::sleep(Duration::from_millis(2));
}

/// A client that runs, the server's end of its connection, and its user.
pub(super) struct Conversation {
    listener: TcpListener,
    process: Process,
    peer: Option<Peer>,
    journal: Journal,
    name: String,
    types_the_name: bool,
    has_typed_the_name: bool,
    is_raw: bool,
    random: fastrand::Rng,
}

impl Conversation {
    /// Starts the client, which is to connect here.
    pub(super) fn start(program: &Program) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mut random = fastrand::Rng::new();
        let name = format!("ann{}", random.u32(10_000..100_000));
        let fill = |word: &String| {
            let word = word.replace("{host}", &address.ip().to_string());
            word.replace("{port}", &address.port().to_string()).replace("{name}", &name)
        };
        let words: Vec<String> = program.command.iter().map(fill).collect();
        let process = Process::start(&words, program)?;
        Ok(Self {
            listener,
            process,
            peer: None,
            journal: Journal::default(),
            name,
            types_the_name: program.types_the_name(),
            has_typed_the_name: false,
            is_raw: program.is_raw,
            random,
        })
    }

    /// A word that nobody has said yet.
    pub(super) fn word(&mut self) -> String {
        (0..9).map(|_| self.random.lowercase()).collect()
    }

    /// Takes the client's connection and greets it.
    pub(super) fn connect(&mut self) -> Result<(), Difference> {
        let start = Instant::now();
        let end = self.after(START_PATIENCE);
        let stream = loop {
            if start.elapsed() > ASKS_FIRST && self.types_the_name && !self.has_typed_the_name {
                self.type_the_name()?;
            }
            // The standard library has no accept with a limit, so this one asks again.
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(_) if !end.is_over() && self.process.runs() => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(_) if self.process.runs() => {
                    return Err(self.fact("a client that connects", "it does not"));
                }
                Err(_) => return Err(self.fact("a client that connects", "it has ended before")),
            }
        };
        let prepared = prepare(&stream);
        prepared.map_err(|error| self.fact("a connection", &error.to_string()))?;
        let deadline = self.after(CHECK_PATIENCE);
        self.peer = Some(Peer::accepted(CLIENT, stream, Framing::Line, deadline, &self.journal));
        self.tell(b"Connect Success\n")
    }

    /// Types the name where it is typed, and waits for the login.
    pub(super) fn ask_for_login(&mut self) -> Result<(), Difference> {
        let login = format!("login {}", self.name);
        if self.types_the_name && !self.has_typed_the_name {
            self.type_the_name()?;
        }
        self.expect(&login)
    }

    fn type_the_name(&mut self) -> Result<(), Difference> {
        self.has_typed_the_name = true;
        let name = &self.name;
        let typed = if self.is_raw { format!("login {name}") } else { name.clone() };
        self.type_line(&typed)
    }

    /// The user is somebody else from now on, whose name was not typed yet.
    pub(super) fn take_another_name(&mut self) {
        self.has_typed_the_name = false;
        self.name = format!("bob{}", self.random.u32(10_000..100_000));
    }

    /// From the connection to the success.
    pub(super) fn log_in(&mut self) -> Result<(), crate::failure::Failure> {
        self.connect()?;
        self.ask_for_login()?;
        self.tell(b"Login Success\n")?;
        Ok(())
    }

    /// The user says something.
    pub(super) fn type_speech(&mut self, text: &str) -> Result<(), Difference> {
        let typed = if self.is_raw { format!("say {text}") } else { text.to_owned() };
        self.type_line(&typed)
    }

    fn type_line(&mut self, line: &str) -> Result<(), Difference> {
        self.journal.note("typed", ':', line.as_bytes());
        let typed = self.process.type_line(line);
        typed.map_err(|error| self.fact("a client that reads what is typed", &error.to_string()))
    }

    /// The server sends.
    pub(super) fn tell(&mut self, bytes: &[u8]) -> Result<(), Difference> {
        match &mut self.peer {
            Some(peer) => peer.send(bytes),
            None => Err(self.fact("a client that connects", "it does not")),
        }
    }

    /// The client sends this line next. What a client asks on its own, as `look`, is passed over.
    pub(super) fn expect(&mut self, line: &str) -> Result<(), Difference> {
        let Some(peer) = &mut self.peer else {
            return Err(self.fact("a client that connects", "it does not"));
        };
        for _ in 0..20 {
            match peer.line() {
                Ok(got) if got.strip_suffix(b"\r").unwrap_or(&got) == line.as_bytes() => {
                    return Ok(());
                }
                Ok(got) if is_of_its_own(&got) => {
                    let got = String::from_utf8_lossy(&got).into_owned();
                    peer.send(format!("Unknown command: {}\n", first_word(&got)).as_bytes())?;
                }
                Ok(got) => return Err(peer.difference(line, Got::Bytes(got))),
                Err(got) => return Err(peer.difference(line, got)),
            }
        }
        Err(peer.difference(line, Got::Fact("other requests without end".to_owned())))
    }

    /// Each line stands in the output once, in this order and uncut.
    pub(super) fn sees_once(&mut self, lines: &[String]) -> Result<(), Difference> {
        let are_there = |text: &str| lines.iter().all(|line| text.contains(line));
        let seen = self.process.screen.wait(&self.after(LINE_PATIENCE), are_there);
        let mut from = 0;
        for line in lines {
            let Some(at) = seen[from..].find(line.as_str()) else {
                let shown_last = seen.get(from..).unwrap_or_default().to_owned();
                return Err(self.on_screen(line, &shown_last));
            };
            from += at + line.len();
        }
        let closed = self.close_and_read()?;
        match lines.iter().find(|line| closed.matches(line.as_str()).count() != 1) {
            Some(line) => Err(self.on_screen(&format!("{line} (once)"), &closed)),
            None => Ok(()),
        }
    }

    /// The server closes, and the client ends.
    pub(super) fn close(&mut self) -> Result<(), Difference> {
        self.journal.note_text("the server closes".to_owned());
        self.peer = None;
        let end = self.after(LINE_PATIENCE);
        while !end.is_over() {
            if !self.process.runs() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(self.fact("a client that ends", "it goes on running"))
    }

    /// All that it has shown once the server has closed. Whether it ends is another check's matter.
    fn close_and_read(&mut self) -> Result<String, Difference> {
        let _ = self.close();
        self.process.end();
        Ok(self.process.screen.wait(&self.after(LINE_PATIENCE), |_| false))
    }

    /// What it wrote to its standard error, where a traceback stands.
    pub(super) fn last_words(&mut self) -> Option<String> {
        self.process.end();
        let said = self.process.errors.wait(&self.after(LINE_PATIENCE), |_| false);
        let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(4)..];
        let said: String = last
            .iter()
            .map(|line| format!("\n    {}", shown_up_to(OUTPUT, line.as_bytes())))
            .collect();
        (!last.is_empty()).then(|| format!("the client's errors:{said}"))
    }

    fn on_screen(&self, expected: &str, seen: &str) -> Difference {
        let last: Vec<_> = seen.lines().rev().take(3).map(|line| shown(line.as_bytes())).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        let seen = if last.is_empty() { "(nothing)".to_owned() } else { last.join(" / ") };
        self.fact(&format!("on the screen: {expected}"), &format!("on the screen: {seen}"))
    }

    /// So long from now, for what the client does.
    fn after(&self, patience: Duration) -> Deadline {
        Deadline::after(patience, Some(self.process.id()))
    }

    fn fact(&self, expected: &str, got: &str) -> Difference {
        Difference::fact(expected, got, &self.journal)
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)
}

/// Requests that a client may send although nobody typed them.
fn is_of_its_own(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    matches!(first_word(&line), "look" | "ping" | "help" | "history" | "since" | "rooms" | "topic")
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}
