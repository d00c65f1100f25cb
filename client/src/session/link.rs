//! The connection that a session has at the time, and the thread that reads from it.

use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::exit::Failure;
use crate::net::{Connection, Incoming, LineReader, Sender};
use crate::sys::thread;

/// One connection, and the thread that reads from it, until that has sent its last message.
pub struct Link {
    sender: Sender,
    reader: Option<JoinHandle<()>>,
}

impl Link {
    /// Starts the thread, which reports to `mailbox`. Sending fails when the server takes no byte for
    /// `patience`.
    pub fn new<T: From<Incoming> + Send + 'static>(
        connection: Connection,
        patience: Duration,
        mailbox: SyncSender<T>,
    ) -> Result<Self, Failure> {
        let (mut sender, receiver) = connection.split().map_err(Failure::local)?;
        sender.set_patience(patience).map_err(Failure::local)?;
        let reader = thread::spawn("reader", move || LineReader::new(receiver).feed(&mailbox))?;
        Ok(Self { sender, reader: Some(reader) })
    }

    /// Sends requests. When it fails, the reader comes to its end and says so.
    pub fn send(&mut self, requests: &str) {
        if self.sender.send(requests.as_bytes()).is_err() {
            self.close();
        }
    }

    /// Ends both directions. The reader comes to its end and says so.
    pub fn close(&self) {
        self.sender.close();
    }

    /// The last message of the reader has come.
    pub fn closed(&mut self) {
        if let Some(reader) = self.reader.take() {
            thread::join(reader);
        }
    }

    /// Whether no more messages of the reader come.
    pub fn is_drained(&self) -> bool {
        self.reader.is_none()
    }
}
