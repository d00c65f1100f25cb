//! The lab holds what it promises: starters and solutions pass their levels, and every command of
//! the handout does what the handout says, in both languages.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Once;

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

/// The folder of the programs of the whole workspace, which are built when they are first needed.
fn programs() -> &'static Path {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        // When all tests are run, these are built already. Fewer packages would be built anew, with fewer
        // features of their dependencies.
        let mut cargo = outside_of_cargo(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace", "--bins", "--examples"]);
        assert!(cargo.status().unwrap().success());
    });
    Path::new(env!("CARGO_BIN_EXE_solved-server")).parent().unwrap()
}

/// A command that is run where the project is, and is not told what cargo tells this test of its crate. The
/// script that builds `ring` looks at that, so another cargo would build `ring` anew, and all that uses it.
fn outside_of_cargo(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.current_dir(root());
    command
}

fn check(arguments: &[&str]) -> Output {
    let programs = programs();
    let arguments = arguments.iter().map(|word| word.replace("BIN", programs.to_str().unwrap()));
    let mut checker = outside_of_cargo(programs.join("chat-check"));
    checker.args(arguments);
    until_tried(&mut checker)
}

/// Runs what checks a server, until there was time to try everything: the checker's minute counts also while
/// others have the processors.
fn until_tried(command: &mut Command) -> Output {
    const TRIES: usize = 5;
    let mut output = command.output().unwrap();
    for _ in 1..TRIES {
        if !String::from_utf8_lossy(&output.stdout).contains(" s are over") {
            break;
        }
        output = command.output().unwrap();
    }
    output
}

#[track_caller]
fn passes(arguments: &[&str]) {
    let output = check(arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(" 0 failed"), "{text}");
}

#[test]
fn starters_run_and_pass_level_0() {
    passes(&["server", "--level", "0", "--", "python3", "lab/python/server.py", "{port}"]);
    passes(&["server", "--level", "0", "--", "BIN/my-server", "{port}"]);
    let server = outside_of_cargo(root().join("scripts/with-server"))
        .env("CHAT_PROGRAMS", programs())
        .args(["-q", "--", "bash", "-c"])
        .arg("python3 lab/python/client.py $CHAT_PORT && cargo run -q -p my-chat --bin my-client $CHAT_PORT")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&server.stdout), "Connect Success\n\n".repeat(2));
}

#[test]
fn the_simplest_server_passes_level_4_and_is_stopped_by_a_reader_that_stalls() {
    let simple = ["--", "BIN/examples/simple", "--listen", "127.0.0.1:{port}"];
    passes(&[&["server", "--level", "4"], &simple[..]].concat());
    let stall = ["server", "--only", "a-reader-that-stalls-stops-nobody"];
    assert_eq!(check(&[&stall, &simple[..]].concat()).status.code(), Some(1));
}

#[test]
fn the_solution_in_python_passes_level_5() {
    passes(&[
        "server",
        "--level",
        "5",
        "--",
        "python3",
        "lab/solutions/python/server.py",
        "{port}",
    ]);
}

#[test]
fn the_solution_in_rust_passes_level_5() {
    passes(&["server", "--level", "5", "--", "BIN/solved-server", "{port}"]);
}

#[test]
fn the_clients_pass() {
    passes(&["client", "--raw", "--", "python3", "lab/solutions/python/client.py", "{port}"]);
    passes(&["client", "--raw", "--", "BIN/solved-client", "{port}"]);
    passes(&["client", "--raw", "--", "BIN/examples/simple_client", "127.0.0.1:{port}"]);
    let own = ["BIN/chat-client", "--server", "{host}:{port}"];
    passes(&[&["client", "--raw", "--"], &own[..]].concat());
    passes(&[&["client", "--raw", "--"], &own[..], &["--name", "{name}"]].concat());
}

#[test]
fn the_simplest_programs_are_short() {
    for (file, most) in
        [("server/examples/simple.rs", 200), ("client/examples/simple_client.rs", 100)]
    {
        let lines = fs::read_to_string(root().join(file)).unwrap().lines().count();
        assert!(lines <= most, "{file} has {lines} lines");
    }
}

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

#[test]
fn a_class_is_graded_and_nothing_that_it_started_goes_on() {
    let class = TempDir::new().unwrap();
    let folder = |name: &str, file: &str, text: &str| {
        let folder = class.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), text).unwrap();
    };
    let solution = fs::read_to_string(root().join("lab/solutions/python/server.py")).unwrap();
    let starter = fs::read_to_string(root().join("lab/python/server.py")).unwrap();
    let left = class.path().join("left");
    folder("right", "server.py", &solution);
    folder("begun", "server.py", &starter);
    folder("command", "command", &format!("{}/solved-server {{port}}", programs().display()));
    let left_by = left.display();
    let stays = format!(
        "setsid sh -c 'echo $$ >{left_by}; exec sleep 600' & until [ -s {left_by} ]; do sleep 0.05; done; exit 1"
    );
    folder("stays", "run.sh", &stays);
    folder("stays", "command", "bash run.sh {port}");
    let (table, report) = (class.path().join("table.csv"), class.path().join("report.xml"));
    let output = outside_of_cargo(root().join("scripts/grade"))
        .arg(class.path())
        .args(["--level", "1", "--seconds", "120", "--checker"])
        .arg(programs().join("chat-check"))
        .arg("--csv")
        .arg(&table)
        .arg("--junit")
        .arg(&report)
        .output()
        .unwrap();
    let text = fs::read_to_string(table).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), text);
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    // What needs classic framing was not tried, and is no check that passed.
    assert!(row("right,").starts_with("right,passed,1,11,0,"), "{text}");
    assert!(row("command,").starts_with("command,passed,1,"), "{text}");
    assert!(row("begun,").starts_with("begun,failed,0,"), "{text}");
    assert!(row("begun,").ends_with(",login"), "{text}");
    assert!(!row("stays,").contains("passed"), "{text}");
    let report = fs::read_to_string(report).unwrap();
    assert_eq!(report.matches("<testsuite ").count(), 4);
    let process = fs::read_to_string(left).unwrap();
    // One that has ended and that nobody has waited for yet has no command line any more.
    let command = Path::new("/proc").join(process.trim()).join("cmdline");
    assert_eq!(fs::read_to_string(command).unwrap_or_default(), "", "it goes on");
}
