//! Clients of other protocols that come by mistake.

/// Names what a client speaks instead of this protocol, judged by the first bytes it sends, however few:
/// the start of a TLS handshake (RFC 8446, 5.1). The text says what to do instead.
#[must_use]
pub fn foreign_bytes(first_bytes: &[u8]) -> Option<&'static str> {
    const TLS_HANDSHAKE: u8 = 0x16;
    let is_tls = first_bytes.first() == Some(&TLS_HANDSHAKE);
    is_tls.then_some("this port speaks chat in plain text, not TLS")
}

/// The same, judged by the first line, without its end: the request of a browser.
#[must_use]
pub fn foreign_line(line: &str) -> Option<&'static str> {
    let words: Vec<_> = line.trim_ascii_end().split(' ').collect();
    match words[..] {
        [method, _, version]
            if version.starts_with("HTTP/")
                && method.bytes().all(|byte| byte.is_ascii_uppercase()) =>
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
    fn strangers_are_recognised_by_their_first_bytes_or_line() {
        for (bytes, is_foreign) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], true),
            (b"\x16", true),
            (b"login", false),
            (b"", false),
        ] {
            assert_eq!(foreign_bytes(bytes).is_some(), is_foreign, "{}", bytes.escape_ascii());
        }
        for (line, is_foreign) in [
            ("GET / HTTP/1.1\r", true),
            ("GET / HTTP/1.1", true),
            ("POST /a/b HTTP/1.0", true),
            ("GET /", false),
            ("login alice", false),
            ("say GET / HTTP/1.1", false),
            ("", false),
        ] {
            assert_eq!(foreign_line(line).is_some(), is_foreign, "{line:?}");
        }
    }
}
