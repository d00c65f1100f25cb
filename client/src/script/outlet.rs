//! The way of a bot's requests to the server, over one connection after the other.
//!
//! The thread that sends and the one that connects again meet in [`Outlet`].

use std::sync::mpsc::Receiver;

use parking_lot::{Condvar, Mutex};

use crate::net::Sender;
use crate::sys::stderr::warn;

/// Where requests go.
#[derive(Debug)]
pub struct Outlet {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// `None` while the connection is lost.
    sender: Option<Sender>,
    /// How many connections there were before this one.
    earlier: u64,
    /// Whether there will be none any more.
    is_closed: bool,
}

impl Outlet {
    /// One that sends there.
    #[must_use]
    pub fn new(sender: Sender) -> Self {
        let state = State { sender: Some(sender), earlier: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The connection is lost: what follows waits for another one.
    pub fn lost(&self) {
        Self::lose(&mut self.state.lock());
    }

    fn lose(state: &mut State) {
        if let Some(sender) = state.sender.take() {
            sender.close();
            state.earlier += 1;
        }
    }

    /// There is another connection. False when it is too late for that.
    #[must_use]
    pub fn resume(&self, sender: Sender) -> bool {
        let mut state = self.state.lock();
        if state.is_closed {
            sender.close();
            return false;
        }
        state.sender = Some(sender);
        self.changed.notify_all();
        true
    }

    /// Nothing is sent any more. A send that waits for the server ends.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        if let Some(sender) = &state.sender {
            sender.close();
        }
        self.changed.notify_all();
    }

    /// Whether nothing is sent any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    /// Sends all requests, in their order; none of them twice. This is the body of a thread, which ends with the
    /// last request, or when this is closed.
    pub fn send_all(&self, requests: &Receiver<Vec<u8>>) {
        for request in requests {
            let Some((mut sender, earlier)) = self.sender() else { return };
            if sender.send(&request).is_err() {
                // The thread that reads from the connection finds out why, and tells that this may be lost.
                // There may be another connection by now.
                let mut state = self.state.lock();
                if state.earlier == earlier {
                    Self::lose(&mut state);
                }
            }
        }
    }

    /// A handle to send with, as soon as there is a connection, and how many there were before it. `None` when
    /// there will be none.
    fn sender(&self) -> Option<(Sender, u64)> {
        let mut state = self.state.lock();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(sender) = &state.sender {
                return match sender.try_clone() {
                    Ok(sender) => Some((sender, state.earlier)),
                    Err(error) => {
                        warn(format_args!("cannot send: {error}"));
                        None
                    }
                };
            }
            self.changed.wait(&mut state);
        }
    }
}
