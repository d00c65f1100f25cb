//! The handout's pages: the same in both languages, and each of their commands run.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::{outside_of_cargo, programs, root, until_tried};

/// The pages of the handout in one language, by name.
fn pages(language: &str) -> Vec<(String, String)> {
    let folder = root().join("docs/lab").join(language);
    let names: BTreeSet<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let page = |name: std::ffi::OsString| {
        let text = fs::read_to_string(folder.join(&name)).unwrap();
        (name.into_string().unwrap(), text)
    };
    names.into_iter().map(page).collect()
}

/// The lines of all blocks of this kind.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("\n```{kind}\n");
    page.split(fence.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

#[test]
fn both_languages_have_the_same_steps_and_commands() {
    let (english, chinese) = (pages("en"), pages("zh"));
    assert_eq!(english.len(), 8);
    for ((name, en), (other, zh)) in english.iter().zip(&chinese) {
        assert_eq!(name, other);
        assert_eq!(blocks(en, "sh"), blocks(zh, "sh"), "{name}");
        assert!(!blocks(en, "sh").is_empty(), "{name} has no command");
    }
    assert_eq!(english.len(), chinese.len());
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    let folder = root().join("docs/lab");
    let teacher = ("teacher.md".to_owned(), fs::read_to_string(folder.join("teacher.md")).unwrap());
    let mut links = 0;
    let all = [("en", pages("en")), ("zh", pages("zh")), ("", vec![teacher])];
    for (language, pages) in all {
        for (name, page) in pages {
            for link in page.split("](").skip(1) {
                let target = link.split([')', '#']).next().unwrap();
                links += 1;
                let exists = folder.join(language).join(target).exists();
                assert!(exists || target.starts_with("https://"), "{language}/{name}: no {target}");
            }
        }
    }
    assert!(links >= 30, "only {links} links");
}

/// A port that nobody else is given until this is dropped. Who names it can listen there all the same, as both
/// ask for that and this one does not listen (socket(7), `SO_REUSEADDR`).
fn hold_port() -> Socket {
    let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    held.set_reuse_address(true).unwrap();
    held.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    held
}

/// Runs a command of the handout for a student who has solved everything. Gives what it prints.
#[track_caller]
fn run(command: &str, my: &Path) -> String {
    let my = my.to_str().unwrap();
    let mut command = command
        .replace("lab/python my", &format!("lab/python {my}/again"))
        .replace(" my/", &format!(" {my}/"))
        .replace("target/debug", programs().to_str().unwrap());
    let held = ["7777", "7778", "8080"].map(|word| (word, hold_port()));
    let number = |port: &Socket| port.local_addr().unwrap().as_socket().unwrap().port().to_string();
    let first = held.iter().find(|(word, _)| command.contains(word));
    // In two steps, for one port may have the digits of another.
    for (word, _) in &held {
        command = command.replace(word, &format!("<{word}>"));
    }
    for (word, port) in &held {
        command = command.replace(&format!("<{word}>"), &number(port));
    }
    if let Some((_, port)) = first {
        // A student looks at the page meanwhile, or waits for the server; that it comes up is enough here.
        let is_up = format!("(: >/dev/tcp/127.0.0.1/{}) 2>/dev/null", number(port));
        let waits = format!("for try in {{1..600}}; do {is_up} && break; sleep 0.1; done");
        command = command.replace("sleep 600", &waits).replace("sleep 1;", &format!("{waits};"));
    }
    let mut bash = outside_of_cargo("bash");
    bash.args(["-c", &command]).env("CHAT_PROGRAMS", programs());
    let output = until_tried(&mut bash);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{text}\n{errors}");
    text
}

#[test]
fn every_command_of_the_handout_works() {
    let my = TempDir::new().unwrap();
    for file in ["server.py", "client.py"] {
        let solution = root().join("lab/solutions/python").join(file);
        fs::copy(solution, my.path().join(file)).unwrap();
    }
    let pages = pages("en");
    let page = |name: &str| &pages.iter().find(|(file, _)| file == name).unwrap().1;
    let session = format!("{}\n", blocks(page("0-see-it.md"), "text")[1]);
    for (name, page) in &pages {
        for command in blocks(page, "sh").into_iter().flat_map(str::lines) {
            let printed = run(command, my.path());
            match &**name {
                "0-see-it.md" if command.contains("/dev/tcp") => assert_eq!(printed, session),
                "1-client.md" if !command.contains("chat-check") => assert_eq!(printed, session),
                "2-bad-days.md" => assert!(printed.contains("ann: 你好\n"), "{printed}"),
                "6-neighbour.md" => assert!(printed.ends_with(&session), "{printed}"),
                _ if command.contains("chat-check --") => {
                    assert!(printed.contains(" 0 failed"), "{command}\n{printed}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_command_of_the_teachers_page_works() {
    let page = fs::read_to_string(root().join("docs/lab/teacher.md")).unwrap();
    let commands = blocks(&page, "sh");
    assert!(!commands.is_empty());
    for command in commands {
        run(command, Path::new("."));
    }
}
