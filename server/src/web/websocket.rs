//! The frames of a WebSocket (RFC 6455): those of a browser into text, and lines into frames.
//!
//! `tungstenite` decodes, and never sees the socket: what it reads are bytes that have come, and what
//! it writes are bytes that somebody else will send.

use std::io::{self, Read, Write};

use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{FrameHeader, Utf8Bytes};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// Bytes that a message may have, however many frames it comes in.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// Bytes that the decoder asks for room for at a time. Its own default is 128 KiB a connection.
const READ_BYTES: usize = 512;

/// The longest head of a frame without a mask (RFC 6455, 5.2).
const HEADER_BYTES: usize = 10;

/// How the other side came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It closed the WebSocket, as it should.
    Closed,
    /// It broke the rules, and is to be told so by this code (RFC 6455, 7.4.1).
    Broken(u16),
}

/// The code of an end that nobody is to blame for.
pub const NORMAL: u16 = 1000;

/// What a browser sends, decoded. Once it has given an [`End`], there is nothing more to come.
#[derive(Debug)]
pub struct Decoder {
    context: WebSocketContext,
}

/// For a stream of frames from its beginning.
impl Default for Decoder {
    fn default() -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        Self { context: WebSocketContext::new(Role::Server, Some(config)) }
    }
}

impl Decoder {
    /// The text of the next message that `received` completes. `None` when all of it is used up.
    /// What is to be answered to pings is put behind `answers`: whole frames.
    ///
    /// # Errors
    ///
    /// When nothing more can come.
    pub fn next(
        &mut self,
        received: &mut &[u8],
        answers: &mut Vec<u8>,
    ) -> Result<Option<Utf8Bytes>, End> {
        let mut stream = Bytes { received, answers };
        loop {
            match self.context.read(&mut stream) {
                Ok(Message::Text(text)) => return Ok(Some(text)),
                Ok(Message::Binary(_)) => return Err(End::Broken(CloseCode::Unsupported.into())),
                // The answer to it is for later, when everything that is owed was sent.
                Ok(Message::Close(_)) => return Err(End::Closed),
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(None);
                }
                Err(error) => return Err(End::Broken(code_of(&error).into())),
            }
        }
    }
}

fn code_of(error: &Error) -> CloseCode {
    match error {
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Capacity(_) => CloseCode::Size,
        _ => CloseCode::Protocol,
    }
}

/// What stands in the place of a socket for the decoder.
struct Bytes<'a, 'received> {
    received: &'a mut &'received [u8],
    answers: &'a mut Vec<u8>,
}

impl Read for Bytes<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() {
            // Nothing would be the end of the stream.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.received.read(buffer)
    }
}

impl Write for Bytes<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answers.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The head of a frame, which stands before the text in it. By default it is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Header {
    bytes: [u8; HEADER_BYTES],
    length: usize,
}

impl Header {
    /// Of a whole message of text, of so many bytes.
    #[must_use]
    pub fn of_text(text_bytes: usize) -> Self {
        let mut bytes = [0; HEADER_BYTES];
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        let mut rest = &mut bytes[..];
        // The buffer is as long as the longest head, and then writing does not fail.
        let _ = header.format(text_bytes as u64, &mut rest);
        let length = HEADER_BYTES - rest.len();
        Self { bytes, length }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The frame after which nothing follows.
#[must_use]
pub fn close_frame(code: u16) -> [u8; 4] {
    let [high, low] = code.to_be_bytes();
    [0x88, 2, high, low]
}

#[cfg(test)]
mod tests;
