//! A chat server of blocking threads.
//!
//! ```text
//! bytes -> lines -> command -> room -> log --> courier -> bytes     what everyone sees
//!    session thread, one a client      outbox -^                    what one client is owed
//! ```

mod bans;
mod bell;
mod chat;
mod client;
pub mod config;
mod courier;
mod delivery;
mod listener;
mod moderation;
mod motd;
mod operators;
mod outbox;
mod rate;
mod recorder;
mod room;
mod room_log;
mod server;
mod session;
mod text_file;
mod timeline;
mod transcript;
mod wire;

pub use config::Config;
pub use operators::hash;
pub use recorder::Recorder;
pub use server::{Server, StopHandle};
pub use wire::WIRE;
