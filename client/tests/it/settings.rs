//! The user's own file, `chat-client/config.toml`.

use std::fs;
use std::path::PathBuf;

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
