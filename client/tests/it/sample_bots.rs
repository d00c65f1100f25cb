//! The bots in `scripts/bots`, each talked to.

use crate::real_server::{Other, RealServer};
use crate::script::start;

/// Says lines to a bot of this project and compares what it answers.
fn talk(name: &str, options: &[&str], file: &str, dialog: &[(&str, &str)]) {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let path = format!("{}/../scripts/bots/{file}", env!("CARGO_MANIFEST_DIR"));
    let arguments = [&["--name", name], options, &[&path]].concat();
    let program = start(server.address, "bot", &arguments);
    bob.read_to(&format!("{name} has entered the room."));
    for (said, answer) in dialog {
        bob.send(&format!("say {said}\n"));
        bob.read_to(&format!("bob: {said}"));
        assert_eq!(answer_of(&mut bob, name), *answer, "{said}");
    }
    drop(server);
    assert_eq!(program.finish().code, Some(5));
}

pub fn answer_of(bob: &mut Other, name: &str) -> String {
    bob.line().strip_prefix(&format!("{name}: ")).unwrap().to_owned()
}

#[test]
fn the_dice_bot_rolls() {
    let help = "bob: say !roll, or !roll 3d20: up to 20 dice of up to 1000 sides";
    let dialog = [
        ("!roll 1d1", "bob rolled 1"),
        ("!roll 3d1", "bob rolled 1 + 1 + 1 = 3"),
        ("!roll 21d6", help),
        ("!roll $(id)d*", help),
        ("!roll d", help),
    ];
    talk("dice", &[], "dice.sh", &dialog);
}

#[test]
fn the_karma_bot_counts() {
    let dialog = [
        ("!karma", "nobody was thanked yet"),
        ("eve++", "eve was thanked once"),
        ("eve: ++", "eve was thanked 2 times"),
        ("bob++", "bob: ask somebody else to thank you"),
        ("!karma eve", "eve was thanked 2 times"),
        ("!karma", "eve 2"),
    ];
    talk("karma", &["--json"], "karma.py", &dialog);
}

#[test]
fn the_uptime_bot_tells() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/bots/uptime.sh");
    let program = start(server.address, "bot", &["--name", "host", path]);
    bob.read_to("host has entered the room.");
    bob.send("say !uptime\n");
    bob.read_to("bob: !uptime");
    assert!(answer_of(&mut bob, "host").contains("load average"));
    drop(server);
    assert_eq!(program.finish().code, Some(5));
}
