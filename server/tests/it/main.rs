//! The server through its public face: real sockets, real threads, real processes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod advertise;
mod bans;
mod binary;
mod browser;
mod busy;
mod capacity;
#[path = "../../examples/soak/clock.rs"]
mod clock;
mod clocks;
mod cluster;
mod config_file;
mod dead_peers;
/// The same test holds the client's folders.
#[path = "../../../client/tests/it/directions.rs"]
mod directions;
mod dockerfile;
mod documents;
mod door;
mod edges;
/// The Redis of a test.
#[path = "../../../ordered-log/tests/it/engine.rs"]
#[expect(dead_code, reason = "the tests of the log use the rest")]
mod engine;
mod flow;
mod fresh;
#[path = "../../benches/load/generator/mod.rs"]
#[expect(dead_code, reason = "the bench uses the rest")]
mod generator;
mod hostile;
mod install;
mod joined;
#[cfg(target_os = "linux")]
mod joined_clocks;
mod joined_stops;
mod layer;
mod limits;
mod load;
/// The tests of the client have machines too.
#[path = "../../../client/tests/it/machines.rs"]
mod machines;
mod manual;
mod memory;
mod moderation;
mod motd;
mod names;
mod order;
mod owed;
mod package;
mod pages;
mod porting;
/// The Redis of a test has one.
#[path = "../../../ordered-log/tests/it/ports.rs"]
mod ports;
mod program;
mod recording;
mod recording_faults;
mod recording_rooms;
mod rooms;
mod secret_files;
mod since;
/// The soak's judgement, which a program of examples could not test.
#[path = "../../examples/soak/servers/order.rs"]
mod soak_order;
mod stalls;
mod stops;
mod support;
mod tls;
mod tls_bridge;
mod tls_stream;
mod together;
mod transcripts;
mod watch;
mod web;
mod web_also;
mod web_bridge;
mod web_looks;
mod web_reconnect;
mod web_rules;
mod web_socket;

/// The test of directions has read more modules of this crate than this, or it has read nothing.
const LEAST_MODULES: usize = 30;
