//! From a connection that waits at a listener to a session, or to a refusal.

pub mod acceptor;
pub mod capacity;
mod cgroup;
mod handshake;
pub mod listener;
mod refusals;
mod sessions;
mod socket_options;
mod threads;
