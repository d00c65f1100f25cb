//! TLS: whom the program trusts, and what it says when it does not.

use std::fs;

use chat_server::secrets;
use rcgen::date_time_ymd;

use crate::identity::Identity;
use crate::program::{Finished, Program, command};
use crate::pty::{Pty, fresh_directory};
use crate::real_server::RealServer;

pub fn at(server: &RealServer) -> String {
    format!("localhost:{}", server.address.port())
}

pub fn run(arguments: &[&str]) -> Finished {
    Program::start(arguments).finish()
}

#[track_caller]
pub fn check(outcome: &Finished, code: i32, stderr: &str) {
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
    assert!(outcome.stderr.contains(stderr), "{outcome:?}");
    assert!(outcome.stderr.lines().count() <= 1, "{outcome:?}");
}

#[test]
fn every_way_to_use_the_program_goes_over_tls() {
    let identity = Identity::new();
    let server = identity.start();
    let (address, pin) = (at(&server), identity.pin());
    let run = |arguments: &[&str]| {
        let mut command = command(arguments);
        let set = [("CHAT_TLS", "1"), ("CHAT_PIN", &pin), ("CHAT_SERVER", &address)];
        Program::run(command.envs(set).env("CHAT_NAME", "al")).finish()
    };
    check(&run(&["say", "hi"]), 0, "");
    check(&run(&["me", "waves"]), 0, "");
    check(&run(&["topic", "cats"]), 0, "");
    for (task, expected) in [
        (&["look"][..], "al\n"),
        (&["rooms"], "main"),
        (&["topic"], "cats"),
        (&["history"], "al: hi\n"),
        (&["follow", "--history", "99", "--count", "1", "--match", "^al: hi$"], "al: hi\n"),
        (&["wait", "--history", "99", "--match", "waves"], "* al waves\n"),
    ] {
        let outcome = run(task);
        check(&outcome, 0, "");
        assert!(outcome.stdout.contains(expected), "{task:?} {outcome:?}");
    }
    // A bot's program finds the same server in the same way.
    let program = env!("CARGO_BIN_EXE_chat-client");
    let script = format!("'{program}' look --name other");
    check(&run(&["bot", "--name", "robo", "sh", "-c", &script]), 0, "");
    assert!(run(&["history"]).stdout.contains("robo: other\n"));
}

#[test]
fn a_secret_goes_over_tls() {
    let identity = Identity::new();
    let (secret, hash) = secrets::make().unwrap();
    let (users, password) = (identity.file("users"), identity.file("password"));
    fs::write(&users, format!("al:{hash}\n")).unwrap();
    fs::write(&password, secret).unwrap();
    let server = identity.start_with(|config| config.users = Some(users));
    let (address, pin) = (at(&server), identity.pin());
    let to = ["--server", &address, "--name", "al", "--tls", "--pin", &pin];
    let say = [&["say"][..], &to, &["hi"]].concat();
    check(&run(&say), 8, "login refused: Password Required; give --password-file FILE");
    let with = ["--password-file", password.to_str().unwrap()];
    check(&run(&[&say[..], &with].concat()), 0, "");
    let mut program = Program::start(&[&to[..], &with].concat());
    program.send(b"look\n");
    let outcome = program.finish();
    check(&outcome, 0, "");
    assert!(outcome.stdout.ends_with("Login Success\nOnline Users:\nal\n"), "{outcome:?}");
    let mut pty = Pty::start(&to);
    pty.wait_for_last("password of al:");
    pty.keys(&format!("{}\r", fs::read_to_string(&password).unwrap()));
    pty.wait_for_last("al@main>");
    pty.leave();
}

#[test]
fn whom_to_trust_decides_the_user() {
    let (right, other) = (Identity::new(), Identity::new());
    let old = Identity::with(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = Identity::with(|params| params.not_before = date_time_ymd(4000, 1, 1));
    let (server, old_server) = (right.start(), old.start());
    let early_server = early.start();
    let (address, old_address, early_address) = (at(&server), at(&old_server), at(&early_server));
    let number = server.address.to_string();
    let openssl = right.pin().to_uppercase();
    let openssl: Vec<_> = (0..64).step_by(2).map(|at| &openssl[at..at + 2]).collect();
    let unknown = format!(
        "chat-client: nobody trusted vouches for the server's certificate, whose pin is {}; ask who \
         runs the server for its pin, and if it is this one give it with --pin; or give its \
         authority with --ca\n",
        right.pin()
    );
    let another = format!("has another pin: {}; ask who runs the server", right.pin());
    for (server, trust, code, expected) in [
        (&address, &["--ca", &right.ca()][..], 0, ""),
        (&address, &["--pin", &right.pin()], 0, ""),
        (&address, &["--pin", &openssl.join(":")], 0, ""),
        // A pin holds under any name, and for ever.
        (&number, &["--pin", &right.pin()], 0, ""),
        (&old_address, &["--pin", &old.pin()], 0, ""),
        (&address, &["--ca", &other.ca()], 3, &unknown),
        (&address, &[], 3, &unknown),
        (&address, &["--pin", &other.pin()], 3, &another),
        (
            &number,
            &["--ca", &right.ca()],
            3,
            "certificate is for localhost; give --server the name",
        ),
        (&old_address, &["--ca", &old.ca()], 3, "certificate has expired; who runs the server"),
        (&early_address, &["--ca", &early.ca()], 3, "is not valid yet; is the clock of this"),
        (&address, &["--ca", "/none"], 7, "cannot use /none: "),
        (&address, &["--pin", "abc"], 2, "a pin has 64 hexadecimal digits"),
        (&address, &["--pin", &right.pin(), "--ca", &right.ca()], 2, "cannot be used together"),
    ] {
        let arguments = [&["look", "--server", server, "--tls"], trust].concat();
        check(&run(&arguments), code, expected);
    }
    // Nothing goes over the network in the open because one word was forgotten.
    let arguments = ["look", "--server", &address, "--pin", &right.pin()];
    check(&run(&arguments), 2, "--ca and --pin are for TLS; give --tls, or set CHAT_TLS=1");
}

/// The name in a certificate has to be that of the server that is tried, and of no other in the list.
#[test]
fn each_of_several_servers_has_to_prove_its_own_name() {
    let identity = Identity::new();
    let (first, second) = (identity.start(), identity.start());
    let trust = ["--name", "al", "--tls", "--ca", &identity.ca()];
    let look = |list: &str| run(&[&["look", "--server", list], &trust[..]].concat());
    let list = format!("{},{}", first.address, at(&second));
    let outcome = look(&list);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "al\n"), "{outcome:?}");
    let list = format!("{},{}", first.address, second.address);
    let told = format!(
        "none of 2 servers lets you in: the server's certificate is for localhost ({}, {}); give \
         --server the name",
        first.address, second.address
    );
    check(&look(&list), 3, &told);
}

/// Anybody can show a certificate, but only its owner has its key.
#[test]
fn the_right_pin_with_another_key_is_not_trusted() {
    let (identity, thief) = (Identity::new(), Identity::new());
    for trust in [["--pin", &identity.pin()], ["--ca", &identity.ca()]] {
        let (address, serving) = identity.fake(&thief.key, |_| ());
        let arguments = [&["look", "--server", &address, "--tls"][..], &trust].concat();
        let outcome = run(&arguments);
        check(
            &outcome,
            3,
            "does not have the key of the certificate that it shows; somebody is in",
        );
        assert_eq!(serving.join().unwrap(), None, "the handshake went on");
    }
}

#[test]
fn the_other_kind_of_port_is_told_in_a_line() {
    let identity = Identity::new();
    let server = identity.start();
    let outcome = run(&["look", "--server", &at(&server)]);
    check(&outcome, 3, "this port speaks TLS; connect with chat-client --tls");
    let classic = server.classic.to_string();
    let outcome = run(&["look", "--server", &classic, "--tls", "--pin", &identity.pin()]);
    check(&outcome, 3, "what answers speaks no TLS; check the port; without TLS, leave --tls away");
}

#[test]
fn a_full_server_says_so_before_the_handshake() {
    let identity = Identity::new();
    let server = identity.start_with(|config| config.max_clients = 1);
    let first = ["--server", &at(&server), "--name", "al", "--tls", "--pin", &identity.pin()];
    let mut first = Program::start(&first);
    first.read_to("Login Success\n");
    let outcome = run(&["look", "--server", &at(&server), "--tls", "--pin", &identity.pin()]);
    check(&outcome, 3, "Server Full; try again later");
    check(&first.finish(), 0, "");
}

/// The server closes as soon as it is told that nothing follows, which may be before the client has shut
/// its side of the socket too.
#[test]
fn the_end_of_stdin_is_no_loss_however_soon_the_server_closes() {
    let identity = Identity::new();
    let server = identity.start();
    std::thread::scope(|scope| {
        for name in ["al", "bo", "cy"] {
            let arguments =
                ["--server", &at(&server), "--name", name, "--tls", "--pin", &identity.pin()]
                    .map(str::to_owned);
            scope.spawn(move || {
                for _ in 0..10 {
                    let mut client = Program::start(&arguments.each_ref().map(String::as_str));
                    client.read_to("Login Success\n");
                    check(&client.finish(), 0, "");
                }
            });
        }
    });
}

#[test]
fn the_prompt_comes_back_over_tls() {
    let identity = Identity::new();
    let server = identity.start();
    let address = server.address;
    let server_name = at(&server);
    let arguments =
        ["--server", &server_name, "--name", "al", "--no-time", "--tls", "--pin", &identity.pin()];
    let mut pty = Pty::start_with(&arguments, 80, &fresh_directory(), &[]);
    pty.wait_for_last("al@main>");
    pty.keys("hello\r");
    pty.wait_for("al: hello\n");
    drop(server);
    pty.wait_for("connection lost");
    let server = identity.serve(address);
    pty.wait_for("connected again");
    pty.keys("hello again\r");
    pty.wait_for("al: hello again\n");
    pty.leave();
    drop(server);
}
