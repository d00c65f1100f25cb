//! Logs with real engines, which are killed, stopped, filled and replaced.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// The same test holds the folders of the server and of the client.
#[path = "../../../client/tests/it/directions.rs"]
mod directions;
mod engine;
mod failures;
mod lost;
mod order;
mod page;
mod ports;
mod proxy;
mod seen;
mod start;
mod trimming;

/// The test of directions has read more modules of this crate than this, or it has read nothing.
const LEAST_MODULES: usize = 20;
