//! The mode for terminals: what one gets used to in an evening.

use crate::pty::{CTRL_D, Pty, chat, fresh_directory};
use crate::real_server::RealServer;

#[test]
fn grep_shows_what_the_room_said_with_a_text() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    bob.send("say the exam is on Friday\nsay no EXAM today\nsay bye\nping\n");
    bob.read_to("pong");
    let mut pty = chat(&server, &["--no-time", "--log", "/dev/null"]);
    pty.wait_for("| bob: bye\nal@main>");
    pty.keys("/clear\r");
    pty.keys("/grep exam\r");
    let found = "al@main> /grep exam\n| bob: the exam is on Friday\n| bob: no EXAM today\n-- that makes 2\nal@main>";
    pty.wait_until("two lines", |screen| screen.trim_end() == found);
    pty.keys("/grep entered\r");
    pty.wait_for("-- nothing that the room still knows has it\nal@main>");
    pty.keys("/grep \r");
    pty.wait_for("-- something is missing; type /grep TEXT\nal@main>");
    // The own history after it is what it is without it.
    pty.keys("/grep bye\r");
    pty.wait_for("| bob: bye\n-- that makes 1\nal@main>");
    pty.keys("/history 2\r");
    pty.wait_for("History:\n| bob: bye\n| al has entered the room.\nal@main>");
    drop(server);
    pty.wait_for("Ctrl-C stops");
    pty.keys("/grep bye\r");
    pty.wait_for("-- not connected yet\nal@main>");
}

#[test]
fn a_command_is_run_for_a_mention_and_nothing_that_was_said_is_a_command() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let folder = fresh_directory();
    let (said, evil) = (folder.join("said"), folder.join("evil"));
    let command = format!("printf '%s\\n' \"$CHAT_LINE\" >> {}", said.display());
    let mut pty = chat(&server, &["--no-time", "--no-bell", "--on-mention", &command]);
    let line = format!("al $(touch {0}) `touch {0}`; touch {0} \"'", evil.display());
    bob.send(&format!("say nothing\nsay {line}\nping\n"));
    bob.read_to("pong");
    let wanted = format!("bob: {line}\n");
    // The program has no other way to tell that it has run.
    while std::fs::read_to_string(&said).unwrap_or_default() != wanted {
        std::thread::yield_now();
    }
    pty.wait_for("bob: nothing");
    pty.leave();
    assert!(!evil.exists() && !pty.raw().contains('\x07'));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_the_habits_cost_is_nothing_without_a_prompt() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--name", "al", "--plain", "--on-mention", "x"];
    let output = crate::program::command(&arguments).output().unwrap();
    let told = "chat-client: --on-mention, --plain only means something at a prompt\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), told);
    let mut pty = Pty::start(&[&arguments[..5], &["--no-time"]].concat());
    pty.wait_for("al@main>");
    pty.keys("/grep al\n");
    pty.wait_for("-- nothing that the room still knows has it");
    pty.leave();
}

#[test]
fn look_shows_names_side_by_side() {
    let server = RealServer::start();
    let mut others: Vec<_> = (10..34).map(|number| server.other(&format!("s{number}"))).collect();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("/look\r");
    let screen = pty.wait_for("s33");
    let list = screen.split("Online Users:\n").nth(1).unwrap();
    assert_eq!(list.lines().next().unwrap().split_whitespace().count(), 14, "{screen}");
    assert_eq!(list.lines().nth(1).unwrap().split_whitespace().count(), 11, "{screen}");
    // Two that are asked for together have a list each.
    pty.keys("/clear\r/look\r/look\r");
    pty.wait_until("two lists", |screen| {
        let lists: Vec<_> = screen.split("Online Users:\n").skip(1).collect();
        lists.len() == 2
            && lists.iter().all(|list| {
                list.split_whitespace().filter(|word| word.starts_with('s')).count() == 24
            })
    });
    // Names are learned from it, and what is typed after it is not held up.
    others[0].send("say hi\n");
    pty.keys("s3\t\t/look\r");
    pty.wait_for("al: s3");
}

/// What was delivered is not said to be lost, whatever else is typed behind a long paste.
#[test]
fn who_leaves_behind_a_paste_is_told_the_truth() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &["--no-time"]);
    let lines: String = (0..300).map(|number| format!("line {number}\n")).collect();
    pty.keys(&format!("\x1b[200~{lines}\x1b[201~\r"));
    pty.wait_for_last("say these 300 lines as they are? [y/N]");
    pty.keys(&format!("y\r{CTRL_D}"));
    assert_eq!(pty.wait(), 0);
    let said = bob.read_to("al has left the room.");
    assert_eq!(said.iter().filter(|line| line.starts_with("al: line ")).count(), 300);
    assert!(!pty.raw().contains("not sent"), "{}", pty.contents());
}
