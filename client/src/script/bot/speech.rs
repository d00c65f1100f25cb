//! What the program of a bot prints, as requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use protocol::{LineDecoder, LineError};

use crate::model::fence;
use crate::script::input::{LONGEST, put_request};
use crate::script::program::ProgramEvent;

/// Turns what a program does into requests.
pub(super) struct ProgramOutput {
    /// Whether it may do more than say.
    may_request: bool,
    decoder: LineDecoder,
    requests: SyncSender<Vec<u8>>,
    /// Set before the fence that follows the last line.
    has_ended: Arc<AtomicBool>,
}

impl ProgramOutput {
    /// `may_request`: whether the program may do more than say.
    pub(super) fn new(
        may_request: bool,
        requests: SyncSender<Vec<u8>>,
        has_ended: Arc<AtomicBool>,
    ) -> Self {
        let decoder = LineDecoder::new(LONGEST, usize::MAX);
        Self { may_request, decoder, requests, has_ended }
    }

    /// Sends what this event has said.
    pub(super) fn take(&mut self, event: ProgramEvent<'_>) {
        let mut said = Vec::new();
        match event {
            ProgramEvent::Printed(mut bytes) => {
                while let Some(line) = self.decoder.next(&mut bytes) {
                    put_line(&mut said, line, self.may_request);
                }
            }
            ProgramEvent::Ended => {
                if let Some(line) = self.decoder.finish() {
                    put_line(&mut said, line, self.may_request);
                }
                self.has_ended.store(true, Ordering::Release);
                said.extend(fence::request("bot").bytes());
            }
        }
        if !said.is_empty() {
            // It fails when the server is gone, and then the program is about to be stopped.
            let _ = self.requests.send(said);
        }
    }
}

/// Adds the request for what a program has printed: `/me TEXT` and `/msg NAME TEXT` are more than to be
/// said where the program may do more, and two slashes stand for one there.
fn put_line(requests: &mut Vec<u8>, line: Result<&str, LineError>, may_request: bool) {
    let Some(command) = line.ok().and_then(|line| line.strip_prefix('/')).filter(|_| may_request)
    else {
        return put_request(requests, None, line);
    };
    match command.split_once(' ') {
        Some(("me" | "msg", _)) => requests.extend(format!("{command}\n").bytes()),
        _ if command.starts_with('/') => put_request(requests, None, Ok(command)),
        _ => put_request(requests, None, line),
    }
}
