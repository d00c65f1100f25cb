//! Plays a transcript against a server, and collects all that is not as it should be.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use protocol::Framing;

use super::{Action, Names, Pattern, Step, Texts, Transcript};
use crate::failure::{Difference, Failure, Got};
use crate::peer::{LINE_PATIENCE, Peer};
use crate::stage::Stage;

/// How long a line may take once the same client waited in vain.
const SHORT_PATIENCE: Duration = Duration::from_millis(200);

/// Differences after which the rest would say nothing new.
const MOST_DIFFERENCES: usize = 8;

/// Plays `transcript`. At the end nobody may be owed anything more.
///
/// # Errors
///
/// All differences between what came and what should have come.
pub fn replay(transcript: &Transcript, stage: &mut Stage, texts: Texts) -> Result<(), Failure> {
    let clients = transcript.clients();
    let suffix = if transcript.headers.has_fixed_names() { String::new() } else { stage.digits() };
    let names = Names::new(&clients, &suffix);
    let mut replay =
        Replay { stage, names, texts, players: BTreeMap::new(), differences: Vec::new() };
    let mut steps = transcript.steps.iter().peekable();
    while let Some(step) = steps.next() {
        let next = steps.peek().map(|step| &step.action);
        if replay.step(step, next).is_err() || replay.differences.len() >= MOST_DIFFERENCES {
            break;
        }
    }
    // Up to level 1 a server need not know any command that could be the fence.
    let has_fence = transcript.headers.level > 1 || texts == Texts::AsWritten;
    if replay.differences.is_empty() && has_fence {
        replay.expect_nothing_more();
    }
    let differences = replay.differences;
    if differences.is_empty() { Ok(()) } else { Err(Failure { differences }) }
}

/// The check cannot go on. Why is among the differences already.
struct Over;

struct Player {
    peer: Peer,
    logged_in: bool,
    /// It waited in vain before, so it does not wait long again.
    is_silent: bool,
    /// A line that came where another was expected, and may be the next that is.
    held: Option<Vec<u8>>,
}

struct Replay<'a> {
    stage: &'a mut Stage,
    names: Names,
    texts: Texts,
    players: BTreeMap<String, Player>,
    differences: Vec<Difference>,
}

impl Replay<'_> {
    fn step(&mut self, step: &Step, next: Option<&Action>) -> Result<(), Over> {
        match &step.action {
            Action::Connect { client, framing } => {
                let peer = self.stage.connect_to(client, *framing, None);
                let peer = peer.map_err(|difference| self.over(difference, step))?;
                let player = Player { peer, logged_in: false, is_silent: false, held: None };
                self.players.insert(client.clone(), player);
            }
            Action::Send { client, bytes } => {
                let bytes = self.names.apply(bytes);
                let sent = self.player(client, step)?.peer.send(&bytes);
                sent.map_err(|difference| self.over(difference, step))?;
            }
            Action::Receive { client, pattern, whole_line } => {
                let next = match next {
                    Some(Action::Receive { client: other, pattern, .. }) if other == client => {
                        Some(self.played(pattern))
                    }
                    _ => None,
                };
                if pattern.as_literal() == Some(b"Login Success") {
                    self.player(client, step)?.logged_in = true;
                }
                let pattern = self.played(pattern);
                self.receive(client, &pattern, *whole_line, next.as_ref(), step)?;
            }
            Action::CloseSide { client } => {
                let closed = self.player(client, step)?.peer.close_side();
                closed.map_err(|difference| self.over(difference, step))?;
            }
            Action::Disconnected { client } => {
                let mut player = self.take(client, step)?;
                let got = match player.held.take() {
                    Some(line) => Err(Got::Bytes(line)),
                    None => player.peer.end(),
                };
                if let Err(got) = got {
                    let difference = player.peer.difference("(the end of the connection)", got);
                    self.note(difference, step);
                }
            }
            Action::Reset { client } => {
                let reset = self.take(client, step)?.peer.reset();
                reset.map_err(|difference| self.over(difference, step))?;
            }
            Action::Together(steps) => self.together(steps)?,
        }
        Ok(())
    }

    fn receive(
        &mut self,
        client: &str,
        pattern: &Pattern,
        whole_line: bool,
        next: Option<&Pattern>,
        step: &Step,
    ) -> Result<(), Over> {
        let texts = self.texts;
        let player = self.player(client, step)?;
        let is_classic = player.peer.framing() == Framing::Classic;
        let got = match (player.held.take(), pattern.as_literal()) {
            (Some(line), _) => Ok(line),
            // Whether a newline follows is none of its business, so the bytes are counted.
            (None, Some(literal)) if !whole_line && !is_classic => player.peer.bytes(literal.len()),
            (None, _) => {
                let patience = if player.is_silent { SHORT_PATIENCE } else { LINE_PATIENCE };
                player.peer.line_within(patience)
            }
        };
        let got = match got {
            Ok(line) if pattern.matches(&line, texts) => return Ok(()),
            Ok(line) => {
                // A line was left out: this one is the next already.
                if next.is_some_and(|next| next.matches(&line, texts)) {
                    player.held = Some(line.clone());
                }
                Got::Bytes(line)
            }
            Err(got) => got,
        };
        player.is_silent |= matches!(got, Got::Silence(_));
        let is_over = matches!(got, Got::End(_) | Got::Broken(_) | Got::Flood(_));
        let difference = player.peer.difference(&pattern.shown(), got);
        self.note(difference, step);
        if is_over { Err(Over) } else { Ok(()) }
    }

    /// Sends all, then reads all. What comes may have any order, but one for everybody.
    fn together(&mut self, steps: &[Step]) -> Result<(), Over> {
        let (sends, receives): (Vec<_>, Vec<_>) =
            steps.iter().partition(|step| matches!(step.action, Action::Send { .. }));
        for step in sends {
            self.step(step, None)?;
        }
        let mut expected: BTreeMap<&str, Vec<(&Step, Pattern)>> = BTreeMap::new();
        for step in receives {
            if let Action::Receive { client, pattern, .. } = &step.action {
                let pattern = self.played(pattern);
                expected.entry(client).or_default().push((step, pattern));
            }
        }
        let mut first: HashMap<Vec<u8>, usize> = HashMap::new();
        for (number, (client, mut patterns)) in expected.into_iter().enumerate() {
            let mut last = 0;
            while let Some((step, wanted)) = patterns.first().cloned() {
                let texts = self.texts;
                let player = self.player(client, step)?;
                let got = player.peer.line();
                let line = match got {
                    Ok(line) => line,
                    Err(got) => {
                        let difference = player.peer.difference(&wanted.shown(), got);
                        return Err(self.over(difference, step));
                    }
                };
                let found = patterns.iter().position(|(_, other)| other.matches(&line, texts));
                let Some(found) = found else {
                    let difference = player.peer.difference(&wanted.shown(), Got::Bytes(line));
                    return Err(self.over(difference, step));
                };
                let (step, wanted) = patterns.remove(found);
                if number == 0 {
                    let place = first.len();
                    first.insert(line, place);
                } else if let Some(place) = first.get(&line) {
                    if *place < last {
                        let text = format!("{} in the order that others saw", wanted.shown());
                        let difference = player.peer.difference(&text, Got::Bytes(line.clone()));
                        self.note(difference, step);
                    }
                    last = *place;
                }
            }
        }
        Ok(())
    }

    /// What the server says for this pattern: with its words, and with numbers behind the names.
    fn played(&self, pattern: &Pattern) -> Pattern {
        pattern.map(|bytes| {
            let bytes = self.names.apply(bytes);
            match (self.stage.variant, std::str::from_utf8(&bytes)) {
                (Some(variant), Ok(line)) => variant.reply(line).into_bytes(),
                _ => bytes,
            }
        })
    }

    /// Each client asks for something last, and nothing else may come before its answer.
    fn expect_nothing_more(&mut self) {
        let token = self.stage.word();
        let of_a_fence = format!(": {token}");
        let fences = (1..).map(|number| format!("{token}{number}"));
        for (player, fence) in self.players.values_mut().zip(fences.clone()) {
            let request =
                if player.logged_in { format!("say {fence}") } else { "login".to_owned() };
            if let Err(difference) = player.peer.say(&request) {
                self.differences.push(difference);
                return;
            }
        }
        for ((client, player), fence) in self.players.iter_mut().zip(fences) {
            let last = match player.logged_in {
                true => format!(": {fence}"),
                false => player.peer.in_its_words("UserName Empty").into_owned(),
            };
            let expected = match player.logged_in {
                true => format!("{}{last}", self.names.apply_to_text(client)),
                false => last.clone(),
            };
            let is_last = |line: &[u8]| line.ends_with(last.as_bytes());
            let lines = player.peer.lines_until(&expected, is_last);
            let more = lines.map(|lines| {
                lines.into_iter().find(|line| !String::from_utf8_lossy(line).contains(&of_a_fence))
            });
            match more {
                Ok(None) => {}
                Ok(Some(line)) => {
                    let got = Got::Bytes(line);
                    self.differences.push(player.peer.difference("(nothing more)", got));
                }
                Err(difference) => self.differences.push(difference),
            }
        }
    }

    fn player(&mut self, client: &str, step: &Step) -> Result<&mut Player, Over> {
        if !self.players.contains_key(client) {
            return Err(self.unknown(client, step));
        }
        self.players.get_mut(client).ok_or(Over)
    }

    fn take(&mut self, client: &str, step: &Step) -> Result<Player, Over> {
        self.players.remove(client).ok_or_else(|| self.unknown(client, step))
    }

    /// The transcript itself is wrong.
    fn unknown(&mut self, client: &str, step: &Step) -> Over {
        let fact = self.stage.fact("a client that has connected", &format!("no {client}"));
        self.over(fact, step)
    }

    fn note(&mut self, difference: Difference, step: &Step) {
        self.differences.push(Difference { line: Some(step.line), ..difference });
    }

    fn over(&mut self, difference: Difference, step: &Step) -> Over {
        self.note(difference, step);
        Over
    }
}
