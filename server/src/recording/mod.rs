//! Rooms on disk: written by the recorder before anybody is sent a line, and read back when a room
//! is opened.

pub mod archive;
pub mod recorder;
mod transcript;
