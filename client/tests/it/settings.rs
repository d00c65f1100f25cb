//! The user's own file, `chat-client/config.toml`.

use std::fs;
use std::path::PathBuf;

use crate::identity::Identity;
use crate::program::{Program, command};
use crate::pty::{Pty, fresh_directory};
use crate::real_server::RealServer;

/// A folder of settings, with this file.
fn config(text: &str) -> PathBuf {
    let folder = fresh_directory();
    fs::create_dir(folder.join("chat-client")).unwrap();
    fs::write(folder.join("chat-client/config.toml"), text).unwrap();
    folder
}

#[test]
fn a_prompt_goes_where_the_file_says_under_the_name_that_it_says() {
    let server = RealServer::start();
    let text = format!("name = 'ann'\nserver = 'lab'\n[servers]\nlab = '{}'\n", server.address);
    let folder = config(&text);
    let environment = [("XDG_CONFIG_HOME", folder.to_str().unwrap())];
    let mut other = server.other("bob");
    let mut pty = Pty::start_with(&[], 24, &fresh_directory(), &environment);
    other.read_to("ann has entered the room.");
    // The command line goes before it.
    let mut second = Pty::start_with(&["--name", "eve"], 24, &fresh_directory(), &environment);
    other.read_to("eve has entered the room.");
    for pty in [&mut pty, &mut second] {
        pty.keys("/quit\r");
        assert_eq!(pty.wait(), 0);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_script_knows_short_names_of_servers_and_nothing_else_of_the_file() {
    let server = RealServer::start();
    let text = format!("name = 'ann'\nserver = 'x'\n[servers]\nlab = '{}'\n", server.address);
    let folder = config(&text);
    let _ann = server.other("ann");
    let arguments = ["look", "--server", "lab", "--name", "al"];
    let done = Program::run(command(&arguments).env("XDG_CONFIG_HOME", &folder)).finish();
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "ann\nal\n"), "{}", done.stderr);
    let arguments = ["say", "--server", "lab", "hi"];
    let done = Program::run(command(&arguments).env("XDG_CONFIG_HOME", &folder)).finish();
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("who speaks?"), "{}", done.stderr);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_wrong_file_is_named_with_its_line_in_one_line() {
    let folder = config("name = 'ann'\n\nroms = 'lab'\n");
    let done = Program::run(command(&["look"]).env("XDG_CONFIG_HOME", &folder)).finish();
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    assert!(done.stderr.contains("config.toml: line 3: there is no roms"), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    // What asks for help is answered all the same.
    let done = Program::run(command(&["man"]).env("XDG_CONFIG_HOME", &folder)).finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    fs::remove_dir_all(folder).unwrap();
}

/// What a prompt shows, or the error in its place, with this file, these variables and these options.
fn shown(file: &str, variables: &[(&str, &str)], options: &[&str]) -> String {
    let folder = config(file);
    let own = [("XDG_CONFIG_HOME", folder.to_str().unwrap())];
    let mut pty = Pty::start_with(options, 24, &fresh_directory(), &[&own, variables].concat());
    // `room` leads to a prompt of its own, behind that of the login.
    let is_prompt = |line: &str| line.contains('@') && line.trim_end().ends_with('>');
    let screen = pty.wait_until("a prompt or an end", |screen| {
        screen.trim_end().lines().last().is_some_and(is_prompt) || screen.contains("chat-client: ")
    });
    pty.keys("\x04");
    pty.wait();
    fs::remove_dir_all(folder).unwrap();
    screen
}

/// Each option that has a variable, in the file, in the environment and on the command line.
#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let identity = Identity::new();
    let tls = identity.start();
    let secure = format!("localhost:{}", tls.address.port());
    let (right, wrong) = (identity.pin(), "0".repeat(64));
    let another = "has another pin";
    let plain = format!("server = '{address}'\nname = 'ann'\n");
    let encrypted = format!("server = '{secure}'\nname = 'ann'\ntls = true\n");
    for (common, key, variable, option, in_each) in [
        // Of each value, what the screen has.
        (
            "name = 'ann'\n",
            "server",
            "CHAT_SERVER",
            "--server",
            [
                ("127.0.0.1:1", " to 127.0.0.1:1:"),
                ("127.0.0.1:2", " to 127.0.0.1:2:"),
                (&*address, "ann@main>"),
            ],
        ),
        (
            &format!("server = '{address}'\n"),
            "name",
            "CHAT_NAME",
            "--name",
            [("a", "a@main>"), ("b", "b@main>"), ("c", "c@main>")],
        ),
        (
            &plain,
            "room",
            "CHAT_ROOM",
            "--room",
            [("x", "ann@x>"), ("y", "ann@y>"), ("z", "ann@z>")],
        ),
        (
            &plain,
            "password-file",
            "CHAT_PASSWORD_FILE",
            "--password-file",
            [("/x", "cannot read /x:"), ("/y", "cannot read /y:"), ("/z", "cannot read /z:")],
        ),
        (
            &encrypted,
            "ca",
            "CHAT_CA",
            "--ca",
            [("/x", "cannot use /x:"), ("/y", "cannot use /y:"), ("/z", "cannot use /z:")],
        ),
        (
            &encrypted,
            "pin",
            "CHAT_PIN",
            "--pin",
            [(&*wrong, another), (&*right, "ann@main>"), ("abc", "64 hexadecimal")],
        ),
    ] {
        let [(file, from_file), (environment, from_environment), (line, from_line)] = in_each;
        let text = format!("{key} = '{file}'\n{common}");
        let (given, options) = ([(variable, environment)], [option, line]);
        for (variables, options, expected) in [
            (&[][..], &[][..], from_file),
            (&given, &[], from_environment),
            (&given, &options, from_line),
            (&[], &options, from_line),
        ] {
            let screen = shown(&text, variables, options);
            assert!(screen.contains(expected), "{key} {variables:?} {options:?}: {screen}");
        }
    }
    // A switch has no value on the command line, and a variable can switch it off.
    let text = format!("{plain}tls = true\n");
    assert!(shown(&text, &[], &[]).contains("speaks no TLS"));
    assert!(shown(&text, &[("CHAT_TLS", "0")], &[]).contains("ann@main>"));
    assert!(shown(&text, &[("CHAT_TLS", "0")], &["--tls"]).contains("speaks no TLS"));
}
