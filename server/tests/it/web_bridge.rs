//! The conversations of `chat-check` over WebSockets: a bridge stands between its clients, which
//! speak TCP, and the server's page for browsers.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use chat_check::checks::Check;
use tungstenite::Message;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocket};

use crate::fresh::{conversations, not_passed};

/// What a WebSocket has no way to say: another protocol, and text that is none.
const NOT_FOR_BROWSERS: [&str; 5] =
    ["http", "tls", "not-utf8", "end-of-input-in-a-bad-line", "refusals-in-order"];

/// Where the bridge to the server at `web` takes connections. Its threads end with their
/// connections; the one that accepts waits until the tests end.
fn bridge(web: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for near in listener.incoming() {
            let far = TcpStream::connect(web).unwrap();
            carry(near.unwrap(), far, web);
        }
    });
    address
}

fn carry(near: TcpStream, far: TcpStream, web: SocketAddr) {
    // The server has only answered the request by then, or greeted too: that is still unread.
    let (socket, _) = tungstenite::client(format!("ws://{web}/chat"), far).unwrap();
    let mut reader = socket;
    let (mut to_near, mut from_near) = (near.try_clone().unwrap(), near);
    let to_far = reader.get_ref().try_clone().unwrap();
    thread::spawn(move || {
        while let Ok(message) = reader.read() {
            if let Message::Text(text) = message
                && to_near.write_all(text.as_bytes()).is_err()
            {
                break;
            }
        }
        let _ = to_near.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let mut writer = WebSocket::from_raw_socket(to_far, Role::Client, None);
        let (mut buffer, mut begun) = ([0; 4096], Vec::new());
        loop {
            match from_near.read(&mut buffer) {
                Ok(0) => return drop(writer.close(None)),
                Ok(length) => {
                    // As long as the text is not whole UTF-8, what comes is a fragment.
                    let kind = if begun.is_empty() { Data::Text } else { Data::Continue };
                    begun.extend_from_slice(&buffer[..length]);
                    let is_last = str::from_utf8(&begun).is_ok();
                    if is_last {
                        begun.clear();
                    }
                    let bytes = buffer[..length].to_vec();
                    let frame = Frame::message(bytes, OpCode::Data(kind), is_last);
                    if writer.send(Message::Frame(frame)).is_err() {
                        return;
                    }
                }
                Err(_) => return drop(writer.get_ref().shutdown(Shutdown::Both)),
            }
        }
    });
}

#[test]
fn every_conversation_is_the_same_over_a_web_socket() {
    let checks = Check::all().unwrap();
    let checks = conversations(&checks, &NOT_FOR_BROWSERS);
    let not_passed = not_passed(&checks, |_| {}, |server| bridge(server.web));
    assert_eq!(not_passed, [""; 0], "why is above");
}
