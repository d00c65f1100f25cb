//! Rooms on disk: written by the recorder before anybody is sent a line, and read back when a room
//! is opened.

pub mod archive;
mod line_file;
pub mod recorder;
mod topic_file;
mod transcript;
mod transcripts;
mod troubles;
