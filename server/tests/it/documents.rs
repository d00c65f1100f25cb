//! The documents tell the truth: each session that they show is run, and gives what they show.
//!
//! A block marked `console` has commands after `$ `, each followed by what it prints. A block
//! marked `python` is a client that is started and talked to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use protocol::Spec;

use crate::machines::TwoMachines;
use crate::program::{Program, not_run, outside_of_cargo};
use crate::support::TestClient;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap()
}

/// The contents of all blocks of this kind.
fn blocks<'a>(document: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("\n```{kind}\n");
    let after = document.split(fence.as_str()).skip(1);
    after.map(|block| block.split("```").next().unwrap()).collect()
}

/// Each command of the document's sessions, with what it prints.
fn sessions(document: &str) -> Vec<(String, String)> {
    let commands = blocks(document, "console").into_iter().flat_map(|block| {
        block.split("$ ").skip(1).map(|session| session.split_once('\n').unwrap())
    });
    commands.map(|(command, output)| (command.to_owned(), output.to_owned())).collect()
}

fn shell(command: &str, server: &str) -> Output {
    let mut shell = Command::new("bash");
    shell.args(["-c", command]).current_dir(root()).env("CHAT_SERVER", server);
    outside_of_cargo(&mut shell).output().unwrap()
}

#[track_caller]
fn check(command: &str, expected: &str, server: &str) {
    let output = shell(command, server);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{command}\n{stderr}");
    assert!(output.status.success(), "{command}\n{stderr}");
}

/// Builds what `cargo run` would build first, which may take longer than a server of a test lives.
fn build_client() {
    let output = shell("cargo build --quiet --package chat-client", "none");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_session_of_the_readme() {
    build_client();
    let readme = read("README.md");
    let sessions = sessions(&readme);
    let [(serve, listening), (chat, _), (pipe, answers)] = &sessions[..] else {
        panic!("{sessions:?}");
    };
    // The port is another one than shown, for that may be in use.
    assert_eq!(serve, "cargo run --quiet --package chat-server");
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--quiet"]);
    let address = program.address().0.to_string();
    assert_eq!(listening.trim(), "listening on 127.0.0.1:6666");

    check(pipe, answers, &address);
    // Without a terminal the prompt is a filter too; what it looks like on one is another test.
    check(&format!("{chat} </dev/null"), "Connect Success\n", &address);
    program.stop();
}

/// The commands for two machines, on two machines.
#[test]
#[cfg(target_os = "linux")]
fn two_neighbours_talk_as_the_readme_says() {
    let readme = read("README.md");
    let shown = blocks(&readme, "sh").into_iter().find(|block| block.contains("chat-server "));
    let [serve, find, chat] = shown.unwrap().lines().collect::<Vec<_>>()[..] else {
        panic!("three lines")
    };
    let machines = match TwoMachines::new() {
        Ok(machines) => machines,
        Err(why) => return not_run(&format!("how neighbours talk in README.md: {why}")),
    };
    build_client();
    let (server, client) = (0, 1);
    let program = env!("CARGO_BIN_EXE_chat-server");
    let mut command = machines.command(server, program);
    command.args(serve.strip_prefix("chat-server ").unwrap().split(' '));
    let mut program = Program::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    assert_eq!(program.address().0.to_string(), "0.0.0.0:6666");
    let run = |line: &str| {
        let cargo = "cargo run --quiet --package chat-client --";
        let script = line.replace("chat-client", cargo);
        let mut shell = machines.command(client, "bash");
        shell.args(["-c", &script]).current_dir(root()).env_remove("CHAT_SERVER");
        let output = outside_of_cargo(&mut shell).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    // The server first looks whether its name is free.
    let found = loop {
        match run(find) {
            (Some(3), _) => {}
            (code, found) => break (code, found),
        }
    };
    let address = TwoMachines::ADDRESSES[server];
    assert_eq!(found.0, Some(0));
    assert!(found.1.ends_with(&format!(" {address}:6666\n")), "{found:?}");
    let chat = format!("echo login ann | {}", chat.replace("192.168.1.20", address));
    assert_eq!(run(&chat), (Some(0), "Connect Success\nLogin Success\n".to_owned()));
    program.stop();
}

#[test]
fn the_sessions_of_the_lab() {
    let sessions = sessions(&read("docs/lab.md"));
    assert_eq!(sessions.len(), 2);
    for (command, expected) in sessions {
        check(&command, &expected, "none");
    }
}

#[test]
fn the_python_client_of_the_lab() {
    let document = read("docs/lab.md");
    let [source] = blocks(&document, "python")[..] else { panic!("one client is shown") };
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--quiet"]);
    let address = program.address().0;
    let mut ann = TestClient::connect(address).log_in("ann");
    let python = Command::new("python3")
        .args(["-c", source])
        .env("CHAT_PORT", address.port().to_string())
        .spawn();
    let mut python = match python {
        Ok(python) => python,
        Err(error) => {
            not_run(&format!("the Python client of docs/lab.md: {error}"));
            program.stop();
            return;
        }
    };
    ann.expect("parrot has entered the room.");
    ann.send("say hello parrot\n");
    ann.expect("ann: hello parrot");
    ann.expect("parrot: ann said: hello parrot");
    drop(ann);
    program.stop();
    assert!(python.wait().unwrap().success());
}

#[test]
fn the_protocols_page_has_the_table_of_commands() {
    let page = read("docs/protocol.md");
    let rows: Vec<_> = protocol::Command::ALL
        .iter()
        .map(|command| {
            let Spec { usage, help, scope, .. } = command.spec();
            let scope = format!("{scope:?}").to_lowercase();
            format!("| `{}` | {scope} | {help} |", usage.replace('|', r"\|"))
        })
        .collect();
    let table = rows.join("\n");
    assert!(page.contains(&table), "docs/protocol.md should have:\n{table}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = root();
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    let mut documents = top.map(|document| root.join(document)).to_vec();
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        documents.push(entry.unwrap().path());
    }
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut links = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap().split('#').next().unwrap();
            if target.starts_with("http") || target.is_empty() {
                continue;
            }
            links += 1;
            let path = document.parent().unwrap().join(target);
            assert!(path.exists(), "{}: no {target}", document.display());
        }
    }
    assert!(links > 10, "only {links} links");
}

#[test]
fn every_page_is_in_the_map_and_begins_with_for_whom_it_is() {
    let map = read("docs/README.md");
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".md") {
            continue;
        }
        assert!(name == "README.md" || map.contains(&format!("]({name})")), "{name}");
        let page = read(&format!("docs/{name}"));
        let begins = page.split("\n\n").nth(1).unwrap_or_default();
        assert!(begins.starts_with("For "), "{name}: {begins}");
    }
}

#[test]
fn each_limit_is_held_by_a_test() {
    let tests = text_in(&root().join("server/tests/it"));
    let page = read("docs/operating.md");
    let table = page.split("\n| what runs out |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert!(rows.len() >= 9, "{rows:?}");
    for row in rows {
        let names = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in names.split(", ") {
            let test = format!("#[test]\nfn {}()", name.trim_matches('`'));
            let test_of_linux = test.replace("\n", "\n#[cfg(target_os = \"linux\")]\n");
            assert!(tests.contains(&test) || tests.contains(&test_of_linux), "no test {name}");
        }
    }
}

/// All that is written in the files of a folder.
fn text_in(folder: &Path) -> String {
    let text = |path: PathBuf| match path.is_dir() {
        true => text_in(&path),
        false => fs::read_to_string(path).unwrap(),
    };
    fs::read_dir(folder).unwrap().map(|entry| text(entry.unwrap().path())).collect()
}

/// The words of a text that are long options.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn the_table_of_options_has_all_of_them_with_their_defaults() {
    let document = read("docs/operating.md");
    let table: Vec<_> = document.lines().filter(|line| line.starts_with("| `--")).collect();
    let help = Program::start(&["--help"]).output();
    let help = String::from_utf8(help.stdout).unwrap();

    let mut expected = BTreeSet::new();
    let mut option = "";
    for line in help.lines().map(str::trim) {
        if let Some(start) = line.find("--").filter(|_| line.starts_with('-')) {
            option = line[start..].split([' ', '.']).next().unwrap();
            expected.insert(option.to_owned());
        }
        if let Some(default) = line.strip_prefix("[default: ") {
            let default = default.trim_end_matches(']');
            let row = table.iter().find(|row| row.starts_with(&format!("| `{option} "))).unwrap();
            assert!(row.contains(&format!(" | {default} | ")), "{option} has {default}: {row}");
        }
    }
    assert!(expected.remove("--help") && expected.remove("--version"));
    let names = table.iter().map(|row| row.split('|').nth(1).unwrap());
    assert_eq!(names.flat_map(options).collect::<BTreeSet<_>>(), expected);
}
