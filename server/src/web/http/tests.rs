//! Heads of requests: whole, in pieces, and wrong.

use super::*;

/// The key and its answer stand in RFC 6455, 1.3.
const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://localhost:8080\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn names() -> Names {
    Names::new(None, &[], &[])
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
    let page = Page::new(&[]);
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
