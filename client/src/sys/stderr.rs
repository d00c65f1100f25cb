//! What the user is told beside the data: a line on standard error, made safe to show.
//!
//! Perhaps nobody can read it. That is no reason to end differently, or not at all.

use std::fmt::Display;
use std::io;

use crate::sanitize::Sanitized;
use crate::sys::poll::write_all;

/// Tells the user something. It may quote a server.
pub fn warn(text: impl Display) {
    print(&format!("chat-client: {text}"));
}

/// Writes a line, without its end, as it is to be read by a program.
pub fn print(line: &str) {
    let line = format!("{}\n", &*Sanitized::new(line));
    // Where it cannot be written, there is nobody to be told so.
    let _ = write_all(&mut io::stderr(), line.as_bytes(), None);
}
