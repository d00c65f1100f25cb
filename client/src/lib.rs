//! The chat's client, as a library, so that tests and every mode of the program share it.
//!
//! Each folder may use those that stand below it here, and nothing else; a test reads the `use` lines.
//!
//! | folder | what it is for |
//! |---|---|
//! | [`lan`] | the room without a server: a stand-in for one, over UDP broadcast |
//! | [`prompt`] | the mode for terminals: a prompt, the chat above it |
//! | [`pipe`] | the mode for pipes: stdin to the server, the server to stdout |
//! | [`script`] | the modes for scripts: one task, and an exit code that tells the truth |
//! | [`session`] | a stay in the chat, over as many connections as it takes |
//! | [`view`] | from a line to what is seen of it, on a terminal and in a log |
//! | [`model`] | what is known of the chat, learned from its lines; pure |
//! | [`net`] | a server's socket: connect, log in, send, lines in |
//! | [`discovery`] | the servers of the local network |
//! | [`args`] | the command line, and what is printed about it |
//! | [`trust`] | whom a client trusts to be the server, where there is TLS |
//! | [`sys`] | what the system has: files, signals, threads, standard error |
//! | [`sanitize`] | text from the network, made safe to show; pure |
//! | [`exit`] | every way in which the program ends: exit code and one line of reason; pure |
//!
//! ```text
//! socket -> reader -> session -> view -> display queue -> editor -> terminal
//!    ^                   |  ^                               |
//!    +-------------------+  +---------- requests <----------+ keys
//! ```
//!
//! Only `main.rs` ends the process.

pub mod args;
pub mod discovery;
pub mod exit;
pub mod lan;
pub mod model;
pub mod net;
pub mod pipe;
pub mod prompt;
pub mod sanitize;
pub mod script;
pub mod session;
pub mod sys;
pub mod trust;
pub mod view;
