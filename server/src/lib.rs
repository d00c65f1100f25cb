//! A chat server of blocking threads.
//!
//! ```text
//! bytes -> lines -> request -> room -> log ─┬─> courier -> bytes       what everyone sees
//!    session thread, one a client           └─> recorder -> transcript  what stays
//!                      └─> outbox ─────────────> courier -> bytes       what one client is owed
//! ```
//!
//! Modules in reading order, and who may know what:
//!
//! | module | what it is | what it knows |
//! |---|---|---|
//! | `session` | one client's thread: reads lines, does what they ask | the only one that reads client sockets |
//! | `chat` | the shared state, users and rooms, behind one lock | rooms, clients |
//! | `room` | who is in, and what they see happen | its log; no socket, no thread |
//! | `room_log` | what a room saw, for all who read it, and flow control | its ring; no socket, no thread |
//! | `ring` | the most recent lines, in memory | no lock |
//! | `timeline` | when lines were appended | nothing |
//! | `outbox` | what one client is owed beside those | positions in logs; no socket, no thread |
//! | `desk` | where a courier is told of things to do | its own lock; no socket |
//! | `courier` | the threads that deliver | clients by number |
//! | `delivery` | where one client's delivery stands | the only one that writes to client sockets |
//! | `client` | one connection, as all of the above share it | its socket, outbox and desk |
//! | `listener` | accepts clients, as many as there is room for | sockets that listen |
//! | `refusals` | what is logged of refused connections | nothing |
//! | `socket_options` | how the system treats a client's socket | a socket |
//! | `rate` | how fast one client is read | nothing |
//! | `moderation` | who is an operator, muted or banned | its own lock; `operators`, `bans` |
//! | `operators`, `bans` | passwords and bans, in memory and as files | no lock, no thread |
//! | `bell` | wakes sessions that are dismissed | sockets that are waited for |
//! | `web` | the page for browsers, HTTP and WebSocket: bytes to values and back | nothing |
//! | `motd` | the message that newcomers are told | its file |
//! | `files` | small files, whole or not at all | nothing |
//! | `trace` | the log of the wire, without passwords | nothing |
//! | `recorder`, `transcript` | rooms on disk, as they are written | logs, files |
//! | `folder` | the same, as they are read | files |
//! | `server` | all of it from start to last joined thread | everything |
//!
//! What always holds:
//!
//! - Locks are taken in this order: chat, a room's log, an outbox, a desk.
//!   The moderation's is taken inside the chat's or a log's or alone, and nothing inside it; those
//!   of `bell`, `folder` and `recorder` likewise. None of these is held while waiting for a socket, a
//!   disk or flow control, while hashing, or while logging.
//! - Two other locks are held during long work, so that one thread at a time does it: checking a
//!   password, and writing the bans. Nobody has a lock when taking one of them.
//! - Mail is posted while the log of the client's room is held, so that its position is right.
//! - A session changes its own seat only. What another wants of it goes through its outbox.
//! - Every thread has a name and is joined before [`Server::run`] returns, but for the recorder's
//!   two: when their disk does not answer they are left, and the log says so. Every queue is bounded
//!   by the number of clients and rooms, or by bytes.
//! - There is no global state: many servers can live in one process.

mod audience;
mod bans;
mod chat;
mod client;
pub mod config;
mod connections;
mod courier;
mod files;
mod folder;
mod inbox;
mod interrupt;
mod listener;
mod moderation;
mod motd;
mod operators;
mod outbox;
mod phase;
mod rate_limit;
mod recorder;
mod refusals;
mod ring;
mod room;
mod room_log;
mod server;
mod session;
mod socket;
mod socket_options;
mod stream;
mod timeline;
mod trace;
mod transcript;
mod web;

pub use config::{Config, Endpoint, Transport};
pub use operators::hash;
pub use recorder::Recorder;
pub use server::{Server, StopHandle};
pub use trace::WIRE;
