//! The answer to `history`: lines of a log made into rows, a few at a time, while they are sent.

use std::io::Write;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::rows::HistoryRow;
use protocol::{Framing, Reply};

use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::room_log::RoomLog;
use crate::log::state::Reading;

/// Bytes of lines that are made into rows at once. The shortest line, `a: `, has 4 of them and makes a
/// row of 31, so the rows take 64 KiB at most: as much as the texts that a client is sent at once.
const HISTORY_BYTES: usize = 8 * 1024;

/// How many sends that counts for in a step: a row costs more than a line, since its time has to
/// be written.
pub const HISTORY_SENDS: u32 = 2;

/// Lines of a log that are still to be made into rows.
#[derive(Debug, Clone, Copy)]
pub struct History {
    /// Where the first one starts.
    pub from: Position,
    /// Where the last one ends.
    pub end: Position,
}

impl History {
    /// Its bytes as lines.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.end.byte - self.from.byte
    }

    /// The next rows of it, and what is left of it. In place of lines that the log has dropped
    /// meanwhile stands how many they were.
    #[must_use]
    pub fn next(
        self,
        log: &Arc<RoomLog>,
        framing: Framing,
        scratch: &mut Batch,
    ) -> (Vec<u8>, Option<Self>) {
        let Self { from, end } = self;
        let reading = log.lock().read_stamped(from, end, HISTORY_BYTES, scratch);
        let (rows, next) = match reading {
            Reading::Nothing => return (Vec::new(), None),
            Reading::Gone { start, .. } => {
                (Reply::Missed(start.line - from.line).to_bytes(framing), start)
            }
            Reading::Lines => (rows(scratch), scratch.end),
        };
        (rows, (next < end).then_some(Self { from: next, end }))
    }
}

/// The rows of a history, each with its newline. Lines of the same moment share one formatting of
/// the time, which is what a row costs most.
fn rows(batch: &Batch) -> Vec<u8> {
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
