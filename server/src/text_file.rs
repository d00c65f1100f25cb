//! Small text files that a server is given: read once, and refused with a line that says what is
//! wrong and where.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than anybody writes by hand. It keeps a wrong path, such as a device, from filling memory.
const FILE_BYTES: u64 = 64 * 1024;

/// The text of a file.
///
/// # Errors
///
/// Says which file cannot be used, and why.
pub fn read(path: &Path) -> io::Result<String> {
    let explain = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot use {}: {error}", path.display()))
    };
    let mut text = String::new();
    let file = File::open(path).map_err(explain)?;
    let length = file.take(FILE_BYTES + 1).read_to_string(&mut text).map_err(explain)?;
    if length as u64 > FILE_BYTES {
        return Err(explain(io::Error::other(format!("it is longer than {FILE_BYTES} bytes"))));
    }
    // Some editors begin a file with a byte order mark.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// What is wrong with a line of a file. Lines count from 1.
#[must_use]
pub fn bad_line(path: &Path, number: usize, why: &str) -> io::Error {
    io::Error::other(format!("cannot use {}: line {number} {why}", path.display()))
}
