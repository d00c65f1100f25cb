//! The server through its public face: real sockets, real threads, real processes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod binary;
mod capacity;
mod documents;
mod flow;
mod hostile;
mod limits;
mod order;
mod program;
mod recording;
mod support;
mod transcripts;
