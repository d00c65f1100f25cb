//! What the user is told beside the data: a line on standard error, made safe to show.
//!
//! Perhaps nobody can read it. That is no reason to end differently, or not at all.

use std::fmt::Display;
use std::io::{self, Write};

use crate::sanitize::Sanitized;

/// Tells the user something. It may quote a server.
pub fn warn(text: impl Display) {
    let text = text.to_string();
    // Where it cannot be written, there is nobody to be told so.
    let _ = writeln!(io::stderr(), "chat-client: {}", &*Sanitized::new(&text));
}
