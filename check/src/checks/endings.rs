//! Level 4: clients go, in all the ways in which they go.

use super::Live;
use crate::failure::{Difference, Failure, Got};
use crate::peer::Peer;
use crate::stage::Stage;

/// The checks of this level, but for those that are transcripts.
pub(super) const CHECKS: &[Live] = &[
    Live {
        name: "a-name-is-free-after-a-reset",
        rule: "names",
        why: "A name is free again when its user is gone, however it went.",
        hint: "Remove the name in one place, which every way out goes through: finally, not the \
               handler of logout.",
        run: a_name_is_free_after_a_reset,
    },
    Live {
        name: "a-name-is-free-after-closing",
        rule: "names",
        why: "A name is free again when its user is gone, however it went.",
        hint: "recv gives nothing at the end of the input. That is a way out as logout is one.",
        run: a_name_is_free_after_closing,
    },
    Live {
        name: "a-dead-peer-hurts-nobody",
        rule: "order",
        why: "A peer that is gone hurts nobody: the others see all that is said.",
        hint: "An error of send belongs to the client that it was sent to. Catch it there and go \
               on with the next.",
        run: a_dead_peer_hurts_nobody,
    },
    Live {
        name: "a-reset-in-the-login-room",
        rule: "the-protocol",
        why: "Who goes before login is seen by nobody and hurts nobody.",
        hint: "Only who has logged in can leave the room.",
        run: a_reset_in_the_login_room,
    },
    Live {
        name: "all-that-is-owed-comes-before-the-end",
        rule: "order",
        why: "What a leaver was owed is sent before the connection closes.",
        hint: "Send what is queued before close. A close with unread input becomes a reset, which \
               throws away what was sent: shut down the sending side first.",
        run: all_that_is_owed_comes_before_the_end,
    },
    Live {
        name: "the-end-is-no-reset",
        rule: "limits-and-refusals",
        why: "Whoever leaves sees the end of the connection, and no reset, although unread input waits.",
        hint: "To close with unread input is a reset. Shut the sending side, read and throw away \
               what still comes, and only then close.",
        run: the_end_is_no_reset,
    },
    Live {
        name: "they-left-once",
        rule: "order",
        why: "Who leaves is seen to leave once, and is in no list any more.",
        hint: "Two ways out met: logout and then the end of the input. Remove once.",
        run: they_left_once,
    },
    Live {
        name: "coming-and-going",
        rule: "names",
        why: "The same name can come and go as often as it likes.",
        hint: "Let one place do all of the leaving, and free the name in it before the end of the \
               connection can be seen.",
        run: coming_and_going,
    },
];

fn a_name_is_free_after_a_reset(stage: &mut Stage) -> Result<(), Failure> {
    free_after(stage, Peer::reset)
}

fn a_name_is_free_after_closing(stage: &mut Stage) -> Result<(), Failure> {
    free_after(stage, |peer| {
        drop(peer);
        Ok(())
    })
}

/// The others see it leave, and then the name can be taken.
fn free_after(stage: &mut Stage, leave: fn(Peer) -> Result<(), Difference>) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let bob = stage.log_in("bob")?;
    let name = bob.name.clone();
    ann.expect(&format!("{name} has entered the room."))?;
    leave(bob)?;
    ann.expect(&format!("{name} has left the room."))?;
    // The name is taken until the last byte is sent, which may be a moment after the others know.
    let mut again = stage.connect("bob")?;
    again.expect("Connect Success")?;
    for _ in 0..50 {
        again.say(&format!("login {name}"))?;
        match again.line() {
            Ok(line) if line == again.in_its_words("Login Success").as_bytes() => return Ok(()),
            Ok(line) if line == again.in_its_words("UserName Exist").as_bytes() => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Ok(line) => return Err(again.difference("Login Success", Got::Bytes(line)).into()),
            Err(got) => return Err(again.difference("Login Success", got).into()),
        }
    }
    let got = Got::Bytes(again.in_its_words("UserName Exist").as_bytes().to_vec());
    Err(again.difference("Login Success", got).into())
}

/// While somebody speaks another goes with a reset, again and again: the server is to be in the
/// middle of its sends when it hears of that.
fn a_dead_peer_hurts_nobody(stage: &mut Stage) -> Result<(), Failure> {
    const ROUNDS: usize = 6;
    const LINES: usize = 25;
    let mut company = stage.company(&["ann", "cat", "dan"])?;
    // That one has left may be seen in its own round or in a later one.
    let mut gone = Vec::new();
    for round in 0..ROUNDS {
        let dead = stage.log_in("bob")?;
        let [came, left] = [" has entered the room.", " has left the room."]
            .map(|event| dead.in_its_words(&format!("{}{event}", dead.name)).into_owned());
        gone.push(left.into_bytes());
        for peer in &mut company {
            sees_after(peer, &came, &gone)?;
        }
        let speaker = round % company.len();
        let words: Vec<_> = (0..LINES).map(|_| stage.word()).collect();
        let packet: String = words.iter().map(|word| format!("say {word}\n")).collect();
        company[speaker].send(packet.as_bytes())?;
        dead.reset()?;
        let name = company[speaker].name.clone();
        for peer in &mut company {
            for word in &words {
                sees_after(peer, &format!("{name}: {word}"), &gone)?;
            }
        }
    }
    Ok(())
}

/// The line `expected` comes, and before it nothing but some of `others`.
fn sees_after(peer: &mut Peer, expected: &str, others: &[Vec<u8>]) -> Result<(), Difference> {
    let before = peer.lines_until(expected, |line| line == expected.as_bytes())?;
    match before.into_iter().find(|line| !others.contains(line)) {
        Some(line) => Err(peer.difference(expected, Got::Bytes(line))),
        None => Ok(()),
    }
}

fn a_reset_in_the_login_room(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    for _ in 0..3 {
        let mut eve = stage.connect("eve")?;
        eve.expect("Connect Success")?;
        eve.reset()?;
        drop(stage.connect("bob")?);
    }
    let word = stage.word();
    Ok(ann.expect_nothing_but(&word)?)
}

fn all_that_is_owed_comes_before_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let words: Vec<_> = (0..60).map(|_| stage.word().repeat(50)).collect();
    let mut packet: String = words.iter().map(|word| format!("say {word}\n")).collect();
    packet.push_str("logout\nsay nobody hears this\n");
    ann.send(packet.as_bytes())?;
    for word in words {
        ann.expect(&format!("{}: {word}", ann.name))?;
    }
    ann.end().map_err(|got| ann.difference("(the end of the connection)", got))?;
    Ok(())
}

fn the_end_is_no_reset(stage: &mut Stage) -> Result<(), Failure> {
    // More than one recv or a buffered reader takes, and less than makes a send wait.
    const LINES: usize = 2500;
    let mut ann = stage.log_in("ann")?;
    let word = stage.word();
    let mut packet = format!("say {word}\nlogout\n");
    packet.push_str(&"say nobody hears this\n".repeat(LINES));
    ann.send(packet.as_bytes())?;
    ann.expect(&format!("{}: {word}", ann.name))?;
    ann.end().map_err(|got| ann.difference("(the end of the connection)", got))?;
    Ok(())
}

fn they_left_once(stage: &mut Stage) -> Result<(), Failure> {
    let mut company = stage.company(&["ann", "bob"])?;
    let name = company[1].name.clone();
    company[1].say("logout")?;
    company[1].close_side()?;
    company[1].end().map_err(|got| company[1].difference("(the end of the connection)", got))?;
    company[0].expect(&format!("{name} has left the room."))?;
    company[0].say("look")?;
    company[0].expect("Online Users:")?;
    let own = company[0].name.clone();
    company[0].expect(&own)?;
    let word = stage.word();
    Ok(company[0].expect_nothing_but(&word)?)
}

fn coming_and_going(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let name = format!("bob{}", stage.digits());
    for _ in 0..20 {
        let mut bob = stage.connect("bob")?;
        bob.log_in(&name)?;
        ann.expect(&format!("{name} has entered the room."))?;
        bob.say("logout")?;
        bob.end().map_err(|got| bob.difference("(the end of the connection)", got))?;
        ann.expect(&format!("{name} has left the room."))?;
    }
    Ok(())
}
