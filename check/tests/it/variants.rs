//! Variants: who follows the page of one passes, and a solution for another protocol does not.

use std::process::{Command, Output, Stdio};
use std::thread;

use chat_check::variant::Variant;
use tempfile::TempDir;

use crate::tried::until_tried;

/// A server in Python that speaks the protocol itself.
const RIGHT: &str = include_str!("../python/right.py");

/// The same server, in the words of a variant and with its limit, which are taken from its page.
fn in_words_of(variant: &Variant) -> String {
    let mut server = RIGHT.to_owned();
    for (word, own) in variant.pairs() {
        // Commands stand alone in quotation marks; nothing else of the program is one.
        let is_command = word.chars().all(char::is_lowercase) && !word.starts_with(' ');
        let quoted = if is_command { format!("\"{word}\"") } else { word.to_owned() };
        assert!(server.contains(&quoted), "{quoted}");
        let own = if is_command { format!("\"{own}\"") } else { own.to_owned() };
        server = server.replace(&quoted, &own);
    }
    let page = variant.page();
    let row = page.lines().find(|line| line.starts_with("| the length of a line")).unwrap();
    let limit = row.split(" | ").nth(1).unwrap();
    assert!(server.contains("= 4096,"));
    server.replace("= 4096,", &format!("= {limit},"))
}

fn chat_check(seed: &str, server: &str, more: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("server.py");
    std::fs::write(&path, server).unwrap();
    until_tried(|| {
        Command::new(env!("CARGO_BIN_EXE_chat-check"))
            .args(["server", "--variant", seed])
            .args(more)
            .args(["--", "python3"])
            .arg(&path)
            .arg("{port}")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    })
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_server_in_the_words_of_the_page_passes_up_to_level_5() {
    thread::scope(|scope| {
        let passes = |seed: u64, level: &str| {
            let server = in_words_of(&Variant::new(seed));
            let output = chat_check(&seed.to_string(), &server, &["--level", level]);
            assert_eq!(output.status.code(), Some(0), "{seed}: {}", text(&output));
        };
        scope.spawn(move || passes(7, "5"));
        [8, 9, 10].into_iter().for_each(|seed| passes(seed, "2"));
    });
}

#[test]
fn the_solution_of_last_year_does_not_pass() {
    let output = chat_check("7", RIGHT, &["--level", "3"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("\n0 passed, "), "{said}");
    // Nor does one with the words of another year.
    let output = chat_check("7", &in_words_of(&Variant::new(8)), &["--level", "3"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
}

#[test]
fn a_failure_speaks_in_the_words_of_the_variant() {
    let variant = Variant::new(7);
    let own = |word: &str| variant.pairs().find(|(other, _)| *other == word).unwrap().1;
    let taken = format!("self.tell(\"{}\")", own("UserName Exist"));
    let server = in_words_of(&variant);
    assert!(server.contains(&taken));
    let output = chat_check("7", &server.replace(&taken, "pass"), &["--only", "login-taken"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("> {} ann", own("login"))), "{said}");
    assert!(said.contains(&format!("expected eve < {}", own("UserName Exist"))), "{said}");
    assert!(said.contains(&format!("is answered by `{}`", own("UserName Exist"))), "{said}");
    assert!(said.contains("chat-check --variant 7, requests"), "{said}");
}

#[test]
fn the_program_prints_the_page() {
    let program = env!("CARGO_BIN_EXE_chat-check");
    let output = Command::new(program).args(["--variant", "7"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), Variant::new(7).page());
    let wrong: [&[&str]; 3] = [
        &["server", "--variant", "7", "--level", "6", "127.0.0.1:1"],
        &["server", "--variant", "7", "--classic", "127.0.0.1:1"],
        &["--variant", "seven"],
    ];
    for arguments in wrong {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
