//! What was said before and what is said now, in one order and once.

use super::*;

const TIME: &str = "2026-11-22T10:04:05.000Z";

/// What is told of these lines, one after the other.
fn told(past: &mut Past, lines: &[&str]) -> Vec<String> {
    let mut told = Vec::new();
    for line in lines {
        let flow = past.take(line, "", |line| {
            told.push(line.line().to_owned());
            ControlFlow::Continue(())
        });
        assert_eq!(flow, ControlFlow::Continue(()));
    }
    told
}

fn end_of_history() -> String {
    fence::request("history").trim_end().replace("ping", "pong")
}

/// The room goes on while the question is on its way to the server. What is said then comes before the
/// answer, and is in it only where the server does not know positions.
#[test]
fn what_is_said_before_the_answer_comes_is_told_once() {
    for (position, rows) in [
        (Some(format!("Room Position: {TIME}+1")), &["bo: missed"][..]),
        (None, &["bo: one", "bo: missed", "bo: early"]),
    ] {
        let mut past = Past::new(Wanted::None, "al", true);
        assert_eq!(past.requests().as_deref(), Some("since\n"));
        assert_eq!(
            told(&mut past, &position.iter().map(String::as_str).collect::<Vec<_>>()),
            [""; 0]
        );
        assert_eq!(told(&mut past, &["bo: one"]), ["bo: one"]);
        past.comes_again();
        let asked = past.requests().unwrap();
        assert_eq!(asked.starts_with(&format!("since {TIME}+2\n")), position.is_some(), "{asked}");
        let rows: Vec<_> = rows.iter().map(|row| format!("[{TIME}] {row}")).collect();
        let end = end_of_history();
        let mut lines = vec!["bo: early", "History:"];
        lines.extend(rows.iter().map(String::as_str));
        lines.extend(["bo: late", &end, "bo: now"]);
        let all = told(&mut past, &lines);
        let news: Vec<_> = all.iter().filter(|line| *line != "bo: one").collect();
        assert_eq!(news, ["bo: missed", "bo: early", "bo: late", "bo: now"]);
    }
}
