//! The message of the day: what a newcomer is told between `Login Success` and the room's lines.

use std::io;
use std::path::Path;

use protocol::{Event, is_control};

use crate::files;

/// The finished lines of the message in a file.
///
/// # Errors
///
/// When the file cannot be read, or has what a client must not be sent.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut message = String::new();
    for (number, text) in (1..).zip(files::read_text(path)?.lines()) {
        if let Some(character) = text.chars().find(|&character| is_control(character)) {
            let why = format!(
                "has the control character U+{:04X}; write text and tabs alone",
                u32::from(character)
            );
            return Err(files::bad_line(path, number, &why));
        }
        message.push_str(&Event::Announced { text }.to_string());
        message.push('\n');
    }
    Ok(message.into_bytes())
}
