//! Where one check plays: the server's address, a deadline, and names that nobody has.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::Framing;

use crate::failure::{Difference, Journal};
use crate::patience::Deadline;
use crate::peer::Peer;
use crate::variant::Variant;

/// How long one check may take.
pub const CHECK_PATIENCE: Duration = Duration::from_secs(15);

/// Where the server listens, for the framings that it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses {
    /// For clients of the protocol.
    pub line: Option<SocketAddr>,
    /// For clients of the course's original server.
    pub classic: Option<SocketAddr>,
}

impl Addresses {
    /// Where a client of this framing connects. One that has no such listener takes the other.
    #[must_use]
    pub fn any(&self, wanted: Framing) -> Option<(SocketAddr, Framing)> {
        let line = self.line.map(|address| (address, Framing::Line));
        let classic = self.classic.map(|address| (address, Framing::Classic));
        match wanted {
            Framing::Line => line.or(classic),
            Framing::Classic => classic,
        }
    }
}

/// One check's view of the server.
#[derive(Debug)]
pub struct Stage {
    /// Where it listens.
    pub addresses: Addresses,
    /// When the check must have ended.
    pub deadline: Deadline,
    /// The last lines of the wire.
    pub journal: Journal,
    /// The process of the server, when this program started it.
    pub process: Option<u32>,
    /// The variant of the protocol that the server speaks, when it is one.
    pub variant: Option<Variant>,
    random: fastrand::Rng,
}

impl Stage {
    /// A stage for one check, which ends at the latest at `end`.
    #[must_use]
    pub fn new(addresses: Addresses, process: Option<u32>, seed: u64, end: Instant) -> Self {
        Self {
            addresses,
            deadline: Deadline::after(CHECK_PATIENCE, process).or_at(end),
            journal: Journal::default(),
            process,
            variant: None,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// A word of letters and digits that nobody has said before.
    pub fn word(&mut self) -> String {
        let mut word = String::from("w");
        word.extend((0..8).map(|_| self.random.lowercase()));
        word
    }

    /// Digits for the end of names. They are five, so that the order of names stays.
    pub fn digits(&mut self) -> String {
        self.random.u32(10_000..100_000).to_string()
    }

    /// A number below `end`.
    pub fn number(&mut self, end: usize) -> usize {
        self.random.usize(..end)
    }

    /// A client that has connected.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn connect(&self, label: &str) -> Result<Peer, Difference> {
        self.connect_to(label, Framing::Line, None)
    }

    /// The same to a listener of this framing, with a receive buffer of so many bytes.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn connect_to(
        &self,
        label: &str,
        framing: Framing,
        receive_buffer: Option<usize>,
    ) -> Result<Peer, Difference> {
        match self.addresses.any(framing) {
            Some(address) => {
                let (deadline, journal) = (self.deadline.clone(), &self.journal);
                let mut peer = Peer::connect(label, address, deadline, journal, receive_buffer)?;
                peer.use_words_of(self.variant);
                Ok(peer)
            }
            None => Err(self.fact("a listener of this framing", "none")),
        }
    }

    /// A client that has logged in under a name that starts with `label`.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn log_in(&mut self, label: &str) -> Result<Peer, Difference> {
        let mut peer = self.connect(label)?;
        peer.log_in(&format!("{label}{}", self.digits()))?;
        Ok(peer)
    }

    /// Several of them, each of whom has seen the later ones come.
    ///
    /// # Errors
    ///
    /// When one cannot, or when one does not see another come.
    pub fn company(&mut self, labels: &[&str]) -> Result<Vec<Peer>, Difference> {
        let mut company: Vec<Peer> = Vec::new();
        for label in labels {
            let newcomer = self.log_in(label)?;
            for peer in &mut company {
                peer.expect(&format!("{} has entered the room.", newcomer.name))?;
            }
            company.push(newcomer);
        }
        Ok(company)
    }

    /// A difference that no client saw on its wire.
    #[must_use]
    pub fn fact(&self, expected: &str, got: &str) -> Difference {
        Difference::fact(expected, got, &self.journal)
    }
}
