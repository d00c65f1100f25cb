//! A server's socket: connect, log in, send, lines in. Nothing here knows a terminal or prints.
//!
//! | module | what it is for |
//! |---|---|
//! | [`target`] | a server, its addresses, and whether with TLS |
//! | [`servers`] | the servers of one chat, and in which order they are tried |
//! | [`wire`] | the bytes of a connection, with TLS or without |
//! | [`connect`] | connecting and logging in |
//! | [`watch`] | reading a room without a login |
//! | [`attempt`] | one of them on a thread of its own |
//! | [`halves`], [`lines`] | what becomes of a connection then: one half sends, the other brings lines |
//! | [`error`] | why there is no connection |

pub mod attempt;
pub mod connect;
pub mod error;
pub mod halves;
pub mod lines;
pub mod servers;
pub mod target;
pub mod watch;
pub mod wire;

pub use attempt::{Attempted, get_in};
pub use connect::{Connection, PATIENCE};
pub use error::ConnectError;
pub use halves::{Receiver, Sender};
pub use lines::{Incoming, LINE_BYTES, Line, LineReader};
pub use servers::Servers;
pub use target::Target;
