//! From a connection that waits at a listener to a session, or to a refusal.

pub mod acceptor;
pub mod capacity;
mod cgroup;
mod handshake;
mod refusals;
mod socket_options;
mod threads;
