//! Load on a chat server over real TCP, and what the load costs the server.
//!
//! The server under load is a process of its own, so its processor time, memory and context
//! switches are its own too. The clients are all in this process, behind one thread that reads:
//! whoever measures has to be cheaper than what is measured. Every byte that a client gets is
//! compared, so a number stands only for lines that came completely and in order.
//!
//! Nothing in here knows how results are shown, or which measurements belong together.

pub mod crowd;
pub mod dialect;
pub mod frames;
pub mod link;
pub mod load;
pub mod mark;
pub mod member;
pub mod process;
pub mod relay;
pub mod transcript;
pub mod visits;
