//! Replays the conversations under `tests/transcripts` against a real server.
//!
//! `NAME > text` sends a line and `NAME < text` expects exactly that line. `>|` and `<|` do the
//! same without the newline. In between, clients connect, close their side and so on, in words.
//! `\x00`, `\u{a0}`, `\n`, `\r` and `\t` stand for what they usually do, `{x*9}` for nine x, and
//! `[TIME]` for any time of the right form, and `[POSITION]` for the position that was told last. At the end nobody may be owed anything more.
//! `# operators: NAME PASSWORD ...` on the first line gives the server operators.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nix::sys::socket::{setsockopt, sockopt};

use tempfile::TempDir;

use crate::support::{TestClient, TestServer, operators_file};

#[test]
fn transcripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 40, "only {} transcripts", files.len());
    for file in files {
        replay(&fs::read_to_string(&file).unwrap(), &file);
    }
}

fn replay(transcript: &str, file: &Path) {
    let folder = TempDir::new().unwrap();
    let operators = transcript.lines().next().and_then(|line| line.strip_prefix("# operators: "));
    let server = TestServer::with(|config| {
        config.operators = operators.map(|names| {
            let words: Vec<_> = names.split(' ').collect();
            let pairs: Vec<_> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
            operators_file(&folder, &pairs)
        });
    });
    let mut clients = BTreeMap::new();
    let mut position = String::new();
    let mut place = Place(String::new());
    for (number, step) in (1..).zip(transcript.lines()) {
        place.0 = format!("{}:{number}: {step}", file.display());
        if !step.starts_with('#') {
            run(step, &server, &mut clients, &mut position);
        }
    }
    for client in clients.values_mut() {
        client.expect_nothing_but("the end of the transcript");
    }
}

/// Says where in which transcript a test failed.
struct Place(String);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after {}", self.0);
        }
    }
}

fn run(
    step: &str,
    server: &TestServer,
    clients: &mut BTreeMap<String, TestClient>,
    position: &mut String,
) {
    let (name, action) = step.split_once(' ').expect("a name and what happens");
    let mut words = action.splitn(2, ' ');
    match (words.next(), words.next().unwrap_or("")) {
        (Some("connects"), kind) => {
            let address = if kind == "(classic)" { server.classic } else { server.address };
            clients.insert(name.to_owned(), TestClient::connect(address));
            return;
        }
        (Some("is"), "disconnected") => {
            clients.remove(name).expect("a client that has connected").expect_end();
            return;
        }
        (Some("resets"), "") => {
            let client = clients.remove(name).expect("a client that has connected");
            let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            setsockopt(client.stream(), sockopt::Linger, &at_once).unwrap();
            return;
        }
        _ => {}
    }
    let client = clients.get_mut(name).expect("a client that has connected");
    match action.split_once(' ').unwrap_or((action, "")) {
        ("<", "Room Position: [POSITION]") => {
            *position = client.line().strip_prefix("Room Position: ").unwrap().to_owned();
        }
        (">", text) if text.ends_with("[POSITION]") => {
            client.send_bytes((text.replace("[POSITION]", position) + "\n").as_bytes());
        }
        (">", text) => client.send_bytes(&[&unescape(text)[..], b"\n"].concat()),
        (">|", text) => client.send_bytes(&unescape(text)),
        ("<", text) if text.starts_with("[TIME] ") => {
            let line = client.line();
            let (time, rest) = line.split_at("[2026-11-22T10:04:05.123Z]".len());
            let digits = time.replace(|c: char| c.is_ascii_digit(), "0");
            assert_eq!(digits, "[0000-00-00T00:00:00.000Z]");
            assert_eq!(rest, &text["[TIME]".len()..]);
        }
        ("<", text) => client.expect_bytes(&[&unescape(text)[..], b"\n"].concat()),
        ("<|", text) => client.expect_bytes(&unescape(text)),
        ("closes", "its side") => client.end_input(),
        _ => panic!("no such step: {step}"),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = |prefix: &str| rest.strip_prefix(prefix);
        let (piece, length) = if let Some(code) = after(r"\u{") {
            let digits = code.split('}').next().unwrap();
            let character = char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap();
            (character.to_string().into_bytes(), digits.len() + 4)
        } else if let Some(code) = after(r"\x") {
            (vec![u8::from_str_radix(&code[..2], 16).unwrap()], 4)
        } else if after(r"\n").is_some() {
            (b"\n".to_vec(), 2)
        } else if after(r"\r").is_some() {
            (b"\r".to_vec(), 2)
        } else if after(r"\t").is_some() {
            (b"\t".to_vec(), 2)
        } else if let Some(repeat) = after("{") {
            let inside = repeat.split('}').next().unwrap();
            let (what, count) = inside.split_once('*').unwrap();
            (what.repeat(count.parse().unwrap()).into_bytes(), inside.len() + 2)
        } else {
            (character.to_string().into_bytes(), character.len_utf8())
        };
        bytes.extend(piece);
        rest = &rest[length..];
    }
    bytes
}

#[test]
fn bare_replies_leave_whole() {
    let server = TestServer::start();
    let mut ann = TestClient::connect(server.classic);
    assert_eq!(ann.packet(), b"Connect Success");
    ann.send("login\n");
    assert_eq!(ann.packet(), b"UserName Empty");
    ann.send("login ann\n");
    assert_eq!(ann.packet(), b"Login Success");
    let mut eve = TestClient::connect(server.classic);
    assert_eq!(eve.packet(), b"Connect Success");
    eve.send("login ann\n");
    assert_eq!(eve.packet(), b"UserName Exist");
}
