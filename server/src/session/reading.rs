//! How a session reads: from the socket to lines, whatever carries them.

use std::io::{self, BufRead, BufReader};
use std::time::Duration;

use protocol::foreign::foreign_bytes;
use protocol::limits::UNTERMINATED_BYTES;
use protocol::{Framing, LineDecoder};

use super::{Input, Session, SessionEnd, Step};
use crate::delivery::phase::Phase;
use crate::moderation::interrupt::{Interrupt, wait_for_input};
use crate::trace;

/// Bytes read from the socket at once: few as long as the client types, many once it pipes.
const READ_BYTES: usize = 512;
const READ_BYTES_OF_PIPES: usize = 64 * 1024;

impl Session<'_> {
    /// Reads until the client has ended its input. Whatever else ends the session is an error.
    pub(super) fn read_requests(&mut self) -> Step {
        let mut decoder = LineDecoder::new(self.config.max_line, UNTERMINATED_BYTES);
        let mut reader = BufReader::with_capacity(READ_BYTES, &self.client.socket);
        let mut received = trace::Received::new(self.client.address);
        loop {
            self.check_open()?;
            let time = self.limit_login()?;
            self.chat.deliver(self.client);
            if time.is_some() {
                self.client.socket.set_read_timeout(time).map_err(SessionEnd::Lost)?;
            }
            if !self.wait_for_input(time)? {
                continue;
            }
            let read = reader.fill_buf();
            // Also after an error, for that is what is to be told.
            self.client.flush_tls();
            let bytes = match read {
                Ok(bytes) => bytes,
                Err(error) => match error.kind() {
                    // The time is over in the login room, which is seen above, or what came is a
                    // part of a record.
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => continue,
                    _ => {
                        self.check_open()?;
                        return Err(SessionEnd::Lost(error));
                    }
                },
            };
            let length = bytes.len();
            if length == 0 {
                return self.end_of_input(&mut decoder);
            }
            let was_in_login_room = self.is_in_login_room();
            self.take_bytes(bytes, &mut decoder, &mut received)?;
            reader.consume(length);
            if length == READ_BYTES && reader.capacity() == READ_BYTES {
                reader = BufReader::with_capacity(READ_BYTES_OF_PIPES, &self.client.socket);
            }
            if was_in_login_room && !self.is_in_login_room() {
                self.client.socket.set_read_timeout(None).map_err(SessionEnd::Lost)?;
            }
        }
    }

    fn end_of_input(&mut self, decoder: &mut LineDecoder) -> Step {
        self.check_open()?;
        // A reset that the courier was told of looks like an end.
        self.client.socket.check_connected().map_err(SessionEnd::Lost)?;
        match self.input {
            Input::Lines => self.finish(decoder),
            // A browser says so when it closes. This one is cut off, perhaps within a line.
            Input::Http(_) | Input::Frames(_) => {
                Err(SessionEnd::Lost(io::ErrorKind::UnexpectedEof.into()))
            }
        }
    }

    /// The client has ended its requests; text after its last newline may be one more.
    pub(super) fn finish(&mut self, decoder: &mut LineDecoder) -> Step {
        match self.client.framing {
            Framing::Line => decoder.finish().map_or(Ok(()), |line| self.take_line(line)),
            Framing::Classic => Ok(()),
        }
    }

    fn take_bytes(
        &mut self,
        bytes: &[u8],
        decoder: &mut LineDecoder,
        received: &mut trace::Received,
    ) -> Step {
        let is_first = self.bytes == 0;
        self.bytes += bytes.len() as u64;
        if matches!(self.client.outbox.phase(), Phase::Closing | Phase::Ended(_)) {
            // Whatever is still sent is thrown away: the server stops, and waits for the client to
            // close its side.
            self.client.note_input();
            return Ok(());
        }
        match &mut self.input {
            Input::Lines => {
                if is_first && let Some(protocol) = foreign_bytes(bytes) {
                    return self.refuse_stranger(protocol);
                }
                self.take_text(bytes, decoder, received)
            }
            Input::Http(_) => self.take_http(bytes, decoder, received),
            Input::Frames(_) => self.take_frames(bytes, decoder, received),
        }
    }

    /// Takes text, however it came and was cut.
    pub(super) fn take_text(
        &mut self,
        mut bytes: &[u8],
        decoder: &mut LineDecoder,
        received: &mut trace::Received,
    ) -> Step {
        received.trace(bytes);
        while let Some(line) = decoder.next(&mut bytes) {
            self.take_line(line)?;
        }
        self.flush_at_last();
        Ok(())
    }

    /// Waits for the client where something else can end the session, and lets the read wait
    /// where not. `false` when there is nothing to read yet.
    fn wait_for_input(&mut self, time: Option<Duration>) -> Result<bool, SessionEnd> {
        let Some(interrupt) = &self.interrupt else { return Ok(true) };
        // Who removes a client says so to the outbox first and raises the interrupt then. So a removal
        // that comes after this check interrupts the wait below.
        if let Some(removal) = self.client.outbox.removal() {
            return Err(SessionEnd::Removed(removal));
        }
        if self.client.socket.has_plaintext() {
            return Ok(true);
        }
        let is_ready =
            wait_for_input(&self.client.socket, interrupt, time).map_err(SessionEnd::Lost)?;
        if !is_ready {
            self.interrupt = self.chat.interrupt().map(Interrupt::watch);
        }
        Ok(is_ready)
    }
}
