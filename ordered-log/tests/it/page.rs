//! docs/several-servers.md tells the truth about the engine.

use ordered_log::{Interval, Options};

use crate::engine::Engine;
use crate::seen::Node;
use crate::start::{at, said};

const PAGE: &str = include_str!("../../../docs/several-servers.md");

#[test]
fn the_engine_takes_the_settings_of_the_page() {
    let block = PAGE.split("```redis\n").nth(1).unwrap().split("```").next().unwrap();
    let settings: Vec<_> = block.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let options: Vec<_> =
        settings.iter().map(|(name, value)| [format!("--{name}"), (*value).to_owned()]).collect();
    let options: Vec<&str> = options.iter().flatten().map(String::as_str).collect();
    let Some(engine) = Engine::start(&options) else { return };
    for (name, value) in settings {
        assert_eq!(engine.ask(&["CONFIG", "GET", name]), format!("{name}\n{value}"));
    }
    Node::start(&engine.options()).say("here");
}

#[test]
fn a_user_needs_no_more_than_the_page_says() {
    let line = PAGE.lines().find_map(|line| line.strip_prefix("ACL SETUSER ")).unwrap();
    let Some(engine) = Engine::start(&[]) else { return };
    let words: Vec<_> = line.split(' ').collect();
    let mut command = vec!["ACL", "SETUSER"];
    command.extend(&words);
    assert_eq!(engine.ask(&command), "OK");
    let password = words.iter().find_map(|word| word.strip_prefix('>')).unwrap();
    let address = format!("redis://{}:{password}@127.0.0.1:{}/1", words[0], engine.port);
    let options = at(&address, engine.options());
    let interval = Interval { entries: 3, bytes: 1 << 20 };
    let node = Node::start(&Options { interval, ..options.clone() });
    (0..9).for_each(|number| node.say(&number.to_string()));
    assert!(node.log.counts().saved > 0);
    let other = Options { name: "other".to_owned(), ..options };
    let refused = said(&other);
    assert!(
        refused.contains("(NOPERM ") && refused.contains("docs/several-servers.md"),
        "{refused}"
    );
}

#[test]
fn each_failure_of_the_page_is_held_by_a_test() {
    let tests = [
        include_str!("failures.rs"),
        include_str!("lost.rs"),
        include_str!("start.rs"),
        include_str!("trimming.rs"),
    ];
    let table = PAGE.split("\n| what happens |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert!(rows.len() >= 15, "{rows:?}");
    for row in rows {
        let name = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let test = format!("#[test]\nfn {}()", name.trim_matches('`'));
        assert!(tests.iter().any(|file| file.contains(&test)), "no test {name}");
    }
}

#[test]
fn the_page_has_the_sizes_of_the_log() {
    let Options { interval: Interval { entries, bytes }, queue_bytes, patience, .. } =
        Options::new("redis://localhost".parse().unwrap());
    assert_eq!((entries, bytes >> 20, queue_bytes >> 20), (50_000, 32, 4));
    let waits = format!("`no answer for {} ms", patience.as_millis());
    for text in ["after 50,000 entries or 32 MiB", "up to 4 MiB on each server", &waits] {
        assert!(PAGE.contains(text), "{text}");
    }
}

#[test]
fn the_stream_takes_no_more_memory_than_the_page_says() {
    let Some(engine) = Engine::start(&[]) else { return };
    let interval = Interval { entries: 1000, bytes: 1 << 20 };
    let node = Node::start(&Options { interval, ..engine.options() });
    for length in [1, 50, 500, 5000, 50_000, 200_000] {
        for _ in 0..(3 * interval.bytes / (length + 28)).min(interval.entries) {
            let sequence = node.log.submit(&vec![b'x'; length as usize]).unwrap();
            drop(node.wait("it", |seen| seen.own >= sequence));
        }
        let memory: u64 = engine.ask(&["MEMORY", "USAGE", "chat:log"]).parse().unwrap();
        assert!(memory < 2 * interval.bytes * 4 / 3 + 300_000, "{length}: {memory}");
    }
}
