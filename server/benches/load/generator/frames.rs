//! The frames of a WebSocket (RFC 6455), as far as load needs them: requests into frames, and what
//! comes back to the lines in it.

/// Bytes of requests in a frame at most; the server takes 64 KiB.
const FRAME_BYTES: usize = 32 * 1024;

/// What a client sends first. The key is the one of the RFC's example.
pub const HANDSHAKE: &[u8] = b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// Appends requests in frames. The mask is one of zeros, which changes nothing.
pub fn put(requests: &[u8], to: &mut Vec<u8>) {
    for part in requests.chunks(FRAME_BYTES) {
        let length = part.len() as u16;
        match length {
            0..126 => to.extend([0x81, 0x80 | length as u8]),
            _ => to.extend([0x81, 0x80 | 126, (length >> 8) as u8, length as u8]),
        }
        to.extend([0; 4]);
        to.extend(part);
    }
}

/// Takes the lines out of what the server sends, however the network cuts it.
#[derive(Debug)]
pub struct Unframer {
    /// Of a head that is not whole yet: the one of HTTP, and then those of frames.
    head: Vec<u8>,
    is_http: bool,
    /// Bytes of the present frame that are still to come.
    payload: usize,
}

impl Default for Unframer {
    fn default() -> Self {
        Self { head: Vec::new(), is_http: true, payload: 0 }
    }
}

impl Unframer {
    /// Moves the lines in `bytes` to its beginning, and gives their length.
    pub fn take(&mut self, bytes: &mut [u8]) -> usize {
        let (mut at, mut kept) = (0, 0);
        while at < bytes.len() {
            if self.payload > 0 {
                let length = self.payload.min(bytes.len() - at);
                bytes.copy_within(at..at + length, kept);
                (at, kept) = (at + length, kept + length);
                self.payload -= length;
                continue;
            }
            self.head.push(bytes[at]);
            at += 1;
            if self.is_http {
                self.is_http = !self.head.ends_with(b"\r\n\r\n");
                if !self.is_http {
                    self.head.clear();
                }
            } else if let Some(payload) = payload_of(&self.head) {
                self.payload = payload;
                self.head.clear();
            }
        }
        kept
    }
}

/// The length in the head of a frame. `None` while more of it has to come.
fn payload_of(head: &[u8]) -> Option<usize> {
    let number = |digits: &[u8]| digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit));
    match head {
        [_, 126, digits @ ..] => (digits.len() == 2).then(|| number(digits)),
        [_, 127, digits @ ..] => (digits.len() == 8).then(|| number(digits)),
        [_, length] => Some(usize::from(*length)),
        _ => None,
    }
}
