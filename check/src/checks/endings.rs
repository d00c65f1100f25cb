//! Level 4: clients go, in all the ways in which they go.

use super::Live;
use crate::failure::{Failure, Got};
use crate::peer::Peer;
use crate::stage::Stage;

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
        hint: "",
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
fn free_after(
    stage: &mut Stage,
    leave: fn(Peer) -> Result<(), crate::failure::Difference>,
) -> Result<(), Failure> {
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

fn a_dead_peer_hurts_nobody(stage: &mut Stage) -> Result<(), Failure> {
    let mut company = stage.company(&["ann", "bob", "cat", "dan"])?;
    // The server has not heard yet that this one is gone when it sends the first lines.
    let dead = company.remove(1);
    let gone = format!("{} has left the room.", dead.name);
    let gone = dead.in_its_words(&gone).into_owned();
    dead.reset()?;
    for number in 0..30 {
        let text = stage.word();
        let speaker = number % company.len();
        let said = format!("{}: {text}", company[speaker].name);
        company[speaker].say(&format!("say {text}"))?;
        for peer in &mut company {
            let before = peer.lines_until(&said, |line| line == said.as_bytes())?;
            if let Some(line) = before.into_iter().find(|line| line != gone.as_bytes()) {
                return Err(peer.difference(&said, Got::Bytes(line)).into());
            }
        }
    }
    Ok(())
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
    let seen = ann.lines_to_fence(&word)?;
    match seen.into_iter().next() {
        Some(line) => {
            let expected = format!("{}: {word}", ann.name);
            Err(ann.difference(&expected, Got::Bytes(line)).into())
        }
        None => Ok(()),
    }
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
    match company[0].lines_to_fence(&word)?.into_iter().next() {
        Some(line) => {
            Err(company[0].difference(&format!("{own}: {word}"), Got::Bytes(line)).into())
        }
        None => Ok(()),
    }
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
