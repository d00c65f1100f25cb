//! What a server of several does by the clock, and what the follower leaves to it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use ordered_log::{Error, Options, OrderedLog, Origin, Status};
use protocol::Reply;

use super::follower::Follower;
use super::note::Note;
use crate::chat::Chat;
use crate::chat::change::Change;
use crate::chat::shared::{Log, Ticket};

/// After so many intervals without the engine clients are told.
const PATIENCE: u32 = 5;

/// How often it is tried to begin anew.
const RETRY: Duration = Duration::from_secs(1);

/// The log as the chat knows it.
#[derive(Debug)]
struct Records(Arc<OrderedLog>);

impl Log for Records {
    fn submit(&self, record: &[u8]) -> Option<u64> {
        self.0.submit(record).ok()
    }

    fn withdraw(&self) {
        self.0.withdraw();
    }
}

/// The thread's state.
pub struct Pulse {
    chat: Arc<Chat>,
    options: Options,
    notes: SyncSender<Note>,
    received: Receiver<Note>,
    interval: Duration,
    /// What the servers have to be told alike.
    settings: String,
    /// Which run of this server was the last one that followed a log.
    before: Option<u64>,
    /// `None` from when it is lost until the next one is followed.
    log: Option<Arc<OrderedLog>>,
    next_beat: Instant,
    /// The last time that this server said it lives.
    beat: Option<Ticket>,
    /// Since when the engine is away. `None` while it is there.
    away: Option<Instant>,
    /// Whether clients were told that it is.
    is_told: bool,
}

impl Pulse {
    /// A pulse that says every `interval` that this server lives.
    #[must_use]
    pub fn new(
        chat: Arc<Chat>,
        options: Options,
        notes: SyncSender<Note>,
        received: Receiver<Note>,
        interval: Duration,
    ) -> Self {
        Self {
            settings: chat.settings(),
            chat,
            options,
            notes,
            received,
            interval,
            before: None,
            log: None,
            next_beat: Instant::now(),
            beat: None,
            away: None,
            is_told: false,
        }
    }

    /// Follows the log from now on, as a new run of this server.
    ///
    /// # Errors
    ///
    /// When the engine cannot be reached or used.
    pub fn start(&mut self) -> Result<(), Error> {
        self.options.origin = Origin::random();
        let own = self.options.origin.0;
        self.chat.set_server(own);
        let follower = Follower::new(Arc::clone(&self.chat), self.notes.clone(), own);
        let log = Arc::new(OrderedLog::start(&self.options, Box::new(follower))?);
        self.chat.begin(Arc::new(Records(Arc::clone(&log))));
        self.log = Some(log);
        self.beat = None;
        self.next_beat = Instant::now();
        // A user that was dismissed shall not find its name taken by its own older connection.
        if let Some(server) = self.before.replace(own) {
            self.submit(&Change::Gone { server });
        }
        log::info!("this is server {own:016x} of the chat at {}", self.options.address);
        Ok(())
    }

    /// Goes on until the server stops.
    pub fn run(mut self) {
        let deadline = loop {
            self.act();
            match self.received.recv_timeout(self.patience()) {
                Ok(Note::Stop(deadline)) => break deadline,
                Ok(note) => self.take(note),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Instant::now(),
            }
        };
        let Some(log) = self.log.take() else { return };
        if self.away.is_none() {
            self.submit(&Change::Gone { server: self.options.origin.0 });
        }
        let unsent = log.stop(deadline);
        if unsent.records > 0 {
            log::warn!("{} changes did not get into the log of the chat", unsent.records);
        }
    }

    /// Until something has its time.
    fn patience(&self) -> Duration {
        match (&self.log, self.away) {
            (None, _) => RETRY,
            (_, Some(since)) if !self.is_told => {
                self.told_at(since).saturating_duration_since(Instant::now())
            }
            _ => self.next_beat.saturating_duration_since(Instant::now()),
        }
    }

    fn told_at(&self, since: Instant) -> Instant {
        since + self.interval * PATIENCE
    }

    /// Does what has its time.
    fn act(&mut self) {
        if self.log.is_none() {
            match self.start() {
                Ok(()) => self.set_present(),
                Err(error) => return log::warn!("the chat cannot begin anew: {error}"),
            }
        }
        let now = Instant::now();
        if let Some(since) = self.away {
            if !self.is_told && now >= self.told_at(since) {
                self.is_told = true;
                self.chat.tell_all(Reply::LinesWaiting);
            }
            if now >= self.next_beat {
                self.next_beat = now + self.interval;
            }
            return;
        }
        if now < self.next_beat {
            return;
        }
        self.next_beat = now + self.interval;
        // One at a time: so many of them mean so much time in which the log went on, and another server
        // had as much to say that it lives.
        if self.beat.is_none_or(|beat| self.chat.is_applied(beat)) {
            self.beat = self.submit(&Change::Alive { settings: &self.settings });
        }
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Status(Status::Connected) => {
                if self.away.is_some() {
                    log::info!("the log of the chat at {} is back", self.options.address);
                }
                self.set_present();
            }
            Note::Status(Status::Away { since, why }) => {
                if self.away.is_none() {
                    log::warn!("the log of the chat at {} is away: {why}", self.options.address);
                }
                self.away.get_or_insert(since);
            }
            Note::Status(Status::Lost { why }) => self.lose(&why),
            Note::Silent(server) => {
                log::warn!("nothing is heard of server {server:016x}");
                self.submit(&Change::Gone { server });
            }
            Note::Undelivered(sender, to) => {
                self.submit(&Change::Undelivered { sender, to: &to });
            }
            // It ends the loop.
            Note::Stop(_) => {}
        }
    }

    fn set_present(&mut self) {
        self.away = None;
        if std::mem::take(&mut self.is_told) {
            self.chat.tell_all(Reply::LinesMoving);
        }
    }

    fn lose(&mut self, why: &str) {
        log::error!(
            "the log of the chat is lost: {why}; all users are dismissed, and it begins anew"
        );
        if let Some(log) = self.log.take() {
            let _ = log.stop(Instant::now());
        }
        self.chat.reset();
    }

    fn submit(&self, change: &Change<'_>) -> Option<Ticket> {
        self.chat.shared()?.submit(&change.to_record())
    }
}
