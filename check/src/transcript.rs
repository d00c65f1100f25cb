//! A conversation written down: what clients send, and what each must get.
//!
//! [`parse`](Transcript::parse) turns the text into typed steps, [`replay`] plays them against a
//! server. The format is described in `transcripts/FORMAT.md`, which `chat-check help transcripts`
//! prints.

mod library;
mod names;
mod parse;
mod pattern;
mod replay;

pub use library::{FORMAT, all, all_with, text};
pub use names::Names;
pub use parse::ParseError;
pub use pattern::{Pattern, Texts};
pub use replay::replay;

use protocol::Framing;

/// A conversation, and why it goes as it does.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// The name of its file, without the ending.
    pub name: String,
    /// What stands above the first step.
    pub headers: Headers,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// The headers of a transcript.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    /// The level that it belongs to, 0 to 7.
    pub level: u8,
    /// Where the rule stands, as `docs/protocol.md#order`.
    pub rule: String,
    /// The rule in one sentence.
    pub why: String,
    /// A usual cause when it fails. May be empty.
    pub hint: String,
    /// Operators by name and password. A server without any cannot be asked for them.
    pub operators: Vec<(String, String)>,
    /// The names are sent as they are written, without a random number behind them.
    pub names_as_written: bool,
    /// It holds on line framing only, although nobody says `(classic)`.
    pub line_framing_only: bool,
}

impl Headers {
    /// Whether the names are sent as they are written. Those of operators are in a file.
    #[must_use]
    pub fn has_fixed_names(&self) -> bool {
        self.names_as_written || !self.operators.is_empty()
    }
}

/// One line of a transcript.
#[derive(Debug, Clone)]
pub struct Step {
    /// The number of the line in its file, from 1.
    pub line: usize,
    /// What happens.
    pub action: Action,
}

/// What happens in a step.
#[derive(Debug, Clone)]
pub enum Action {
    /// A client connects to the listener of this framing.
    Connect {
        /// Who.
        client: String,
        /// To which kind of listener.
        framing: Framing,
    },
    /// A client sends these bytes.
    Send {
        /// Who.
        client: String,
        /// What, with the newline where there is one.
        bytes: Vec<u8>,
    },
    /// A client must get this next.
    Receive {
        /// Who.
        client: String,
        /// What, without its newline.
        pattern: Pattern,
        /// Whether a newline must follow.
        whole_line: bool,
    },
    /// A client ends its requests and goes on reading.
    CloseSide {
        /// Who.
        client: String,
    },
    /// A client must get the end of the connection next.
    Disconnected {
        /// Who.
        client: String,
    },
    /// A client goes with a reset, as one that crashed.
    Reset {
        /// Who.
        client: String,
    },
    /// All sends first, without waiting; then all that must come, in the same order for everyone.
    Together(Vec<Step>),
}

impl Transcript {
    /// The framings of the listeners that it connects to.
    #[must_use]
    pub fn framings(&self) -> Vec<Framing> {
        self.steps
            .iter()
            .filter_map(|step| match step.action {
                Action::Connect { framing, .. } => Some(framing),
                _ => None,
            })
            .collect()
    }

    /// The names of its clients, each once.
    #[must_use]
    pub fn clients(&self) -> Vec<&str> {
        let mut clients = Vec::new();
        for step in &self.steps {
            if let Action::Connect { client, .. } = &step.action
                && !clients.contains(&client.as_str())
            {
                clients.push(client.as_str());
            }
        }
        clients
    }
}
