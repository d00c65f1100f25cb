//! The mode for terminals: what lines look like, and what is written to files.

use std::os::unix::fs::PermissionsExt;

use chat_client::args::appearance::written;
use chat_client::view::log_file::LogFile;

use crate::fake_server::serve;
use crate::program::command;
use crate::pty::{CTRL_D, Pty, chat, fresh_directory};
use crate::real_server::RealServer;

/// A server that sends these lines after the login and then waits for the end.
fn fake(lines: impl AsRef<[u8]> + Send + 'static) -> String {
    serve(move |mut session| {
        session.greet_and_log_in();
        session.send(lines);
        session.rest()
    })
    .0
}

#[test]
fn no_byte_of_the_server_reaches_the_terminal_or_the_log_unchecked() {
    let log = fresh_directory().join("log");
    let hostile = "\x1b]0;title\x07\x1b[2J\u{9b}31m\u{202e}\u{200b}\u{2028}\x7f";
    let server = fake(format!(
        "History:\n[2026-11-22T10:04:05Z] bo: {hostile}\npong chat-client-1\n\
         bo: {hostile}\n{hostile} has entered the room.\n[from {hostile}] x\n\
         {hostile}\nbo: end\n"
    ));
    let arguments =
        ["--server", &server, "--name", "al", "--no-bell", "--log", log.to_str().unwrap()];
    let mut pty = Pty::start(&arguments);
    let screen = pty.wait_for("bo: end");
    let visible = "␛]0;title␇␛[2J<U+009B>31m<U+202E><U+200B><U+2028>␡";
    assert!(screen.replace('\n', "").contains(&format!("| bo: {visible}")), "{screen}");
    pty.leave();
    let raw = pty.raw();
    for forbidden in
        ["\x1b]0", "\x1b[2J", "\x07", "\u{9b}", "\u{202e}", "\u{200b}", "\u{2028}", "\x7f"]
    {
        assert!(!raw.contains(forbidden), "{forbidden:?} in {raw:?}");
    }
    let logged = std::fs::read_to_string(log).unwrap();
    assert!(!logged.chars().any(|character| character.is_control() && character != '\n'));
    assert!(logged.contains(&format!("bo: {visible}\n")), "{logged}");
}

#[test]
fn a_refusal_is_not_trusted_either() {
    for arguments in [&["--name", "al"][..], &[]] {
        let (server, _) = serve(|mut session| {
            session.send("Connect Success\n");
            session.line();
            session.send("UserName Invalid: \x1b[2J\u{202e}\n");
        });
        let arguments: Vec<_> = ["--server", &server].iter().chain(arguments).copied().collect();
        let mut pty = Pty::start(&arguments);
        let asks = arguments.len() == 2;
        if asks {
            pty.keys("\ral\r");
            pty.wait_for("UserName Invalid! ␛[2J<U+202E>");
            pty.keys(CTRL_D);
        }
        assert_eq!(pty.wait(), if asks { 0 } else { 8 });
        let raw = pty.raw();
        assert!(raw.contains("␛[2J<U+202E>"), "{raw}");
        assert!(!raw.contains("\x1b[2J") && !raw.contains('\u{202e}'), "{raw}");
    }
}

#[test]
fn neither_the_prompt_nor_the_typed_line_can_be_made_to_do_anything() {
    // A server that takes every name, of a user or a room.
    let (server, _) = serve(|mut session| {
        session.send("Connect Success\n");
        assert_eq!(session.line(), "login a\u{202e}l\n");
        session.send("Login Success\n");
        assert_eq!(session.line(), "join \u{1b}[2Jden\n");
        session.send("Join Success\n");
        session.rest()
    });
    let arguments =
        ["--server", &server, "--name", "a\u{202e}l", "--room", "\u{1b}[2Jden", "--no-time"];
    let mut pty = Pty::start(&arguments);
    pty.wait_for_last("a<U+202E>l@␛[2Jden>");
    pty.keys("\x1b[200~half\x1b[2J \u{202e}ty\u{200b}ped\x1b[201~");
    pty.wait_for_last("a<U+202E>l@␛[2Jden> half typed");
    pty.keys("\x15/quit\r");
    assert_eq!(pty.wait(), 0);
    let raw = pty.raw();
    for forbidden in ["\x1b[2J", "\u{202e}", "\u{200b}"] {
        assert!(!raw.contains(forbidden), "{forbidden:?} in {raw:?}");
    }
}

#[test]
fn colors_can_be_switched_off() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--name", "al"];
    let colored = |extra: &[&str], environment: &[(&str, &str)]| {
        let arguments: Vec<_> = arguments.iter().chain(extra).copied().collect();
        let mut pty = Pty::start_with(&arguments, 24, &fresh_directory(), environment);
        pty.wait_for_last("al@main>");
        pty.keys("/look\rtext\r");
        pty.wait_for("al: text");
        pty.leave();
        let raw = pty.raw();
        raw.split("\x1b[").skip(1).any(|rest| {
            rest.trim_start_matches(|it: char| it.is_ascii_digit() || it == ';').starts_with('m')
        })
    };
    assert!(colored(&[], &[]));
    assert!(!colored(&[], &[("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn the_time_is_the_one_of_strftime() {
    let at =
        jiff::civil::date(2026, 3, 1).at(9, 5, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    for (format, expected) in
        [("%H:%M", "09:05"), ("%c", "Sun Mar  1 09:05:00 2026"), ("%x %X", "03/01/26 09:05:00")]
    {
        assert_eq!(written(&at, format).unwrap(), expected);
    }
    assert!(written(&at, "%").is_err());
}

#[test]
fn quiet_and_the_bell() {
    let server = RealServer::start();
    for (extra, rings, shows) in
        [(&["--no-time"][..], true, true), (&["--no-time", "--quiet", "--no-bell"], false, false)]
    {
        let mut pty = chat(&server, extra);
        let mut bob = server.other("bob");
        bob.send("say hi al!\nsay al!\nsay al!!\nlogout\n");
        pty.wait_for("bob: hi al!");
        bob.read_to("bob: al!!");
        pty.keys("/ping x\r");
        let screen = pty.wait_for("pong x");
        let of_bob = screen.replace("| bob has", "");
        assert_eq!(of_bob.contains("bob has"), shows, "{screen}");
        assert_eq!(pty.raw().matches('\x07').count(), usize::from(rings), "once a burst");
        pty.keys(CTRL_D);
        pty.wait();
    }
}

#[test]
fn the_log_has_what_was_shown_with_its_time() {
    let server = RealServer::start();
    let log = fresh_directory().join("chat.log");
    for text in ["first", "second"] {
        let mut pty = chat(&server, &["--log", log.to_str().unwrap()]);
        pty.keys(&format!("{text}\r"));
        pty.wait_for(&format!("al: {text}"));
        pty.keys("/history 50\r");
        pty.wait_for(&format!("| al: {text}"));
        pty.leave();
    }
    let logged = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = logged.lines().map(|line| line.split_once(' ').unwrap()).collect();
    for (time, _) in &lines {
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    for expected in ["al: first", "al: second"] {
        assert!(lines.iter().any(|(_, line)| *line == expected), "{logged}");
    }
    let count = logged.matches("al: first").count();
    assert_eq!(count, 1, "neither a start nor /history logs it again: {logged}");
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut pty = Pty::start(&["--log", "/nonexistent/log"]);
    assert_eq!(pty.wait(), 7);
}

#[test]
fn typed_lines_come_back_in_the_next_run() {
    let server = RealServer::start();
    let state = fresh_directory();
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--name", "al", "--no-time"];
    let mut pty = Pty::start_with(&arguments, 24, &state, &[]);
    pty.wait_for_last("al@main>");
    pty.keys("from earlier\r");
    pty.wait_for("al: from earlier\nal@main>");
    pty.leave();
    let history = state.join("chat-client/history");
    assert_eq!(history.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut again = Pty::start_with(&arguments, 24, &state, &[]);
    again.wait_for_last("al@main>");
    again.keys("\x1b[A");
    again.wait_for_last("al@main> from earlier");
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    for (arguments, expected) in
        [(&["completions", "bash"][..], "complete -o nospace"), (&["man"], ".TH CHAT-CLIENT 1")]
    {
        let output = command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().contains(expected));
    }
}

#[test]
fn what_is_no_text_is_told() {
    let server = fake(b"bo: \xff\nbo: end\n");
    let pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("<a line is not UTF-8>\nbo: end\n");
}

#[test]
fn the_time_looks_as_the_user_wants() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--time", "[%Y]"]);
    pty.keys("hello\r");
    let screen = pty.wait_for("] al: hello\n");
    let line = screen.lines().find(|line| line.ends_with("] al: hello")).unwrap();
    let year = line.strip_prefix('[').unwrap().split(']').next().unwrap();
    assert!(year.parse::<u16>().is_ok(), "{line}");
    assert_eq!(command(&["--time", "%"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_log_that_is_moved_away_goes_on_in_a_new_file() {
    let folder = fresh_directory();
    std::fs::create_dir_all(&folder).unwrap();
    let (path, old) = (folder.join("log"), folder.join("log.1"));
    let mut log = LogFile::open(&path).unwrap();
    for text in ["one", "two", "three"] {
        log.add(&jiff::Zoned::now(), text);
        log.flush().unwrap();
        if text == "one" {
            std::fs::rename(&path, &old).unwrap();
        }
    }
    let texts = |path| -> Vec<String> {
        let logged = std::fs::read_to_string(path).unwrap();
        logged.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    };
    assert_eq!(
        (texts(&old), texts(&path)),
        (vec!["one".into()], vec!["two".into(), "three".into()])
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_bad_line_in_the_history_costs_no_other() {
    let server = RealServer::start();
    let state = fresh_directory();
    let folder = state.join("chat-client");
    std::fs::create_dir_all(&folder).unwrap();
    let history = folder.join("history");
    std::fs::write(&history, b"#V2\nkept\nbad \xff\n").unwrap();
    let address = server.address.to_string();
    let mut pty =
        Pty::start_with(&["--server", &address, "--name", "al", "--no-time"], 24, &state, &[]);
    pty.wait_for("history had 1 lines that were no text; they are out");
    pty.wait_for_last("al@main>");
    pty.keys("\x1b[A");
    pty.wait_for_last("al@main> kept");
    pty.keys("\x15new\r");
    pty.wait_for("al: new\nal@main>");
    assert_eq!(std::fs::read_to_string(&history).unwrap(), "#V2\nkept\nnew\n");
    assert_eq!(history.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
