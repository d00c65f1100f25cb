//! Clients of other protocols that come by mistake.

/// Names what a client speaks instead of this protocol, judged by the first bytes it sends.
///
/// A browser's request and the start of a TLS handshake (RFC 8446, 5.1) come to a chat port by
/// mistake often enough to deserve a clear answer. The text says what to do instead.
#[must_use]
pub fn foreign_protocol(first_bytes: &[u8]) -> Option<&'static str> {
    const TLS_HANDSHAKE: &[u8] = &[0x16, 0x03];
    if first_bytes.starts_with(TLS_HANDSHAKE) {
        return Some("this port speaks chat in plain text, not TLS");
    }
    let end = first_bytes.iter().position(|&byte| byte == b'\n')?;
    let line = first_bytes[..end].trim_ascii_end();
    let words: Vec<_> = line.split(|&byte| byte == b' ').collect();
    match words[..] {
        [method, _, version]
            if version.starts_with(b"HTTP/") && method.iter().all(u8::is_ascii_uppercase) =>
        {
            Some("this port speaks chat, not HTTP; open it with chat-client or nc, not a browser")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_recognised_by_their_first_bytes() {
        for (bytes, is_foreign) in [
            (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], true),
            (b"POST /a/b HTTP/1.0\n", true),
            (b"\x16\x03\x01\x02\x00\x01", true),
            (b"GET / HTTP/1.1", false),
            (b"login alice\n", false),
            (b"say GET / HTTP/1.1\n", false),
            (b"", false),
        ] {
            assert_eq!(foreign_protocol(bytes).is_some(), is_foreign, "{}", bytes.escape_ascii());
        }
    }
}
