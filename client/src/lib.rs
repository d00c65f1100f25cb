//! The chat's client, as a library, so that tests and every mode of the program share it.
//!
//! | module | what it is for |
//! |---|---|
//! | [`args`] | the command line, and what is printed about it |
//! | [`exit`] | every way in which the program ends: exit code and one line of reason |
//! | [`stderr`], [`signals`] | the way of that line to the user; an end from outside |
//! | [`connection`] | a server's socket: connect, log in, send, lines in |
//! | [`pipe`] | the mode for pipes: stdin to the server, the server to stdout |
//! | [`interactive`] | the mode for terminals: a prompt, the chat above it |
//! | [`script`] | the modes for scripts: one task, and an exit code that tells the truth |
//! | [`lan`] | the room without a server: a stand-in for one, over UDP broadcast |
//! | [`dialog`], [`prompt`], [`helper`], [`layout`], [`completion`], [`typed`] | of that mode: logging in, editing a line, what it means |
//! | [`session`], [`timing`] | a stay in the chat, over as many connections as it takes |
//! | [`state`], [`whereabouts`], [`outbox`], [`replay`], [`names`] | what is known of the chat, learned from its lines |
//! | [`safe`], [`render`], [`view`], [`transcript`] | from a line to what is seen of it |
//! | [`screen`], [`terminal`], [`files`], [`thread`] | where threads, terminal and files meet |
//!
//! ```text
//! socket -> reader -> session -> view -> screen -> editor -> terminal
//!    ^                   |  ^                        |
//!    +-------------------+  +------- requests <------+ keys
//! ```
//!
//! [`safe`], [`render`], [`typed`], [`completion`], [`state`], [`whereabouts`], [`outbox`], [`replay`], [`timing`] and
//! [`exit`] do no I/O. Only `main.rs` ends the process.

pub mod args;
pub mod backoff;
pub mod completion;
pub mod connection;
pub mod dialog;
pub mod entry;
pub mod exit;
pub mod fence;
pub mod files;
pub mod helper;
pub mod interactive;
pub mod lan;
pub mod layout;
pub mod liveness;
pub mod names;
pub mod outbox;
pub mod pipe;
pub mod poll;
pub mod prompt;
pub mod render;
pub mod replay;
pub mod safe;
pub mod screen;
pub mod script;
pub mod session;
pub mod signals;
pub mod state;
pub mod stderr;
pub mod terminal;
pub mod thread;
pub mod timing;
pub mod transcript;
pub mod typed;
pub mod view;
pub mod whereabouts;
