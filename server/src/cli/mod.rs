//! What belongs to the program and not to the library: its command line, and SIGHUP.

pub mod arguments;
pub mod certificate;
pub mod hash_password;
pub mod log_queue;
pub mod sighup;
pub mod signals;
