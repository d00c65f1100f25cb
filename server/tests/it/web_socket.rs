//! The same bytes in both directions as over TCP, but in the frames of a WebSocket.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};

use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::{Error, Message, WebSocket};

/// A client's end of a WebSocket.
pub struct WebSocketStream {
    socket: WebSocket<TcpStream>,
    /// What came of the last message and was not read.
    text: Vec<u8>,
    /// What was sent of a message whose text is not whole yet.
    begun: Vec<u8>,
    /// The code by which the server has closed.
    pub closed: Option<u16>,
}

impl WebSocketStream {
    /// Makes a WebSocket of a connection to a server at `address`. `None` where that refuses it.
    pub fn new(stream: TcpStream, address: SocketAddr) -> Option<Self> {
        let (socket, _) = tungstenite::client(format!("ws://{address}/chat"), stream).ok()?;
        Some(Self { socket, text: Vec::new(), begun: Vec::new(), closed: None })
    }

    pub fn tcp(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// Sends bytes: as a message, or as a fragment of one as long as they are not whole UTF-8.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let kind = if self.begun.is_empty() { Data::Text } else { Data::Continue };
        self.begun.extend(bytes);
        let is_last = str::from_utf8(&self.begun).is_ok();
        if is_last {
            self.begun.clear();
        }
        self.socket.send(Message::Frame(Frame::message(
            bytes.to_vec(),
            OpCode::Data(kind),
            is_last,
        )))
    }

    pub fn ping(&mut self, payload: &str) {
        self.socket.send(Message::Ping(payload.to_owned().into())).unwrap();
    }

    /// The next message, whatever it is.
    pub fn message(&mut self) -> Message {
        self.socket.read().unwrap()
    }

    /// What was not read of the last message.
    pub fn take_text(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Says that nothing more will be sent.
    pub fn close(&mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        self.socket.close(Some(frame)).unwrap();
    }
}

impl Read for WebSocketStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text.is_empty() {
            match self.socket.read() {
                Ok(Message::Text(text)) => self.text = text.as_bytes().to_vec(),
                Ok(Message::Close(frame)) => self.closed = frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Ok(0),
                Err(Error::Io(error)) => return Err(error),
                Err(error) => panic!("{error}"),
            }
        }
        let length = self.text.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.text[..length]);
        self.text.drain(..length);
        Ok(length)
    }
}
