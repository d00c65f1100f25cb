//! The answer to `history`: lines of a log made into rows, a few at a time.
//!
//! This module knows no log, client or lock.

use std::io::Write;

use jiff::Timestamp;
use protocol::rows::HistoryRow;

use crate::log::ring::Batch;

/// Bytes of lines that are made into rows at once. The shortest line, `a: `, has 4 of them and makes a
/// row of 31, so the rows take 64 KiB at most: as much as the texts that a client is sent at once.
pub const HISTORY_BYTES: usize = 8 * 1024;

/// How many sends that counts for in a step: a row costs more than a line, since its time has to
/// be written.
pub const HISTORY_SENDS: u32 = 2;

/// The rows of a history, each with its newline. Lines of the same moment share one formatting of
/// the time, which is what a row costs most.
#[must_use]
pub fn history_rows(batch: &Batch) -> Vec<u8> {
    let mut rows = Vec::with_capacity(2 * batch.bytes.len());
    let mut written: Option<(Timestamp, String)> = None;
    for (time, line) in batch.stamped() {
        if written.as_ref().is_none_or(|(last, _)| *last != time) {
            written = Some((time, format!("{time:.3}")));
        }
        let time = written.as_ref().map_or("", |(_, text)| text);
        // Whatever is appended to a log was text, and writing to memory does not fail.
        let line = str::from_utf8(line).unwrap_or_default();
        let _ = writeln!(rows, "{}", HistoryRow { time, line });
    }
    rows
}
