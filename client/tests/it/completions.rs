//! What a shell offers: rooms and users where a name is meant, and never the names of files.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::identity::Identity;
use crate::program::{command, not_run};
use crate::pty::fresh_directory;
use crate::real_server::RealServer;

/// What bash is told when it asks for the last of these words.
#[track_caller]
fn offered(server: &str, words: &[&str]) -> Vec<String> {
    offered_with(&[("CHAT_SERVER", server)], words)
}

/// The same in another environment.
#[track_caller]
fn offered_with(environment: &[(&str, &str)], words: &[&str]) -> Vec<String> {
    let directory = fresh_directory();
    fs::write(directory.join("bobsled"), "").unwrap();
    let output = command(&[&["--", "chat-client"], words].concat())
        .current_dir(&directory)
        .env("CHAT_CLIENT_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    fs::remove_dir_all(&directory).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn users_and_rooms_are_offered_where_a_name_is_meant() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut poe = server.other("poe");
    poe.send("join den\nping x\n");
    poe.read_to("pong x");
    let address = server.address.to_string();
    assert_eq!(offered(&address, &["say", "--to", "b"]), ["bob"]);
    assert_eq!(offered(&address, &["follow", "--from", ""]), ["bob"]);
    assert_eq!(offered(&address, &["kick", "--room", "den", "p"]), ["poe"]);
    assert_eq!(offered(&address, &["look", "--room", ""]), ["den", "main"]);
    assert_eq!(offered("127.0.0.1:1", &["look", "--server", &address, "-r", "d"]), ["den"]);
    for words in [
        &["say", "--name", "b"][..],
        &["say", "b"],
        &["wait", "--match", "b"],
        &["follow", "--count", "b"],
    ] {
        assert_eq!(offered(&address, words), [""; 0], "{words:?}");
    }
    assert_eq!(offered(&address, &["fol"]), ["follow"]);
    // Nobody has seen that somebody asked.
    bob.read_to("poe has left the room.");
    bob.send("ping x\n");
    assert_eq!(bob.read_to("pong x"), [""; 0]);
}

#[test]
fn a_server_is_asked_as_a_command_would_ask_it() {
    let identity = Identity::new();
    let server = identity.start();
    let address = format!("localhost:{}", server.address.port());
    let config = fresh_directory();
    fs::create_dir(config.join("chat-client")).unwrap();
    let file = format!("[servers]\nlab = '{address}'\nlibrary = 'x'\n");
    fs::write(config.join("chat-client/config.toml"), file).unwrap();
    let own = ("XDG_CONFIG_HOME", config.to_str().unwrap());
    let pin = identity.pin();
    let by_variables = [own, ("CHAT_SERVER", "lab"), ("CHAT_TLS", "1"), ("CHAT_PIN", &*pin)];
    assert_eq!(offered_with(&by_variables, &["look", "--room", ""]), ["main"]);
    let by_words = ["look", "-s", "lab", "--tls", "--pin", &pin, "--room", "m"];
    assert_eq!(offered_with(&[own], &by_words), ["main"]);
    // Whom nobody trusts is not asked.
    let words = ["look", "--server", "lab", "--tls", "--room", ""];
    assert_eq!(offered_with(&[own], &words), [""; 0]);
    assert_eq!(offered_with(&[own], &["say", "--server", "l"]), ["lab", "library"]);
    fs::remove_dir_all(config).unwrap();
}

#[test]
fn without_a_server_nothing_is_offered_soon_and_without_a_word() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    for server in ["127.0.0.1:1", &silent] {
        let begun = Instant::now();
        assert_eq!(offered(server, &["say", "--to", "b"]), [""; 0]);
        assert!(begun.elapsed() < Duration::from_secs(8));
    }
}

#[test]
fn shells_understand_their_part() {
    for shell in ["bash", "zsh", "fish"] {
        let script = command(&["completions", shell]).output().unwrap().stdout;
        let path = fresh_directory().join("completions");
        fs::write(&path, script).unwrap();
        match Command::new(shell).arg("-n").arg(&path).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(_) => not_run(&format!("the completions for {shell}: it is not here")),
        }
    }
}

#[test]
fn bash_completes_the_options_of_a_subcommand() {
    let completions = command(&["completions", "bash"]).output().unwrap().stdout;
    let completions = String::from_utf8(completions).unwrap();
    for (words, expected) in
        [("say --to", "--to"), ("lan 7777 --b", "--broadcast"), ("w", "who wait")]
    {
        let complete = r#"
            COMP_WORDS=(chat-client $1)
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            $(complete -p chat-client | sed 's/.*-F \([^ ]*\) .*/\1/') \
                chat-client "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[@]}""#;
        let script = format!("{completions}{complete}");
        // The shell asks the program, which it finds as any other.
        let programs = Path::new(env!("CARGO_BIN_EXE_chat-client")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut bash = Command::new("bash");
        bash.args(["-c", &script, "bash", words]).env("PATH", path);
        let completed = bash.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&completed.stdout).trim(), expected, "{completed:?}");
    }
}
