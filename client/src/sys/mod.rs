//! What the system has: processes, waiting for files, signals, standard output and error, threads, this user's files.

pub mod descendants;
pub mod files;
pub mod poll;
pub mod signals;
pub mod stderr;
pub mod stdout;
pub mod thread;
