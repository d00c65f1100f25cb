//! The program as its users meet it: arguments, pipes, terminals, exit codes.

// Helpers of tests are tests to the reader, but not to clippy.
#![allow(clippy::unwrap_used)]

mod act;
mod bot;
#[path = "../../../server/tests/it/browser.rs"]
#[expect(dead_code, reason = "the tests of the server use the rest")]
mod browser;
mod browser_and_terminal;
mod cable;
mod commands;
mod completions;
mod connection;
mod directions;
mod display_queue;
mod fake_server;
mod find;
mod habits;
mod interactive;
mod lan;
mod limits;
mod liveness;
mod looks;
mod machines;
mod manual;
mod names;
mod page;
mod picture;
mod pipe;
mod plain;
mod program;
mod pty;
mod real_server;
mod recipes;
mod replay;
mod roster;
mod say;
mod script;
mod secrets;
mod settings;
mod several;
mod state;
mod tls;
mod trust;
mod view;
mod watch;
