//! The program as its users meet it: arguments, pipes, terminals, exit codes.

// Helpers of tests are tests to the reader, but not to clippy.
#![allow(clippy::unwrap_used)]

mod act;
mod bot;
mod connection;
mod directions;
mod fake_server;
mod interactive;
mod lan;
mod limits;
mod looks;
mod picture;
mod pipe;
mod program;
mod pty;
mod real_server;
mod recipes;
mod replay;
mod say;
mod script;
mod state;
mod trust;
