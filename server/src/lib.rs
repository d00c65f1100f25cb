//! A chat server of blocking threads.
//!
//! ```text
//! bytes -> lines -> request -> room -> log ─┬─> courier -> bytes       what everyone sees
//!    session thread, one a client           └─> recorder -> transcript  what stays
//!                      └─> outbox ─────────────> courier -> bytes       what one client is owed
//! ```
//!
//! Each folder may use those that stand below it here, and nothing else; a test reads the `use`
//! lines. Which ten files to read, and in which order, is in `docs/design.md`.
//!
//! | folder | what it is for |
//! |---|---|
//! | `cli` | of the program alone: its command line, and SIGHUP |
//! | `server` | all of it, from the bound addresses to the last joined thread |
//! | `advertise` | tells the local network that the server is here |
//! | `accept` | accepts connections, as many as there is room for, and starts their sessions |
//! | `cluster` | several servers as one chat: follows their log, and says that this one lives |
//! | `session` | one thread a client: reads lines and does what they ask; never writes to a socket |
//! | `chat` | users and rooms, as all sessions share them, behind one lock |
//! | `recording` | rooms on disk: the recorder that writes them, the archive that reads them |
//! | `moderation` | who is an operator, muted or banned |
//! | `delivery` | what each client is owed, and the couriers that send it |
//! | `identity` | the certificate and the key of a server that speaks TLS |
//! | `config` | what a server can be told |
//! | `log` | what a room saw, and how far everybody has read it; no socket, no thread, no user |
//! | `web` | the page for browsers, and HTTP and WebSocket: bytes into values and back |
//! | `motd` | the message that newcomers are told |
//! | `files` | small files, whole or not at all |
//! | `network` | IP networks, for limits and bans |
//! | `trace` | the log of the wire, without passwords |
//!
//! What always holds:
//!
//! - Locks are taken in this order: the chat's, a room's log's, an outbox's, an inbox's. The
//!   moderation's is taken inside the chat's or a log's or alone, and nothing inside it; those of the
//!   interrupt, the archive and the recorder likewise. Two are taken alone: the one round how far one's own
//!   changes have come back from other servers, and the one round the main room's log. None of these is held
//!   while waiting for a socket, a disk, another server or flow control, while hashing, or while logging.
//! - The TLS of a connection is locked alone, and never while calling the socket. Only the courier takes
//!   records out of it.
//! - No thread has a lock while it checks a password, or waits for the file of bans.
//! - An item is posted to an outbox while the log of the client's room is locked, so that its
//!   position is right.
//! - A session changes its own membership only. What another wants of it goes through its outbox. Where
//!   several servers are one chat, their order may also put a user out: then its session finds so.
//! - Every thread has a name and is joined before [`Server::run`] returns, but for the recorder's
//!   two and that of the bans: when their disk does not answer they are left, and the log says so. Every queue is bounded
//!   by the number of clients and rooms, or by bytes.
//! - Where several servers are one chat, the world depends on the changes of their log and on nothing else.
//!   The thread that applies them waits for nobody.
//! - There is no global state: many servers can live in one process.

mod accept;
mod advertise;
mod chat;
mod cluster;
pub mod config;
mod delivery;
mod files;
mod identity;
mod log;
mod moderation;
mod motd;
mod network;
mod recording;
mod server;
mod session;
mod trace;
mod web;

pub use config::{Config, Credentials, Endpoint, SharedLog, Transport};
pub use identity::{Identity, pin};
pub use moderation::secrets;
pub use network::Network;
pub use recording::recorder::Recorder;
pub use server::{Server, StopHandle};
pub use trace::WIRE;
pub use web::Origin;
