//! Entries and the state as bytes, and back. Numbers are little-endian, of 64 bits where nothing else is
//! said.

mod batch;
mod numbers;
mod place;
mod state;

pub use batch::{Batch, BatchBuffer, Identity};
pub use place::Place;
pub use state::{Heard, State};

/// The name of the field of each entry, which is the version of its bytes.
pub const FIELD: &str = "v1";
