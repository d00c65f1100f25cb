//! What belongs to the program and not to the library: its command line, what is printed of it, and SIGHUP.

pub mod arguments;
pub mod certificate;
pub mod completions;
pub mod documents;
pub mod hash_password;
pub mod log_queue;
pub mod logger;
pub mod make_users;
pub mod settings;
pub mod sighup;
pub mod signals;
pub mod stdio;
