//! Level 2: lines, however the network cuts them.

use std::thread;
use std::time::Duration;

use super::{BUFFERS, Live};
use crate::failure::{Failure, Got};
use crate::peer::Peer;
use crate::stage::Stage;

/// The checks of this level, but for those that are transcripts.
pub(super) const CHECKS: &[Live] = &[
    Live {
        name: "byte-by-byte",
        rule: "the-protocol",
        why: "A line may come in any number of packets, a byte each.",
        hint: "TCP has no messages: what one recv gives is not a line. Keep what came until a \
               newline is there.",
        run: byte_by_byte,
    },
    Live {
        name: "a-character-in-two-packets",
        rule: "the-protocol",
        why: "A character of several bytes may come in two packets.",
        hint: "Decode a whole line, never what one recv gave.",
        run: a_character_in_two_packets,
    },
    Live {
        name: "many-lines-in-one-packet",
        rule: "order",
        why: "Requests in one packet are answered one by one, in their order.",
        hint: "Two lines came as one: TCP has no messages; what one recv gives is not a line.",
        run: many_lines_in_one_packet,
    },
    Live {
        name: "long-lines",
        rule: "limits-and-refusals",
        why: "A line may have up to 4096 bytes.",
        hint: "recv(1024) gives at most 1024 bytes of a line; the rest comes with the next.",
        run: long_lines,
    },
    Live {
        name: "last-words",
        rule: "requests",
        why: "Whoever sends and closes the sending side at once gets all the answers.",
        hint: "recv gives nothing at the end of the input, and the answers can still be sent. \
               Answer first, close then.",
        run: last_words,
    },
    Live {
        name: "megabytes-without-a-newline",
        rule: "limits-and-refusals",
        why: "Whoever sends no newline at all is in nobody's way.",
        hint: "Count the bytes that are kept, and close after 64 KiB without a newline.",
        run: megabytes_without_a_newline,
    },
    Live {
        name: "garbage-hurts-nobody",
        rule: "limits-and-refusals",
        why: "Bytes that are not UTF-8 end nothing: the next line is answered.",
        hint: "An error of decode must not end the client's thread, nor the server.",
        run: garbage_hurts_nobody,
    },
];

/// Long enough that two sends are usually two packets for the server. No answer depends on it.
fn let_it_go() {
    thread::sleep(Duration::from_millis(3));
}

fn byte_by_byte(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let text = stage.word();
    for byte in format!("say {text}\n").bytes() {
        ann.send(&[byte])?;
        let_it_go();
    }
    ann.expect(&format!("{}: {text}", ann.name))?;
    Ok(())
}

fn a_character_in_two_packets(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let text = stage.word();
    let said = format!("say {text} 你好\n");
    let (start, end) = said.as_bytes().split_at(said.len() - 3);
    ann.send(start)?;
    let_it_go();
    ann.send(end)?;
    ann.expect(&format!("{}: {text} 你好", ann.name))?;
    Ok(())
}

fn many_lines_in_one_packet(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let words: Vec<_> = (0..40).map(|_| stage.word()).collect();
    let packet: String = words.iter().map(|word| format!("say {word}\n")).collect();
    ann.send(packet.as_bytes())?;
    for word in words {
        ann.expect(&format!("{}: {word}", ann.name))?;
    }
    Ok(())
}

fn long_lines(stage: &mut Stage) -> Result<(), Failure> {
    let mut company = stage.company(&["ann", "bob"])?;
    for length in [1000, 1023, 1024, 2048, 4092] {
        let word = stage.word();
        let text = word.repeat(length / word.len() + 1)[..length].to_owned();
        let name = company[0].name.clone();
        company[0].say(&format!("say {text}"))?;
        for peer in &mut company {
            peer.expect(&format!("{name}: {text}"))?;
        }
    }
    Ok(())
}

fn last_words(stage: &mut Stage) -> Result<(), Failure> {
    let mut company = stage.company(&["ann", "bob"])?;
    let words: Vec<_> = (0..20).map(|_| stage.word()).collect();
    let packet: String = words.iter().map(|word| format!("say {word}\n")).collect();
    let speaker = company[1].name.clone();
    company[1].send(packet.as_bytes())?;
    company[1].close_side()?;
    for peer in &mut company {
        for word in &words {
            peer.expect(&format!("{speaker}: {word}"))?;
        }
    }
    if let Err(got) = company[1].end() {
        return Err(company[1].difference("(the end of the connection)", got).into());
    }
    company[0].expect(&format!("{speaker} has left the room."))?;
    Ok(())
}

fn megabytes_without_a_newline(stage: &mut Stage) -> Result<(), Failure> {
    let mut ann = stage.log_in("ann")?;
    let mut eve = stage.connect("eve")?;
    eve.expect("Connect Success")?;
    let piece = vec![b'x'; 64 * 1024];
    // More than the buffers take, so that the server has read from it when all is sent.
    for _ in 0..BUFFERS / piece.len() {
        // It may close at any time, so an error is as good as none.
        if eve.send(&piece).is_err() {
            break;
        }
    }
    still_there(&mut ann, stage)
}

fn garbage_hurts_nobody(stage: &mut Stage) -> Result<(), Failure> {
    let mut company = stage.company(&["ann", "bob"])?;
    company[1].send(b"\xff\xfe\n\xc3\nsay \xf0\x9f\n")?;
    let word = stage.word();
    company[1].lines_to_fence(&word)?;
    let last = format!("{}: {word}", company[1].name);
    let seen = company[0].lines_until(&last, |line| line == last.as_bytes())?;
    match seen.into_iter().next() {
        Some(line) => Err(company[0].difference(&last, Got::Bytes(line)).into()),
        None => Ok(()),
    }
}

/// Whether the room still answers.
fn still_there(peer: &mut Peer, stage: &mut Stage) -> Result<(), Failure> {
    let word = stage.word();
    peer.lines_to_fence(&word)?;
    Ok(())
}
