//! Level 5: many clients at once, and clients that misbehave.

mod talk;

use std::thread;
use std::time::Duration;

use self::talk::Talk;
use super::{BUFFERS, Live};
use crate::failure::{Difference, Failure, Got};
use crate::resources;
use crate::shown::shown;
use crate::stage::Stage;

/// The checks of this level, but for those that are transcripts.
pub(super) const CHECKS: &[Live] = &[
    Live {
        name: "one-of-many-gets-a-name",
        rule: "names",
        why: "Of many who log in under one name at once, exactly one gets it.",
        hint: "Look the name up and enter it under one lock.",
        run: one_of_many_gets_a_name,
    },
    Live {
        name: "one-order-for-everyone",
        rule: "order",
        why: "A room has one order of lines, and everyone in it sees that order.",
        hint: "Two threads that broadcast at once pass each other. Send each line to everybody \
               under one lock, or number the lines in one place.",
        run: one_order_for_everyone,
    },
    Live {
        name: "lines-are-whole",
        rule: "order",
        why: "Lines are whole. None is ever cut by another.",
        hint: "Two threads write to one socket, and one line takes more than one send. Write a \
               line with one sendall, under a lock of that socket.",
        run: lines_are_whole,
    },
    Live {
        name: "a-reader-that-stalls-stops-nobody",
        rule: "limits-and-refusals",
        why: "A client that does not read keeps nobody else waiting.",
        hint: "send waits while the buffer of that socket is full, and it holds the lock. Give \
               each client a queue and a thread that sends.",
        run: a_reader_that_stalls_stops_nobody,
    },
    Live {
        name: "no-spin-when-idle",
        rule: "the-protocol",
        why: "A server that has nothing to do uses no processor time.",
        hint: "A loop that asks again and again: wait in recv, poll or a queue instead.",
        run: no_spin_when_idle,
    },
    Live {
        name: "memory-is-bounded",
        rule: "limits-and-refusals",
        why: "One client cannot fill the server's memory with a line that never ends.",
        hint: "Count the bytes that are kept, and close after 64 KiB without a newline.",
        run: memory_is_bounded,
    },
];

fn one_of_many_gets_a_name(stage: &mut Stage) -> Result<(), Failure> {
    const CLIENTS: usize = 12;
    for _ in 0..3 {
        let name = format!("ann{}", stage.digits());
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = stage.connect("ann")?;
            client.expect("Connect Success")?;
            clients.push(client);
        }
        for client in &mut clients {
            client.say(&format!("login {name}"))?;
        }
        let mut lucky = 0;
        for client in &mut clients {
            // Who has the name sees the others come, had they got it too.
            match client.line() {
                Ok(line) if line == client.in_its_words("Login Success").as_bytes() => lucky += 1,
                Ok(line) if line == client.in_its_words("UserName Exist").as_bytes() => {}
                Ok(line) => {
                    let [success, taken] =
                        ["Login Success", "UserName Exist"].map(|text| client.in_its_words(text));
                    let expected = format!("{success} or {taken}");
                    return Err(client.difference(&expected, Got::Bytes(line)).into());
                }
                Err(got) => return Err(client.difference("Login Success", got).into()),
            }
        }
        if lucky != 1 {
            let got = format!("{lucky} of {CLIENTS} who asked for {name} got it");
            return Err(stage.fact("one of them gets it", &got).into());
        }
    }
    Ok(())
}

fn one_order_for_everyone(stage: &mut Stage) -> Result<(), Failure> {
    // That makes 1,530 changes of speaker.
    let all = Talk { clients: 17, lines: 90, length: 1 }.hold(stage)?;
    for (number, seen) in all.iter().enumerate().skip(1) {
        if let Some(at) = (0..seen.len()).find(|at| seen[*at] != all[0][*at]) {
            let line = shown(&all[0][at]);
            return Err(Difference {
                client: format!("t{number}x"),
                line: None,
                expected: format!("{line} as line {} of the room, as others saw", at + 1),
                got: Got::Bytes(seen[at].clone()),
                before: stage.journal.lines(),
            }
            .into());
        }
    }
    Ok(())
}

fn lines_are_whole(stage: &mut Stage) -> Result<(), Failure> {
    Talk { clients: 6, lines: 40, length: 3000 }.hold(stage)?;
    Ok(())
}

/// How long a line may take while somebody does not read. A server that is stopped stays so.
const STALL_PATIENCE: Duration = Duration::from_secs(10);

fn a_reader_that_stalls_stops_nobody(stage: &mut Stage) -> Result<(), Failure> {
    const LENGTH: usize = 4000;
    const LINES: usize = 90;
    let mut stalled = stage.connect_to("stalled", protocol::Framing::Line, Some(4096))?;
    stalled.log_in(&format!("stalled{}", stage.digits()))?;
    let text = stage.word().repeat(LENGTH / 9);
    let word = stage.word();
    // One after the other, so that what is delivered is little but for who stalls.
    for _ in 0..=BUFFERS / (LENGTH * LINES) {
        let mut ann = stage.log_in("ann")?;
        // A server that is stopped stays so; one that is slow on a busy machine comes through.
        ann.wait_for(STALL_PATIENCE);
        let packet = format!("say {text}\n").repeat(LINES);
        let said = format!("{}: {text}", ann.name);
        for part in packet.as_bytes().chunks((LENGTH + 10) * 10) {
            ann.send(part)?;
        }
        for _ in 0..LINES {
            ann.expect(&said)?;
        }
        ann.say("logout")?;
        ann.end().map_err(|got| ann.difference("(the end of the connection)", got))?;
    }
    let mut bob = stage.log_in("bob")?;
    bob.lines_to_fence(&word)?;
    drop(stalled);
    Ok(())
}

fn no_spin_when_idle(stage: &mut Stage) -> Result<(), Failure> {
    const LOOKS: usize = 30;
    let _company = stage.company(&["ann", "bob"])?;
    let _silent = stage.connect("cat")?;
    let mut busy = 0;
    for _ in 0..LOOKS {
        thread::sleep(Duration::from_millis(20));
        busy += usize::from(used(stage, resources::runnable)? > 0);
    }
    // A server that still had something to do is done with it in the first looks.
    if busy * 10 >= LOOKS * 9 {
        let got = format!("it used the processor in {busy} of {LOOKS} looks");
        return Err(stage.fact("a server that waits while nobody says anything", &got).into());
    }
    Ok(())
}

fn memory_is_bounded(stage: &mut Stage) -> Result<(), Failure> {
    const SENT: usize = 32 * 1024 * 1024;
    const LOOKED_AT_AFTER: usize = 1024 * 1024;
    let mut ann = stage.log_in("ann")?;
    let before = used(stage, resources::memory)?;
    let mut eve = stage.connect("eve")?;
    eve.expect("Connect Success")?;
    let piece = vec![b'x'; 256 * 1024];
    for sent in (0..SENT).step_by(piece.len()) {
        // It may close at any time, so an error is as good as none.
        if eve.send(&piece).is_err() {
            break;
        }
        // A server that copies all that it has kept soon takes seconds for a piece.
        if sent % LOOKED_AT_AFTER == 0 {
            has_not_grown(stage, before)?;
        }
    }
    // A server that is slow for this reason is told the reason.
    has_not_grown(stage, before)?;
    let word = stage.word();
    ann.lines_to_fence(&word)?;
    has_not_grown(stage, before)
}

/// What a server may grow by, in bytes. An interpreter takes some megabytes as it likes.
const ALLOWED: usize = 8 * 1024 * 1024;

fn has_not_grown(stage: &Stage, before: u64) -> Result<(), Failure> {
    let grown = used(stage, resources::memory)?.saturating_sub(before);
    if grown <= ALLOWED as u64 {
        return Ok(());
    }
    let got = format!("it grew by {} MiB", grown / (1024 * 1024));
    Err(stage.fact("a server that does not grow", &got).into())
}

fn used<T>(stage: &Stage, what: fn(u32) -> Option<T>) -> Result<T, Failure> {
    let gone = || stage.fact("a server that runs", "no process of it is left");
    Ok(stage.process.and_then(what).ok_or_else(gone)?)
}
