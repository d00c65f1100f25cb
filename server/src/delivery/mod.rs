//! What each client is owed, and the threads that send it. Nothing else writes to sockets.
//!
//! A *courier* has an [`inbox`] that tells it what to look at. For each of its clients it has a
//! [`stream`]: the lines of the client's room and the items of its [`outbox`], in one order.

mod audience;
pub mod client;
pub mod closer;
pub mod courier;
mod history;
pub mod inbox;
pub mod item;
pub mod outbox;
pub mod owed;
mod pace;
pub mod phase;
mod piece_writer;
pub mod socket;
mod stream;
pub mod tls;

#[cfg(test)]
mod seeds;
