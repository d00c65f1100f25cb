//! Several servers of which one has a wrong clock.

use tempfile::TempDir;

use crate::engine::Engine;
use crate::joined::program;
use crate::support::{TestClient, operators_file};

/// What an operator decides ends everywhere at once, also where the clock is wrong.
#[test]
fn mutes_and_bans_end_by_the_clock_of_the_log() {
    let Some(engine) = Engine::start(&[]) else { return };
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("olga", "open")]);
    for hours in [-3, 3] {
        let clock = crate::clock::Clock::new().unwrap();
        clock.set_ahead(hours * 3600).unwrap();
        let (_near, near) = program(&engine, |command| {
            command.arg("--operators").arg(&operators);
        });
        let (_far, far) = program(&engine, |command| clock.give_to(command));
        let (mut olga, mut bob) = (TestClient::connect(near), TestClient::connect(far));
        let mut eve = TestClient::connect(far);
        bob.send(&format!("login bob{hours}\n"));
        bob.lines_until("Login Success");
        olga.send("login olga open\n");
        olga.lines_until("Login Success");
        bob.expect("olga has entered the room.");
        olga.send(&format!("op open\nmute bob{hours} 600\nban eve{hours} 600\n"));
        bob.expect("Muted for 600 minutes");
        olga.lines_until("Ban Success");
        // The server with the wrong clock has heard of the ban, which came before.
        olga.send("say fence\n");
        bob.expect("olga: fence");
        eve.send(&format!("login eve{hours}\n"));
        eve.expect("Connect Success");
        let banned = eve.line();
        bob.send("say hello\n");
        let muted = bob.line();
        olga.send("logout\n");
        olga.lines_until("olga: fence");
        olga.expect_end();
        for (line, verb) in [(banned, "Banned"), (muted, "Muted")] {
            let minutes = line.strip_prefix(&format!("{verb} for "));
            let minutes = minutes.and_then(|it| it.strip_suffix(" minutes")).expect(&line);
            // The test takes some of it.
            assert!((590..=600).contains(&minutes.parse::<u64>().unwrap()), "{line}, {hours} h");
        }
        // Another server of the same clock, which begins with what there is.
        let (_late, late) = program(&engine, |command| clock.give_to(command));
        let mut eve = TestClient::connect(late);
        eve.send(&format!("login eve{hours}\n"));
        eve.expect("Connect Success");
        let line = eve.line();
        assert!(line.starts_with("Banned for 59") || line == "Banned for 600 minutes", "{line}");
    }
}
