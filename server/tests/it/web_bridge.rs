//! The conversations of `chat-check` over WebSockets: a bridge stands between its clients, which
//! speak TCP, and the server's page for browsers.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use chat_check::checks::{Check, Kind};
use chat_check::run::{Options, Outcome, run};
use chat_check::stage::Addresses;
use chat_check::target::{Target, Unreachable};
use chat_check::transcript::Texts;
use tempfile::TempDir;
use tungstenite::Message;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocket};

use crate::support::{TestServer, operators_file};

/// What a WebSocket has no way to say: another protocol, and text that is none.
const NOT_FOR_BROWSERS: [&str; 5] =
    ["http", "tls", "not-utf8", "end-of-input-in-a-bad-line", "refusals-in-order"];

/// A fresh server for each conversation, and the bridge to it.
struct Bridged {
    folder: TempDir,
    server: Option<TestServer>,
}

impl Target for Bridged {
    fn ready(&mut self, operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        self.server = None;
        let pairs: Vec<_> =
            operators.iter().map(|(name, password)| (name.as_str(), password.as_str())).collect();
        let file = (!pairs.is_empty()).then(|| operators_file(&self.folder, &pairs));
        let server = self.server.insert(TestServer::with(|config| config.operators = file));
        Ok(Addresses { line: Some(bridge(server.web)), classic: Some(server.classic) })
    }

    fn has_operators(&self) -> bool {
        true
    }
}

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
    let is_for_browsers = |check: &&Check| {
        matches!(check.kind, Kind::Transcript(_))
            && !NOT_FOR_BROWSERS.contains(&check.about.name.as_str())
    };
    let checks: Vec<_> = checks.iter().filter(is_for_browsers).collect();
    assert!(checks.len() >= 50, "only {} conversations", checks.len());
    let mut target = Bridged { folder: TempDir::new().unwrap(), server: None };
    let options = Options { texts: Texts::AsWritten, ..Options::default() };
    let findings = run(&mut target, &checks, options, |finding| {
        if !matches!(finding.outcome, Outcome::Passed) {
            eprint!("{}", chat_check::report::text::finding(finding));
        }
    });
    let is_passed = |outcome: &Outcome| matches!(outcome, Outcome::Passed);
    assert!(findings.unwrap().iter().all(|finding| is_passed(&finding.outcome)), "why is above");
}
