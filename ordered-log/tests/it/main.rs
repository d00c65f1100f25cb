//! Logs with real engines, which are killed, stopped, filled and replaced.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod engine;
mod failures;
mod order;
mod proxy;
mod seen;
