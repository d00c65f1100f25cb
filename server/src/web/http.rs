//! HTTP/1.1 (RFC 9112), as much of it as a page and a WebSocket need: the head of one request, and
//! the answer to it. Every other answer than the one to a WebSocket ends the connection.

use httparse::{EMPTY_HEADER, Header, Request};
use protocol::Reply;
use tungstenite::handshake::derive_accept_key;

use super::origin::Names;
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
            let accept = accept(request, host, names)?;
            Ok(Wanted::WebSocket { accept, head_bytes })
        }
        (Some("/" | "/chat"), _) => Err(Refusal::MethodNotAllowed),
        _ => Err(Refusal::NotFound),
    }
}

/// Checks the opening handshake of a WebSocket (RFC 6455, 4.2.1), and gives the proof for it.
fn accept(request: &Request<'_, '_>, host: &str, names: &Names) -> Result<String, Refusal> {
    let headers = &*request.headers;
    let is_upgrade = has_token(headers, "upgrade", "websocket")
        && has_token(headers, "connection", "upgrade")
        && request.version == Some(1);
    if !is_upgrade || only(headers, "sec-websocket-version")? != Some("13") {
        return Err(Refusal::UpgradeRequired);
    }
    // Every browser sends it. A program need not, and no web site is behind it.
    if only(headers, "origin")?.is_some_and(|origin| !names.trust(origin, host)) {
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
mod tests;
