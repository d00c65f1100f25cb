//! The checker through its public face: its library against servers, and its program.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
mod clients;
mod documents;
mod program;
mod relay;
mod tried;
mod variants;
mod zoo;
