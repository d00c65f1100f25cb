//! The server through its public face: real sockets, real threads, real processes.

mod binary;
mod hostile;
mod order;
mod support;
mod transcripts;
