//! A client that a check plays: it sends what it is told to, and waits a bounded time for each line.

mod expecting;
mod wire;

use std::borrow::Cow;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use protocol::Framing;

use self::wire::Wire;
use crate::failure::{Difference, Got, Journal};
use crate::patience::Deadline;
use crate::shown::shown;
use crate::variant::{Requests, Variant};

/// How long a line may take.
pub const LINE_PATIENCE: Duration = Duration::from_secs(2);

/// What the client is called that somebody built.
pub const CLIENT: &str = "client";

/// One client of a check.
#[derive(Debug)]
pub struct Peer {
    /// What the report calls it.
    pub label: String,
    /// The name that it has in the chat. Empty before login.
    pub name: String,
    wire: Wire,
    journal: Journal,
    /// The variant whose words it uses, and what it has sent of a request.
    words: Option<(Variant, Requests)>,
}

impl Peer {
    /// Connects. Everything that it waits for ends at `deadline`. With `receive_buffer`, in bytes,
    /// its system takes little before it has read.
    ///
    /// # Errors
    ///
    /// When the server does not take the connection.
    pub fn connect(
        label: &str,
        address: (SocketAddr, Framing),
        deadline: Deadline,
        journal: &Journal,
        receive_buffer: Option<usize>,
    ) -> Result<Self, Difference> {
        journal.note_text(format!("{label} connects"));
        match Wire::connect(address, deadline, receive_buffer) {
            Ok(wire) => Ok(Self::new(label, wire, journal)),
            Err(error) => Err(Difference {
                client: label.to_owned(),
                line: None,
                expected: "(a connection)".to_owned(),
                got: wire::got(&error),
                before: journal.lines(),
            }),
        }
    }

    /// The other end of a connection that somebody made. `deadline` as above.
    #[must_use]
    pub fn accepted(
        label: &str,
        stream: TcpStream,
        framing: Framing,
        deadline: Deadline,
        journal: &Journal,
    ) -> Self {
        Self::new(label, Wire::new(stream, framing, deadline), journal)
    }

    fn new(label: &str, wire: Wire, journal: &Journal) -> Self {
        let (label, journal) = (label.to_owned(), journal.clone());
        Self { label, name: String::new(), wire, journal, words: None }
    }

    /// From now on it sends and expects the words of this variant, where the caller says those of
    /// the protocol.
    pub fn use_words_of(&mut self, variant: Option<Variant>) {
        self.words = variant.map(|variant| (variant, Requests::new(variant)));
    }

    /// From now on a send or a line may take so long.
    pub fn wait_for(&mut self, patience: Duration) {
        self.wire.patience = patience;
    }

    /// A line of the server, as this server says it.
    #[must_use]
    pub fn in_its_words<'a>(&self, line: &'a str) -> Cow<'a, str> {
        match &self.words {
            Some((variant, _)) => Cow::Owned(variant.reply(line)),
            None => Cow::Borrowed(line),
        }
    }

    /// Sends these bytes, all of them.
    ///
    /// # Errors
    ///
    /// When the server is gone, or takes nothing for too long.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Difference> {
        match &mut self.words {
            Some((_, requests)) => {
                let bytes = requests.take(bytes);
                self.write(&bytes)
            }
            None => self.write(bytes),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Difference> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.journal.note(&self.label, '>', bytes);
        let sent = self.wire.write(bytes);
        sent.map_err(|error| {
            self.difference("(a server that takes what is sent)", wire::got(&error))
        })
    }

    /// Sends a line.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn say(&mut self, line: &str) -> Result<(), Difference> {
        self.send(format!("{line}\n").as_bytes())
    }

    /// The next line, without its newline. On classic framing a reply that has none is a line too.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn line(&mut self) -> Result<Vec<u8>, Got> {
        self.line_within(self.wire.patience)
    }

    /// The same, where the line may take so long.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn line_within(&mut self, patience: Duration) -> Result<Vec<u8>, Got> {
        let line = self.wire.line(patience)?;
        self.journal.note(&self.label, '<', &line);
        Ok(line)
    }

    /// Exactly these bytes come next, whatever follows.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Got> {
        let bytes = self.wire.bytes(count)?;
        self.journal.note(&self.label, '<', &bytes);
        Ok(bytes)
    }

    /// Ends the requests. Answers can still come.
    ///
    /// # Errors
    ///
    /// When the connection is broken already.
    pub fn close_side(&mut self) -> Result<(), Difference> {
        if let Some((_, requests)) = &mut self.words {
            let rest = requests.rest();
            self.write(&rest)?;
        }
        self.journal.note_text(format!("{} closes its side", self.label));
        self.wire.close_side().map_err(|error| {
            self.difference("(a connection to close)", Got::Broken(error.to_string()))
        })
    }

    /// Goes as a program does that crashed: with a reset.
    ///
    /// # Errors
    ///
    /// When the system does not let it.
    pub fn reset(self) -> Result<(), Difference> {
        self.journal.note_text(format!("{} resets", self.label));
        let Self { label: client, wire, journal, .. } = self;
        wire.reset().map_err(|error| Difference {
            client,
            line: None,
            expected: "(a socket that can be reset)".to_owned(),
            got: Got::Broken(error.to_string()),
            before: journal.lines(),
        })
    }

    /// A difference that this client saw.
    #[must_use]
    pub fn difference(&self, expected: &str, got: Got) -> Difference {
        Difference {
            client: self.label.clone(),
            line: None,
            expected: shown(self.in_its_words(expected).as_bytes()),
            got,
            before: self.journal.lines(),
        }
    }

    /// How its listener ends replies.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.wire.framing
    }
}
