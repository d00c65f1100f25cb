//! What a session reads from its socket, by what carries the lines of its client.

use crate::web::websocket;

/// What the bytes from a client consist of.
#[derive(Debug)]
pub enum Input {
    /// Lines as they are.
    Lines,
    /// The head of a browser's HTTP request, as much of it as has come.
    Http(Vec<u8>),
    /// Frames of a browser's WebSocket, with lines in them.
    Frames(Box<websocket::Decoder>),
}
