//! The chat's client, as a library, so that tests and every mode of the program share it.
//!
//! | module | what it is for |
//! |---|---|
//! | [`args`] | the command line |
//! | [`exit`] | every way in which the program ends: exit code and one line of reason |
//! | [`connection`] | a server's socket: connect, log in, send, lines in |
//! | [`pipe`] | the mode for pipes: stdin to the server, the server to stdout |
//! | [`safe`] | text from the network made safe to show |
//! | [`render`] | what a line looks like |
//! | [`thread`] | threads with names |
//!
//! Only `main.rs` ends the process.

pub mod args;
pub mod connection;
pub mod exit;
pub mod pipe;
pub mod render;
pub mod safe;
pub mod thread;
