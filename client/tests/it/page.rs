//! Sentences of docs/client.md, at a prompt, that no other test has.

use chat_server::Config;

use crate::pty::{Pty, chat, fresh_directory};
use crate::real_server::RealServer;

#[test]
fn the_keys_edit_as_in_a_shell() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    for (keys, line) in [
        ("one two\x01zero \x05!", "zero one two!"),
        ("\x17", "zero one"),
        ("\x19", "zero one two!"),
        ("\x15", ""),
        ("\x19", "zero one two!"),
        ("\x01\x0b", ""),
        ("\x19", "zero one two!"),
        ("\x15/cle\x1b[C", "/clear"),
        ("\x15", ""),
    ] {
        pty.keys(keys);
        pty.wait_for_last(&format!("al@main> {line}"));
    }
    pty.keys("first\rsecond\r");
    pty.wait_for("al: first\nal: second\nal@main>");
    for (key, line) in [("\x1b[A", "second"), ("\x1b[A", "first"), ("\x1b[B", "second")] {
        pty.keys(key);
        pty.wait_for_last(&format!("al@main> {line}"));
    }
}

#[test]
fn what_fingers_type_that_learned_elsewhere_works() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &["--no-time"]);
    for (typed, shown) in [
        ("/who", "Online Users:\n"),
        ("/list", "Rooms:\n"),
        ("/j den", "Join Success\n"),
        ("/names", "\nal\nal@den>"),
        ("/part", "\nal@main>"),
        ("/m bob one", "[to bob] one\n"),
        ("/w bob two", "[to bob] two\n"),
        ("/query bob three", "[to bob] three\n"),
        ("/nick alf", "alf@main>"),
        ("/h me", "-- /me TEXT "),
        ("/topic tea", "alf set the topic: tea\n"),
        ("/ping x", "pong x\n"),
        ("/msg", "-- something is missing; type /msg NAME TEXT\n"),
    ] {
        pty.keys(&format!("{typed}\r"));
        pty.wait_for(shown);
    }
    bob.read_to("[from al] three");
    pty.keys("/q\r");
    assert_eq!(pty.wait(), 0);
}

#[test]
fn options_have_short_forms_and_variables() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let variables = [("CHAT_SERVER", &*address), ("CHAT_NAME", "al"), ("CHAT_ROOM", "den")];
    let short = ["-s", &address, "-n", "al", "-r", "den", "-q"];
    for (arguments, variables) in [(&[][..], &variables[..]), (&short[..], &[])] {
        let mut pty = Pty::start_with(arguments, 24, &fresh_directory(), variables);
        pty.wait_for_last("al@den>");
        pty.leave();
    }
}

#[test]
fn who_comes_in_is_shown_the_topic_and_a_message_of_the_day_without_a_name() {
    let folder = fresh_directory();
    let motd = folder.join("motd");
    std::fs::write(&motd, "Welcome to the lab\n").unwrap();
    let server = RealServer::with("127.0.0.1:0".parse().unwrap(), |config| Config {
        motd: Some(motd),
        ..config
    });
    let mut bob = server.other("bob");
    bob.send("topic tea\nsay earlier\nping\n");
    bob.read_to("pong");
    let mut pty = chat(&server, &["--no-time"]);
    pty.wait_for("| bob: earlier");
    pty.wait_for("\nTopic: tea\n");
    assert!(pty.raw().contains("* Welcome to the lab"), "it has no colours: {:?}", pty.raw());
    // Who is known has one, and a private line rings.
    bob.send("me waves\nmsg al psst\n");
    pty.wait_for("* bob waves\n[from bob] psst");
    assert!(!pty.raw().contains("* bob waves"), "{:?}", pty.raw());
    assert_eq!(pty.raw().matches('\x07').count(), 1);
    pty.leave();
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn text_of_every_script_is_shown_as_it_is() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let pty = chat(&server, &["--no-time"]);
    let text = "👨\u{200d}💻 می\u{200c}خواهم क्\u{200d}ष 🇩🇪 ❤\u{fe0f}";
    bob.send(&format!("say {text}\nsay 请al看看\n"));
    pty.wait_for("请al看看");
    assert!(pty.raw().contains(text), "{:?}", pty.raw());
    assert!(pty.raw().contains("请\x1b[1;7mal\x1b[0m看看"), "{:?}", pty.raw());
}
