//! Lines as requests.

use super::*;

#[track_caller]
fn check(line: &str, expected: Result<Option<Request<'_>>, ControlCharacter>) {
    assert_eq!(Request::parse(line), expected, "{line:?}");
}

#[test]
fn a_line_is_a_command_and_its_argument() {
    for (line, request) in [
        ("login alice", Request::Login(Claim::new("alice"))),
        ("login", Request::Login(Claim::new(""))),
        ("login \t alice \r", Request::Login(Claim::new("alice"))),
        ("rename alice  a b ", Request::Rename(Claim::new("alice  a b"))),
        ("say  two  words ", Request::Say("two  words")),
        ("watch", Request::Watch("")),
        ("watch den", Request::Watch("den")),
        ("say", Request::Say("")),
        ("say a\tb", Request::Say("a\tb")),
        ("say \u{3000}x\u{a0}", Request::Say("\u{3000}x\u{a0}")),
        ("look around", Request::Look),
        ("msg bob hi there", Request::Message { to: "bob", text: "hi there" }),
        ("msg bob", Request::Message { to: "bob", text: "" }),
        ("ignore bob", Request::Ignore("bob")),
        ("ignore", Request::Malformed(Command::Ignore)),
        ("unignore bob", Request::Unignore("bob")),
        ("unignore ", Request::Malformed(Command::Unignore)),
        ("history", Request::History(20)),
        ("history 5", Request::History(5)),
        ("history five", Request::Malformed(Command::History)),
        ("history -1", Request::Malformed(Command::History)),
        ("history +1", Request::Malformed(Command::History)),
        ("history 99999999999999999999", Request::History(usize::MAX)),
        ("since", Request::Since(None)),
        ("since yesterday", Request::Malformed(Command::Since)),
        ("since 5", Request::Malformed(Command::Since)),
        ("op let me in", Request::Operator("let me in")),
        ("op ", Request::Malformed(Command::Operator)),
        ("kick bob", Request::Kick { name: "bob", reason: "" }),
        ("kick bob no  spam", Request::Kick { name: "bob", reason: "no  spam" }),
        ("kick", Request::Malformed(Command::Kick)),
        ("mute bob 5", Request::Mute { name: "bob", minutes: 5 }),
        ("mute bob", Request::Malformed(Command::Mute)),
        ("mute bob soon", Request::Malformed(Command::Mute)),
        ("mute bob +5", Request::Malformed(Command::Mute)),
        ("ban bob +5", Request::Malformed(Command::Ban)),
        ("mute bob 4294967296", Request::Malformed(Command::Mute)),
        ("mute bob 007", Request::Mute { name: "bob", minutes: 7 }),
        ("mute bob -1", Request::Malformed(Command::Mute)),
        ("ban ::1 0", Request::Ban { target: "::1", minutes: 0 }),
        ("ban bob 5 minutes", Request::Malformed(Command::Ban)),
        ("ban bob 99999999999", Request::Malformed(Command::Ban)),
        ("announce a break", Request::Announce("a break")),
        ("announce", Request::Malformed(Command::Announce)),
        ("LOGIN alice", Request::Unknown("LOGIN")),
        (" say x", Request::Unknown("")),
        ("look\t", Request::Unknown("look\t")),
        ("dance now", Request::Unknown("dance")),
    ] {
        check(line, Ok(Some(request)));
    }
}

#[test]
fn each_command_is_read_as_the_request_that_gives_it() {
    for command in Command::ALL {
        let usage = command.spec().usage;
        let value = |word| if word == "[POSITION]" { " 2026Z+7" } else { " 7" };
        let arguments = usage.split(' ').skip(1).map(value);
        let line: String = std::iter::once(command.spec().name).chain(arguments).collect();
        let request = Request::parse(&line).unwrap().unwrap();
        assert_eq!(request.command(), Some(*command));
        assert!(!matches!(request, Request::Malformed(_)), "{request:?}");
        assert_eq!(request.to_string(), line);
    }
}

#[test]
fn a_claim_is_a_name_and_perhaps_a_secret() {
    for (argument, name, secret) in [
        ("", "", None),
        ("alice", "alice", None),
        ("alice open", "alice", Some("open")),
        ("alice \t open  sesame", "alice", Some("open  sesame")),
        ("alice\topen", "alice\topen", None),
    ] {
        let claim = Claim::new(argument);
        assert_eq!((claim.name(), claim.secret()), (name, secret), "{argument:?}");
    }
}

#[test]
fn a_topic_can_be_taken_away() {
    assert_eq!(["-", "--", "- tea", ""].map(topic_of), ["", "--", "- tea", ""]);
}

#[test]
fn blank_lines_are_ignored() {
    for line in ["", " ", " \t\r\x0b\x0c "] {
        check(line, Ok(None));
    }
}

#[test]
fn control_characters_are_refused() {
    for line in ["say a\u{0}b", "say \u{7f}", "say a\u{9b}31m", "lo\u{1b}ok", "\u{85}", "a\rb"] {
        check(line, Err(ControlCharacter));
    }
    check("say hi \r\x0b\x0c", Ok(Some(Request::Say("hi"))));
}
