//! Level 5: many clients at once, and clients that misbehave.

use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use super::{BUFFERS, Live};
use crate::failure::{Difference, Failure, Got};
use crate::peer::Peer;
use crate::resources;
use crate::shown::shown;
use crate::stage::Stage;

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

/// What one of the speakers below saw, or what went wrong for it.
type Seen = Result<Vec<Vec<u8>>, Difference>;

/// What many clients do at the same time.
#[derive(Clone, Copy)]
struct Talk {
    clients: usize,
    /// Lines that each of them says.
    lines: usize,
    /// Bytes in a line, at least.
    length: usize,
}

impl Talk {
    /// Each says its lines, the next one when it has seen the last, and reads what everyone says.
    fn hold(self, stage: &mut Stage) -> Result<Vec<Vec<Vec<u8>>>, Failure> {
        let mut company: Vec<Peer> = Vec::new();
        for number in 0..self.clients {
            company.push(stage.log_in(&format!("t{number}x"))?);
        }
        // Everyone is there once each has seen the last one come.
        let last = format!("{} has entered the room.", company[self.clients - 1].name);
        for peer in &mut company[..self.clients - 1] {
            let last = peer.in_its_words(&last).into_owned();
            peer.lines_until(&last, |line| line == last.as_bytes())?;
        }
        let tokens: Vec<String> = (0..self.clients).map(|_| stage.word()).collect();
        let talkers = company.into_iter().zip(&tokens);
        let seen: Vec<Seen> = thread::scope(|scope| {
            let threads: Vec<_> =
                talkers.map(|(peer, token)| scope.spawn(move || self.talk(peer, token))).collect();
            threads
                .into_iter()
                // A panic in such a thread is a fault of this program, and is passed on.
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        // Who saw a wrong line says more than who waited in vain because of it.
        let (seen, mut failed): (Vec<Seen>, Vec<Seen>) = seen.into_iter().partition(Result::is_ok);
        failed.sort_by_key(|failed| failed.as_ref().is_err_and(Difference::is_timeout));
        let all: Result<Vec<_>, _> = failed.into_iter().chain(seen).collect();
        Ok(all?)
    }

    /// One of them.
    fn talk(self, mut peer: Peer, token: &str) -> Seen {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut said = 0;
        let mut own = Vec::new();
        while seen.len() < self.clients * self.lines {
            if own.is_empty() && said < self.lines {
                let word = format!("{token}{said} ");
                let text = word.repeat(self.length.div_ceil(word.len()).max(1));
                peer.say(&format!("say {}", text.trim_end()))?;
                own = format!("{}: {}", peer.name, text.trim_end()).into_bytes();
                said += 1;
            }
            match peer.line_within(TALK_PATIENCE) {
                Ok(line) if !is_whole(&line, &peer) => {
                    return Err(peer.difference("a line that nothing cuts", Got::Bytes(line)));
                }
                Ok(line) => {
                    if line == own {
                        own.clear();
                    }
                    seen.push(line);
                }
                Err(got) => {
                    return Err(
                        peer.difference(&format!("line {} of the room", seen.len() + 1), got)
                    );
                }
            }
        }
        Ok(seen)
    }
}

/// How long a line may take where many talk.
const TALK_PATIENCE: Duration = Duration::from_secs(5);

/// Whether it is a name and one word again and again, as everybody says it there.
fn is_whole(line: &[u8], peer: &Peer) -> bool {
    let line = String::from_utf8_lossy(line);
    let Some((_, text)) = line.split_once(": ") else {
        let ends = [" has entered the room.", " has left the room."];
        return ends.iter().any(|end| line.ends_with(&*peer.in_its_words(end)));
    };
    let mut words = text.split(' ');
    let first = words.next().unwrap_or_default();
    !first.is_empty() && words.all(|word| word == first)
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
        ann.wait_for(TALK_PATIENCE);
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
