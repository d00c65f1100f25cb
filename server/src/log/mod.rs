//! What a room saw: its most recent lines, once, whatever the number of readers.
//!
//! Nothing in this folder knows a socket, a thread, a client or a user.

pub mod batch;
pub mod position;
pub mod ring;
pub mod room_log;
pub mod state;
mod timeline;
