//! What is to be said, on its way from a file or a program to the server.
//!
//! Pure: it makes requests of lines.

use protocol::LineError;

/// Bytes that are read at a time.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Longer than any server allows a line to be, shorter than what it takes for no line at all.
pub const LONGEST: usize = 33_000;

/// Adds the request that says `line`: in the room, or `to` one user.
///
/// What the server cannot take, it is to refuse itself: its answer stands in the order of the
/// lines, and has its own limit. So something as bad is sent in the place of such a line.
pub fn put_request(requests: &mut Vec<u8>, to: Option<&str>, line: Result<&str, LineError>) {
    match to {
        Some(to) => requests.extend(format!("msg {to} ").bytes()),
        None => requests.extend(b"say "),
    }
    match line {
        Ok(line) => requests.extend(line.as_bytes()),
        Err(LineError::NotUtf8) => requests.push(b'\xff'),
        Err(LineError::TooLong | LineError::Unterminated) => requests.extend([b'x'; LONGEST]),
    }
    requests.push(b'\n');
}
