//! HTTP/1.1 (RFC 9112), as much of it as a page and a WebSocket need: the head of one request, and
//! the answer to it. Every other answer than the one to a WebSocket ends the connection.

use httparse::{EMPTY_HEADER, Header, Request};
use protocol::Reply;
use tungstenite::handshake::derive_accept_key;

use super::origin::{Names, is_same};
use super::page::Page;

/// Bytes that the head of a request may have. Browsers send less than a tenth of it.
pub const HEAD_BYTES: usize = 8 * 1024;

/// Lines that it may have.
const HEADERS: usize = 64;

/// Why a request does not get what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is no HTTP, or not as HTTP has it.
    BadRequest,
    /// It comes from a web site, or under a name, that is not this server's.
    Forbidden,
    /// There is nothing at this path.
    NotFound,
    /// It wants something done with the page that cannot be done.
    MethodNotAllowed,
    /// It did not come to its end in time.
    Timeout,
    /// The path of the WebSocket is asked for something else.
    UpgradeRequired,
    /// It is longer than [`HEAD_BYTES`].
    TooLarge,
    /// The server is full.
    Full,
    /// It came to a port of TLS without it.
    Plain,
}

impl Refusal {
    /// The status, header lines that belong to it, and what a person may do.
    fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::BadRequest => ("400 Bad Request", "", "This is not HTTP/1.1 as RFC 9112 has it."),
            Self::Forbidden => (
                "403 Forbidden",
                "",
                "Open the chat by its address, or start it with --web-name for this name.",
            ),
            Self::NotFound => ("404 Not Found", "", "There is nothing here. The chat is at /."),
            Self::MethodNotAllowed => {
                ("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "Use GET.")
            }
            Self::Timeout => ("408 Request Timeout", "", "The request did not come to its end."),
            Self::UpgradeRequired => (
                "426 Upgrade Required",
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
                "This is a WebSocket, version 13. The page of the chat is at /.",
            ),
            Self::TooLarge => ("431 Request Header Fields Too Large", "", "Send fewer headers."),
            Self::Plain => (
                "400 Bad Request",
                "",
                "This port speaks TLS. Open the chat with https:// in front of its address.",
            ),
            Self::Full => ("503 Service Unavailable", "", "The chat is full. Try again later."),
        }
    }

    /// The answer, whole.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let (status, headers, text) = self.parts();
        let headers = format!("{headers}Content-Type: text/plain; charset=utf-8\r\n");
        respond(status, &headers, &format!("{text}\n"), true)
    }
}

/// What a request asks for, once its head is whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The page, or the head of the answer with it alone.
    Page {
        /// Whether the page itself is wanted.
        has_body: bool,
    },
    /// A WebSocket. What follows the head in the stream are its frames.
    WebSocket {
        /// What proves that this server knows WebSockets (RFC 6455, 4.2.2).
        accept: String,
        /// How long the head is, in bytes.
        head_bytes: usize,
    },
}

/// Reads the head of a request from the bytes that have come so far. `None` while more has to come.
///
/// # Errors
///
/// Says why the request is refused. Nothing that follows can make it good.
pub fn read(received: &[u8], names: &Names) -> Result<Option<Wanted>, Refusal> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut request = Request::new(&mut headers);
    let head_bytes = match request.parse(&received[..received.len().min(HEAD_BYTES)]) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if received.len() < HEAD_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal::TooLarge);
        }
        Err(_) => return Err(Refusal::BadRequest),
    };
    want(&request, head_bytes, names).map(Some)
}

fn want(request: &Request<'_, '_>, head_bytes: usize, names: &Names) -> Result<Wanted, Refusal> {
    let headers = &*request.headers;
    let host = only(headers, "host")?.ok_or(Refusal::BadRequest)?;
    if !names.include(host) {
        return Err(Refusal::Forbidden);
    }
    let path = request.path.unwrap_or_default();
    match (path.split('?').next(), request.method) {
        (Some("/"), Some("GET")) => Ok(Wanted::Page { has_body: true }),
        (Some("/"), Some("HEAD")) => Ok(Wanted::Page { has_body: false }),
        (Some("/chat"), Some("GET")) => {
            let accept = accept(request, host)?;
            Ok(Wanted::WebSocket { accept, head_bytes })
        }
        (Some("/" | "/chat"), _) => Err(Refusal::MethodNotAllowed),
        _ => Err(Refusal::NotFound),
    }
}

/// Checks the opening handshake of a WebSocket (RFC 6455, 4.2.1), and gives the proof for it.
fn accept(request: &Request<'_, '_>, host: &str) -> Result<String, Refusal> {
    let headers = &*request.headers;
    let is_upgrade = has_token(headers, "upgrade", "websocket")
        && has_token(headers, "connection", "upgrade")
        && request.version == Some(1);
    if !is_upgrade || only(headers, "sec-websocket-version")? != Some("13") {
        return Err(Refusal::UpgradeRequired);
    }
    // Every browser sends it. A program need not, and no web site is behind it.
    if only(headers, "origin")?.is_some_and(|origin| !is_same(origin, host)) {
        return Err(Refusal::Forbidden);
    }
    let key = only(headers, "sec-websocket-key")?.ok_or(Refusal::BadRequest)?;
    let is_key = data_encoding::BASE64.decode(key.as_bytes()).is_ok_and(|nonce| nonce.len() == 16);
    if is_key { Ok(derive_accept_key(key.as_bytes())) } else { Err(Refusal::BadRequest) }
}

/// The values of all headers of this name, without the white space around them.
fn values<'a>(
    headers: &'a [Header<'_>],
    name: &'a str,
) -> impl Iterator<Item = Result<&'a str, Refusal>> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| {
        str::from_utf8(header.value).map(str::trim_ascii).map_err(|_| Refusal::BadRequest)
    })
}

/// The value of a header that may be there once.
fn only<'a>(headers: &'a [Header<'_>], name: &'a str) -> Result<Option<&'a str>, Refusal> {
    let mut values = values(headers, name);
    let value = values.next().transpose()?;
    if values.next().is_some() { Err(Refusal::BadRequest) } else { Ok(value) }
}

/// Whether a word stands in the list that a header is, in any case.
fn has_token(headers: &[Header<'_>], name: &str, token: &str) -> bool {
    values(headers, name)
        .filter_map(Result::ok)
        .flat_map(|value| value.split(','))
        .any(|word| word.trim_ascii().eq_ignore_ascii_case(token))
}

/// The answer to a browser that is not let in, before it has asked for anything.
#[must_use]
pub fn turn_away(why: Reply<'_>) -> Vec<u8> {
    let refusal = if why == Reply::ServerFull { Refusal::Full } else { Refusal::Forbidden };
    let (status, headers, _) = refusal.parts();
    let headers = format!("{headers}Content-Type: text/plain; charset=utf-8\r\n");
    respond(status, &headers, &format!("{why}\n"), true)
}

/// The answer that makes a WebSocket of the connection.
#[must_use]
pub fn switch(accept: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// The answer with the page.
#[must_use]
pub fn page(page: &Page, has_body: bool) -> Vec<u8> {
    let headers = format!(
        "Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy: {}\r\n\
         Cache-Control: no-cache\r\n",
        page.policy
    );
    respond("200 OK", &headers, &page.html, has_body)
}

fn respond(status: &str, headers: &str, body: &str, has_body: bool) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n{headers}\r\n{}",
        body.len(),
        if has_body { body } else { "" },
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and its answer stand in RFC 6455, 1.3.
    const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://localhost:8080\r\nSec-WebSocket-Version: 13\r\n\r\n";

    fn names() -> Names {
        Names::new(None, &[])
    }

    fn web_socket(head: &str) -> Wanted {
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned();
        Wanted::WebSocket { accept, head_bytes: head.len() }
    }

    #[track_caller]
    fn check(head: &str, expected: Result<Wanted, Refusal>) {
        assert_eq!(read(head.as_bytes(), &names()), expected.map(Some), "{head}");
    }

    #[test]
    fn a_head_may_come_in_pieces_and_frames_behind_it() {
        for end in 0..HANDSHAKE.len() {
            assert_eq!(read(&HANDSHAKE.as_bytes()[..end], &names()), Ok(None), "{end}");
        }
        check(HANDSHAKE, Ok(web_socket(HANDSHAKE)));
        let with_frame = [HANDSHAKE.as_bytes(), b"\x81\x80\0\0\0\0"].concat();
        assert_eq!(read(&with_frame, &names()), Ok(Some(web_socket(HANDSHAKE))));
    }

    #[test]
    fn a_page_is_asked_for() {
        let page = |has_body| Ok(Wanted::Page { has_body });
        check("GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", page(true));
        check("GET /?x=1 HTTP/1.0\r\nhost:localhost\r\n\r\n", page(true));
        check("HEAD / HTTP/1.1\nHost: [::1]:80\n\n", page(false));
    }

    #[test]
    fn what_is_refused() {
        let refused = |head: &str, refusal| check(head, Err(refusal));
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        refused(&get("/favicon.ico"), Refusal::NotFound);
        refused(&get("/chat/"), Refusal::NotFound);
        refused(&get("//"), Refusal::NotFound);
        refused(&get("/../"), Refusal::NotFound);
        refused(&get("/chat"), Refusal::UpgradeRequired);
        refused("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", Refusal::MethodNotAllowed);
        refused("POST /x HTTP/1.1\r\nHost: localhost\r\n\r\n", Refusal::NotFound);
        refused("GET / HTTP/1.1\r\n\r\n", Refusal::BadRequest);
        refused("GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", Refusal::BadRequest);
        refused("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", Refusal::Forbidden);
        refused("login al\r\n", Refusal::BadRequest);
        refused("\x16\x03\x01\x02\x00", Refusal::BadRequest);
        refused("GET / HTTP/2.0\r\n\r\n", Refusal::BadRequest);
        let many = "a: b\r\n".repeat(HEADERS + 1);
        refused(&format!("GET / HTTP/1.1\r\n{many}\r\n"), Refusal::TooLarge);
        refused(&format!("GET / HTTP/1.1\r\na: {}", "b".repeat(HEAD_BYTES)), Refusal::TooLarge);
    }

    #[test]
    fn a_handshake_is_exact() {
        let change = |from: &str, to: &str| {
            assert!(HANDSHAKE.contains(from));
            HANDSHAKE.replace(from, to)
        };
        for (from, to, refusal) in [
            ("Upgrade: websocket", "Upgrade: h2c", Refusal::UpgradeRequired),
            ("Connection: Upgrade", "Connection: close", Refusal::UpgradeRequired),
            ("Version: 13", "Version: 8", Refusal::UpgradeRequired),
            ("Sec-WebSocket-Version: 13\r\n", "", Refusal::UpgradeRequired),
            ("HTTP/1.1", "HTTP/1.0", Refusal::UpgradeRequired),
            ("GET", "PUT", Refusal::MethodNotAllowed),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", Refusal::BadRequest),
            ("dGhlIHNhbXBsZSBub25jZQ==", "", Refusal::BadRequest),
            ("Key: ", "Key: x\r\nSec-WebSocket-Key: ", Refusal::BadRequest),
            ("http://localhost:8080", "http://localhost:80", Refusal::Forbidden),
            ("http://localhost:8080", "http://evil.test", Refusal::Forbidden),
            ("http://localhost:8080", "null", Refusal::Forbidden),
        ] {
            check(&change(from, to), Err(refusal));
        }
        for (from, to) in [
            ("Upgrade: websocket", "Upgrade: h2c, WebSocket"),
            ("Connection: Upgrade", "Connection: keep-alive,\tupgrade"),
            ("Origin: http://localhost:8080\r\n", ""),
            ("Origin: http", "X: http"),
        ] {
            let head = change(from, to);
            check(&head, Ok(web_socket(&head)));
        }
    }

    #[test]
    fn answers_say_how_long_they_are() {
        let page = Page::default();
        for bytes in [Refusal::Full.to_bytes(), super::page(&page, true)] {
            let answer = String::from_utf8(bytes).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
            assert!(head.contains("nosniff") && head.contains("no-referrer"));
        }
        let answer = String::from_utf8(super::page(&page, false)).unwrap();
        assert!(answer.ends_with("\r\n\r\n"));
        assert!(answer.contains(&format!("\r\nContent-Length: {}\r\n", page.html.len())));
    }
}
