//! How a session reads: from the bytes of the socket to lines, which TCP, TLS or a WebSocket carry.

use std::io::{self, BufRead, BufReader};
use std::time::Duration;

use protocol::foreign::foreign_bytes;
use protocol::limits::UNTERMINATED_BYTES;
use protocol::{Framing, LineDecoder};

use super::input::Input;
use super::{Session, SessionEnd, Step};
use crate::delivery::phase::Phase;
use crate::moderation::interrupt::{Interrupt, wait_for_input};
use crate::trace;

/// How many bytes are read from the socket at once, from a client whose lines are typed.
const READ_BYTES: usize = 512;
/// The same from a client that has filled the smaller buffer, since its lines come from a program.
const READ_BYTES_OF_PIPES: usize = 64 * 1024;

impl Session<'_> {
    /// Reads requests and does what they ask for. `Ok` when the client has ended its input.
    pub(super) fn read_requests(&mut self) -> Step {
        let mut decoder = LineDecoder::new(self.config.max_line, UNTERMINATED_BYTES);
        let mut reader = BufReader::with_capacity(READ_BYTES, &self.client.socket);
        let mut received = trace::Received::new(self.client.address);
        loop {
            self.check_open()?;
            let time = self.login_time_left()?;
            self.chat.deliver(self.client);
            if time.is_some() {
                self.client.socket.set_read_timeout(time).map_err(SessionEnd::Lost)?;
            }
            if !self.wait_for_input(time)? {
                continue;
            }
            let read = reader.fill_buf();
            // Also after an error: TLS tells the peer of it.
            self.client.flush_tls();
            let bytes = match read {
                Ok(bytes) => bytes,
                Err(error) => match error.kind() {
                    // The time in the login room is over, which the next round finds; or only a part
                    // of a TLS record has come.
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

    /// The client sends nothing more, or its connection is lost.
    fn end_of_input(&mut self, decoder: &mut LineDecoder) -> Step {
        self.check_open()?;
        // The system tells of a reset once. When it has told the courier, a read finds an end.
        self.client.socket.check_connected().map_err(SessionEnd::Lost)?;
        match self.input {
            Input::Lines => self.take_rest(decoder),
            // A browser ends its input by a Close frame. This one is cut off, perhaps within a line.
            Input::Http(_) | Input::Frames(_) => {
                Err(SessionEnd::Lost(io::ErrorKind::UnexpectedEof.into()))
            }
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
            // The server stops, and waits for the client to close its side: what it still sends is
            // dropped.
            self.client.note_input();
            return Ok(());
        }
        match &mut self.input {
            Input::Lines => {
                if is_first && let Some(protocol) = foreign_bytes(bytes) {
                    return self.refuse_protocol(protocol);
                }
                self.take_text(bytes, decoder, received)
            }
            Input::Http(_) => self.take_http(bytes, decoder, received),
            Input::Frames(_) => self.take_frames(bytes, decoder, received),
        }
    }

    /// Takes text, which may begin and end within a line.
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
        self.flush_before_waiting();
        Ok(())
    }

    /// Takes the text after the last newline, when the client has ended its input.
    pub(super) fn take_rest(&mut self, decoder: &mut LineDecoder) -> Step {
        match self.client.framing {
            Framing::Line => decoder.finish().map_or(Ok(()), |line| self.take_line(line)),
            Framing::Classic => Ok(()),
        }
    }

    /// Where clients can be removed, waits until there is something to read; elsewhere the read itself
    /// waits. `false` when the wait was interrupted, or the time is over.
    fn wait_for_input(&mut self, time: Option<Duration>) -> Result<bool, SessionEnd> {
        let Some(interrupt) = &self.interrupt else { return Ok(true) };
        // A removal is told to the outbox first, and then the interrupt is raised. So a removal after this
        // check interrupts the wait below.
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
