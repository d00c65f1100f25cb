//! The recipes of `docs/scripting.md`, each run as it stands there. A function for each, in the
//! order of the page: so this file is as long as there are recipes.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::program::{SPAWNING, not_run};
use crate::pty::fresh_directory;
use crate::real_server::{Other, RealServer};

const PAGE: &str = include_str!("../../../docs/scripting.md");

/// The headings and blocks of the recipes.
fn recipes() -> Vec<(&'static str, &'static str)> {
    let recipes = PAGE.split("\n## Recipes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let recipes = recipes.split("\n### ").skip(1).map(|recipe| {
        let (heading, rest) = recipe.split_once('\n').unwrap();
        let block = rest.split("```").nth(1).unwrap();
        (heading, block.split_once('\n').unwrap().1)
    });
    recipes.collect()
}

/// A place to try a recipe: a server with somebody in it, and a directory.
struct Kitchen {
    server: RealServer,
    bob: Other,
    directory: PathBuf,
}

impl Kitchen {
    fn new() -> Self {
        let server = RealServer::start();
        let bob = server.other("bob");
        Self { server, bob, directory: fresh_directory() }
    }

    fn shell(&self, script: &str) -> Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_chat-client")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .current_dir(&self.directory)
            .envs([("PATH", path), ("CHAT_SERVER", self.server.address.to_string())])
            .env("CHAT_NAME", "al")
            .env_remove("CHAT_ROOM")
            .process_group(0);
        shell
    }

    /// Runs a recipe to its end, and gives what it printed.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let guard = SPAWNING.lock();
        let shell = self.shell(script).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        drop(guard);
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{script}\n{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a recipe that goes on.
    fn start(&self, script: &str) -> Running {
        let _guard = SPAWNING.lock();
        Running(self.shell(script).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // By another process: a file that this one has written may still be open, for a moment, in what
        // another test starts just then, and so it could not be run (execve(2), ETXTBSY).
        let mut shell = Command::new("sh");
        shell.args(["-c", "cat >\"$0\" && chmod 755 \"$0\""]).arg(path).stdin(Stdio::piped());
        let mut writer = shell.spawn().unwrap();
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
    }
}

impl Drop for Kitchen {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A recipe and all that it started.
struct Running(Child);

impl Running {
    fn output(mut self) -> String {
        let mut output = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.0.id().try_into().unwrap()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        not_run(&format!("a recipe of docs/scripting.md: it needs {program}"));
    }
    found.status.success()
}

#[test]
fn each_recipe_does_what_it_says() {
    for (heading, recipe) in recipes() {
        let cook = match heading {
            "Say that the build broke" => build_broke,
            "Deploy when somebody says so" => deploy,
            "Have the room read a log" => log,
            "Say what a program printed" => print,
            "Wait for what another command leads to" => wait_for_another,
            "Ask a bot" => ask_a_bot,
            "Say it once, whatever happens" => say_once,
            "From cron" => cron,
            "From CI" => ci,
            "A git hook" => git_hook,
            "Who talks most?" => who_talks_most,
            "Many workers at once" => workers,
            "Many workers, with GNU parallel" => parallel_workers,
            "A bot" => bot,
            other => panic!("no test runs the recipe {other:?}"),
        };
        cook(&mut Kitchen::new(), recipe);
    }
    assert_eq!(recipes().len(), 14);
}

fn build_broke(kitchen: &mut Kitchen, recipe: &str) {
    kitchen.write("Makefile", "all:\n\tfalse\n");
    let told =
        kitchen.run(&format!("exec 2>/dev/null; {} || echo still broken", recipe.trim_end()));
    assert!(told.ends_with("still broken\n"), "{told}");
    kitchen.bob.read_to("al: build broke");
}

fn deploy(kitchen: &mut Kitchen, recipe: &str) {
    kitchen.write("deploy", "#!/bin/sh\necho deployed\n");
    let mut alice = kitchen.server.other("alice");
    let running = kitchen.start(recipe);
    alice.read_to("al has entered the room.");
    alice.send("say gone?\nsay go\n");
    assert_eq!(running.output(), "alice: go\ndeployed\n");
}

fn log(kitchen: &mut Kitchen, recipe: &str) {
    kitchen.write("app.log", "started\n");
    let _running = kitchen.start(recipe);
    kitchen.bob.read_to("al has entered the room.");
    let mut log = OpenOptions::new().append(true).open(kitchen.directory.join("app.log")).unwrap();
    // Nothing tells when `tail` has found the end. So it is written again and again.
    let (done, is_done) = channel::<()>();
    let writer = thread::spawn(move || {
        while is_done.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            log.write_all(b"a warning\n").unwrap();
        }
    });
    assert_eq!(kitchen.bob.line(), "al: a warning");
    drop(done);
    writer.join().unwrap();
}

fn print(kitchen: &mut Kitchen, recipe: &str) {
    kitchen.write("Makefile", "all:\n\t@printf '\\033[31mx.c:1:\\033[0m wrong\\n    int x\\n'\n");
    kitchen.run(recipe);
    kitchen.bob.read_to("al: x.c:1: wrong");
    assert_eq!(kitchen.bob.line(), "al: \u{a0}\u{a0}\u{a0}\u{a0}int x");
}

fn wait_for_another(kitchen: &mut Kitchen, recipe: &str) {
    let mut tester = kitchen.server.other("tester");
    let running = kitchen.start(recipe);
    tester.read_to("al: please test");
    tester.send("say passed all\n");
    assert_eq!(running.output(), "tester: passed all\n");
}

fn ask_a_bot(kitchen: &mut Kitchen, recipe: &str) {
    let mut dice = kitchen.server.other("dice");
    let running = kitchen.start(recipe);
    dice.read_to("al: !roll 2d6");
    dice.send("say 7\n");
    assert_eq!(running.output(), "dice: 7\n");
}

fn say_once(kitchen: &mut Kitchen, recipe: &str) {
    kitchen.run(recipe);
    kitchen.run(recipe);
    kitchen.bob.send("ping end\n");
    let lines = kitchen.bob.read_to("pong end");
    let said = lines.iter().filter(|line| *line == "al: build broke (build-42)").count();
    assert_eq!(said, 1, "{lines:?}");
    // It ends where no time helps.
    kitchen.run(&format!("exec 2>/dev/null; CHAT_NAME='a b'; {recipe}"));
}

fn cron(kitchen: &mut Kitchen, recipe: &str) {
    let mut fields = recipe.trim().splitn(6, ' ');
    let times: Vec<_> = fields.by_ref().take(5).collect();
    assert_eq!(times, ["55", "8", "*", "*", "1-5"]);
    kitchen.run(fields.next().unwrap());
    kitchen.bob.read_to("cron: stand-up in five minutes");
}

fn ci(kitchen: &mut Kitchen, recipe: &str) {
    let commands: Vec<_> = recipe.lines().filter_map(|line| line.strip_prefix("  - ")).collect();
    assert_eq!(commands.len(), 1);
    let job = "CI_JOB_ID=7 CI_COMMIT_REF_NAME=main CI_JOB_STATUS=failed CI_JOB_URL=https://ci/1";
    kitchen.run(&format!("export {job}; {}", commands[0]));
    kitchen.bob.read_to("ci-7: main failed https://ci/1");
    kitchen.run(&format!("exec 2>/dev/null; CHAT_SERVER=127.0.0.1:1; {}", commands[0]));
}

fn git_hook(kitchen: &mut Kitchen, recipe: &str) {
    kitchen.run("git init --quiet");
    kitchen.write(".git/hooks/post-commit", recipe);
    let commit = "git -c user.name=Al -c user.email=al@example.org \
        -c core.hooksPath=.git/hooks commit --quiet --allow-empty -m 'Mend the bell'";
    kitchen.run(commit);
    kitchen.bob.read_to("al: Al: Mend the bell");
}

fn who_talks_most(kitchen: &mut Kitchen, recipe: &str) {
    if !has("jq") {
        return;
    }
    let mut eve = kitchen.server.other("eve");
    eve.send("say 1\nsay 2\nme waves\nsay 3\nping x\n");
    eve.read_to("pong x");
    kitchen.bob.send("say 1\nping x\n");
    kitchen.bob.read_to("pong x");
    let ranks: Vec<_> = kitchen.run(recipe).lines().map(|line| line.trim().to_owned()).collect();
    assert_eq!(ranks, ["3 eve", "1 bob"]);
}

fn workers(kitchen: &mut Kitchen, recipe: &str) {
    kitchen.run(recipe);
    check_jobs(kitchen, |number| format!("worker-{number}"));
}

fn parallel_workers(kitchen: &mut Kitchen, recipe: &str) {
    if !has("parallel") {
        return;
    }
    kitchen.run(recipe);
    let lines = jobs(kitchen);
    for number in 1..=8 {
        let said = format!(": job {number} is done");
        assert!(lines.iter().any(|line| line.ends_with(&said)), "{number}: {lines:?}");
    }
}

fn jobs(kitchen: &mut Kitchen) -> Vec<String> {
    kitchen.bob.send("ping jobs\n");
    kitchen.bob.read_to("pong jobs")
}

fn check_jobs(kitchen: &mut Kitchen, name: impl Fn(u32) -> String) {
    let lines = jobs(kitchen);
    for number in 1..=8 {
        let said = format!("{}: job {number} is done", name(number));
        assert!(lines.contains(&said), "{said}: {lines:?}");
    }
}

fn bot(kitchen: &mut Kitchen, recipe: &str) {
    let _running = kitchen.start(recipe);
    kitchen.bob.read_to("clerk has entered the room.");
    kitchen.bob.send("say !hello\n");
    kitchen.bob.read_to("clerk: hello, bob");
}

/// What the page says of the commands is true of the program.
#[test]
fn the_page_names_every_command_and_option() {
    for command in [
        "say", "look", "rooms", "find", "history", "follow", "wait", "ask", "me", "topic",
        "announce", "kick", "mute", "ban", "bot", "lan",
    ] {
        assert!(PAGE.contains(&format!("| `{command}")) || PAGE.contains(&format!("`{command}`")));
        let help = crate::program::command(&[command, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains("Exit codes"), "{help}");
        let options = help.split_whitespace().filter(|word| word.starts_with("--"));
        for option in options.map(|word| word.trim_end_matches(|end| !char::is_alphabetic(end))) {
            let is_named = option == "--help" || PAGE.contains(option);
            assert!(is_named, "{command} {option}");
        }
    }
}
