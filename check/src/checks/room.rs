//! Level 3: what a room sees.

use std::collections::BTreeSet;

use super::Live;
use crate::failure::{Failure, Got};
use crate::stage::Stage;

/// The checks of this level, but for those that are transcripts.
pub(super) const CHECKS: &[Live] = &[
    Live {
        name: "a-newcomer-is-announced",
        rule: "requests",
        why: "The others see who comes: `NAME has entered the room.`, and nothing before it.",
        hint: "When somebody logs in, tell all who were in the room before.",
        run: a_newcomer_is_announced,
    },
    Live {
        name: "everyone-sees-everything-once",
        rule: "order",
        why: "Everyone in the room sees each line once, the speaker too.",
        hint: "Send to all who are in the room, and do not answer the speaker besides.",
        run: everyone_sees_everything_once,
    },
    Live {
        name: "a-list-is-for-one",
        rule: "requests",
        why: "A reply is for its client alone; the room sees nothing of it.",
        hint: "Answer on the socket that asked, and broadcast only what was said.",
        run: a_list_is_for_one,
    },
    Live {
        name: "a-newcomer-sees-nothing-old",
        rule: "order",
        why: "A newcomer does not see its own entry, nor what was said before.",
        hint: "Tell the others first, then put the newcomer among them.",
        run: a_newcomer_sees_nothing_old,
    },
    Live {
        name: "nobody-is-heard-before-login",
        rule: "requests",
        why: "Who has not logged in is not heard and hears nothing.",
        hint: "Send to those who are logged in, not to all connections.",
        run: nobody_is_heard_before_login,
    },
    Live {
        name: "look-between-two-lines",
        rule: "order",
        why: "A reply stands after every line that came before its command.",
        hint: "Put replies and lines of the room into one queue for each client.",
        run: look_between_two_lines,
    },
    Live {
        name: "look-lists-everyone",
        rule: "requests",
        why: "`look` lists all who are in the room, in the order in which they entered.",
        hint: "A set or a sorted list forgets the order; a dict or a list keeps it.",
        run: look_lists_everyone,
    },
];

fn a_newcomer_is_announced(stage: &mut Stage) -> Result<(), Failure> {
    stage.company(&["ann", "bob", "cat"])?;
    Ok(())
}

fn everyone_sees_everything_once(stage: &mut Stage) -> Result<(), Failure> {
    let mut company = stage.company(&["ann", "bob", "cat", "dan"])?;
    for speaker in [0, 3, 1, 2, 2] {
        let text = format!("{} {}", stage.word(), stage.word());
        let name = company[speaker].name.clone();
        company[speaker].say(&format!("say {text}"))?;
        for peer in &mut company {
            peer.expect(&format!("{name}: {text}"))?;
        }
    }
    Ok(())
}

fn a_list_is_for_one(stage: &mut Stage) -> Result<(), Failure> {
    let mut company = stage.company(&["ann", "bob"])?;
    let nonsense = stage.word();
    company[0].say("look")?;
    company[0].say(&nonsense)?;
    let (word, last) = (stage.word(), company[0].name.clone());
    company[0].lines_to_fence(&word)?;
    company[1].expect(&format!("{last}: {word}"))?;
    Ok(())
}

fn a_newcomer_sees_nothing_old(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let (old, new) = (stage.word(), stage.word());
    ann.lines_to_fence(&old)?;
    let mut bob = stage.log_in("bob")?;
    Ok(bob.expect_nothing_but(&new)?)
}

fn nobody_is_heard_before_login(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let mut eve = stage.connect("eve")?;
    eve.expect("Connect Success")?;
    let (secret, word) = (stage.word(), stage.word());
    eve.say(&format!("say {secret}"))?;
    eve.expect("Unknown command: say")?;
    ann.say(&format!("say {word}"))?;
    ann.expect(&format!("{}: {word}", ann.name))?;
    // Once ann sees a second line the first has been sent to all to whom it is sent.
    let fence = stage.word();
    ann.lines_to_fence(&fence)?;
    eve.say("look")?;
    eve.expect("Unknown command: look")?;
    Ok(())
}

fn look_between_two_lines(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    for _ in 0..10 {
        let (first, second) = (stage.word(), stage.word());
        ann.send(format!("say {first}\nlook\nsay {second}\n").as_bytes())?;
        ann.expect(&format!("{}: {first}", ann.name))?;
        ann.expect("Online Users:")?;
        let name = ann.name.clone();
        ann.expect(&name)?;
        ann.expect(&format!("{name}: {second}"))?;
    }
    Ok(())
}

fn look_lists_everyone(stage: &mut Stage) -> Result<(), Failure> {
    let labels = ["zoe", "ann", "moe", "bob", "yan", "cat"];
    let mut company = stage.company(&labels)?;
    let word = stage.word();
    company[2].say("look")?;
    let lines = company[2].lines_to_fence(&word)?;
    let mut wanted = vec![company[2].in_its_words("Online Users:").into_owned()];
    wanted.extend(company.iter().map(|peer| peer.name.clone()));
    let lines: Vec<_> =
        lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    if lines == wanted {
        return Ok(());
    }
    let is_a_matter_of_order =
        lines.iter().collect::<BTreeSet<_>>() == wanted.iter().collect::<BTreeSet<_>>();
    let what = if is_a_matter_of_order { "in another order: " } else { "" };
    let got = Got::Fact(format!("{what}{}", lines.join(", ")));
    Err(company[2].difference(&wanted.join(", "), got).into())
}
