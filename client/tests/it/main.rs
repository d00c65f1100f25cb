//! The program as its users meet it: arguments, pipes, terminals, exit codes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod act;
mod attempts;
mod bare_session;
mod bot;
mod bot_ends;
#[path = "../../../server/tests/it/browser.rs"]
#[expect(dead_code, reason = "the tests of the server use the rest")]
mod browser;
mod browser_and_terminal;
mod cable;
mod commands;
mod completions;
mod connection;
mod demo_cluster;
mod directions;
mod display_queue;
mod drawing;
mod entering;
mod fake_server;
mod find;
mod follow;
mod habits;
mod identity;
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
mod pipe_ends;
mod plain;
mod program;
mod pty;
mod real_server;
mod recipes;
mod reconnect;
mod replay;
mod roster;
mod sample_bots;
mod say;
mod script;
mod secrets;
mod settings;
mod several;
mod state;
mod terminal;
mod tls;
mod tls_wire;
mod two_machines;
mod view;
mod watch;

/// The test of directions has read more modules of this crate than this, or it has read nothing.
const LEAST_MODULES: usize = 30;
