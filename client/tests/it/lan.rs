//! The room without a server.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use crate::program::{Finished, Program};
use crate::pty::Pty;

pub const LOOPBACK: &str = "127.255.255.255";

/// A port that nobody uses: whoever opens it is in a room of his own. Until the tests end, the system gives it
/// to nobody who asks for any.
pub fn port() -> String {
    let held = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    // Those who name the port share it, as they ask for this too. At an address to which nobody sends, it
    // takes nothing from them.
    held.set_reuse_address(true).unwrap();
    held.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    let port = held.local_addr().unwrap().as_socket().unwrap().port();
    std::mem::forget(held);
    port.to_string()
}

fn arguments<'a>(port: &'a str, name: &'a str) -> [&'a str; 6] {
    ["lan", port, "--broadcast", LOOPBACK, "--name", name]
}

/// Somebody who is in the room.
fn enter(port: &str, name: &str) -> Program {
    let mut program = Program::start(&arguments(port, name));
    program.read_to("Connect Success\nLogin Success\n");
    program
}

/// Somebody on the network with a program of another make.
fn stranger() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_broadcast(true).unwrap();
    socket
}

#[test]
fn two_processes_share_a_room() {
    let port = port();
    let mut al = enter(&port, "al");
    let mut bo = enter(&port, "bo");
    al.read_to("bo has entered the room.\n");
    al.send(b"say hi bo\n");
    assert_eq!(al.read_to("al: hi bo\n"), "al: hi bo\n");
    assert_eq!(bo.read_to("al: hi bo\n"), "al: hi bo\n");
    bo.send(b"me waves\nlook\n");
    assert_eq!(al.read_to("* bo waves\n"), "* bo waves\n");
    assert_eq!(bo.read_to("al is here.\n"), "* bo waves\nbo is here.\nal is here.\n");
    bo.send(b"say bye");
    assert_eq!(end(bo), "bo: bye\n");
    assert_eq!(al.read_to("left the room.\n"), "bo: bye\nbo has left the room.\n");
    assert_eq!(end(al), "");
}

#[track_caller]
pub fn end(program: Program) -> String {
    let Finished { code, stdout, stderr } = program.finish();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    stdout
}

#[test]
fn whoever_asks_who_is_there_waits_for_the_answers() {
    let port = port();
    let al = enter(&port, "al");
    let mut bo = Program::start(&arguments(&port, "bo"));
    bo.send(b"look\n");
    let answer = "Connect Success\nLogin Success\nbo is here.\nal is here.\n";
    assert_eq!(end(bo), answer);
    al.finish();
}

#[test]
fn two_peers_with_one_name_notice_each_other() {
    let port = port();
    let mut first = enter(&port, "al");
    let mut second = enter(&port, "Al");
    let notice = |name| {
        format!(
            "You and somebody at 127.0.0.1 are both called {name}: come back with another name\n"
        )
    };
    let seen = first.read_to(&notice("Al"));
    assert_eq!(seen, format!("Al has entered the room.\n{}", notice("Al")));
    let seen = second.read_to(&notice("al"));
    assert_eq!(seen, format!("al is here.\n{}", notice("al")));
    first.finish();
    second.finish();
}

#[test]
fn what_is_no_line_of_a_chat_is_counted() {
    let port = port();
    let mut al = enter(&port, "al");
    let stranger = stranger();
    let send = |bytes: &[u8]| {
        assert_eq!(stranger.send_to(bytes, format!("{LOOPBACK}:{port}")).unwrap(), bytes.len());
    };
    send(b"\xff\xfe");
    send(b"bo: \x1b[2J");
    send(b"SSDP/1.1 * HTTP");
    send(b"bo: hi\n");
    assert_eq!(al.read_to("bo: hi\n"), "bo: hi\n");
    let outcome = al.finish();
    assert_eq!(outcome.code, Some(0));
    let remark = "chat-client: 3 datagrams were no lines of a chat and were left out\n";
    assert_eq!(outcome.stderr, remark);
}

/// Whoever comes into a room where others talk without a pause has to get in, and out again.
#[test]
fn a_room_that_never_pauses_is_a_room() {
    let port = port();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let stranger = stranger();
            while !is_over.load(Ordering::Relaxed) {
                stranger.send_to(b"bo: again", format!("{LOOPBACK}:{port}")).unwrap();
            }
        });
        let _until = Until(&is_over);
        for _ in 0..5 {
            let mut al = enter(&port, "al");
            al.read_to("bo: again\n");
            al.send(b"say here I am\n");
            al.read_to("al: here I am\n");
            al.send(b"logout\n");
            assert_eq!(al.wait().code, Some(0));
        }
    });
}

/// Set when it is dropped, by a panic even.
pub struct Until<'a>(pub &'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_signal_is_no_reason_to_leave_without_a_word() {
    let port = port();
    let mut bo = enter(&port, "bo");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let al = enter(&port, "al");
        bo.read_to("al has entered the room.\n");
        al.signal(signal);
        let Finished { code, stderr, .. } = al.wait();
        assert_eq!((code, stderr.as_str()), (Some(143), ""));
        bo.read_to("al has left the room.\n");
    }
    bo.finish();
}

#[test]
fn a_second_signal_ends_even_who_waits_for_a_reader() {
    let port = port();
    let mut bo = enter(&port, "bo");
    let mut al = enter(&port, "al");
    bo.read_to("al has entered the room.\n");
    // More than fits into a pipe that nobody reads, and less than all buffers on the way hold.
    let text = "x".repeat(1000);
    for _ in 0..80 {
        al.send(format!("say {text}\n").as_bytes());
        bo.read_to(&format!("al: {text}\n"));
    }
    al.signal(Signal::SIGTERM);
    bo.read_to("al has left the room.\n");
    al.signal(Signal::SIGTERM);
    assert_eq!(al.wait_unread().signal(), Some(Signal::SIGKILL as i32));
    bo.finish();
}

#[test]
fn a_room_that_cannot_be_is_explained() {
    // It shares the port with nobody.
    let alone = UdpSocket::bind("0.0.0.0:0").unwrap();
    let taken = alone.local_addr().unwrap().port().to_string();
    for (arguments, code, reason) in [
        (&["lan", "0", "--name", "al"][..], 2, "'0'"),
        (&["lan", "7777"], 2, "--name"),
        (&["lan", "7777", "--name", "al", "--interface", "192.0.2.1"], 3, "--interface"),
        (&["lan", &taken, "--name", "al"], 3, "choose another port"),
        (&["lan", "7777", "--name", "a b", "--broadcast", LOOPBACK], 8, "UserName Invalid"),
    ] {
        let outcome = Program::start(arguments).finish();
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
        assert!(outcome.stderr.contains(reason), "{outcome:?}");
    }
}

#[test]
fn a_terminal_gets_a_prompt() {
    let port = port();
    let mut bo = enter(&port, "bo");
    let mut al = Pty::start(&[&arguments(&port, "al")[..], &["--no-time"]].concat());
    bo.read_to("al has entered the room.\n");
    al.wait_for_last("al@lan>");
    // It says where it is, and offers nothing that makes no sense there.
    al.wait_for(&format!("-- connected to the local network, port {port} as al; /help lists"));
    al.keys("/help\r");
    let screen = al.wait_for("-- //TEXT");
    for (command, is_there) in
        [("/me", true), ("/look", true), ("/quit", true), ("/rooms", false), ("/kick", false)]
    {
        assert_eq!(screen.contains(&format!("-- {command}")), is_there, "{command}: {screen}");
    }
    // Tab, a slip of the fingers and a name from elsewhere lead to nothing that the room does not know.
    for (typed, line) in [("/lo\t", "/look"), ("/roo\t", "/roo"), ("/msg \t", "/msg")] {
        al.keys(typed);
        al.wait_for_last(&format!("al@lan> {line}"));
        al.keys("\x15");
        al.wait_for_last("al@lan>");
    }
    for typed in ["/rooms", "/roms", "/list", "/msg bo hi", "/r hi"] {
        al.keys(&format!("{typed}\r"));
        let word = typed.split(' ').next().unwrap().replace("list", "rooms");
        al.wait_for(&format!("-- there is no command {word}; /help lists them\n"));
    }
    al.keys("half ty");
    al.wait_for_last("al@lan> half ty");
    bo.send(b"say hi\n");
    al.wait_for("bo: hi");
    al.wait_for_last("al@lan> half ty");
    al.keys("ped\r");
    al.wait_for("al: half typed");
    bo.read_to("al: half typed\n");
    al.leave();
    bo.read_to("al has left the room.\n");
    bo.finish();
}
