//! Whether what clients saw was one order: pure, from what each of them saw to a verdict.
//!
//! A client sees each line of its room from its login to the end of its connection. So behind a line
//! comes the same line for whoever saw both; and from such pairs the order of all can be put together.
//! This knows no server, no connection and no clock.

use std::collections::{BTreeMap, BTreeSet};

/// A client and its name, by the number of the attempt with which it took that.
pub type Speaker = (u8, u16);

/// The line with this number of this speaker. No client says a number twice.
pub type Line = (Speaker, u32);

/// What a client saw without a gap: from a login, or from what it was told to have missed, to the next
/// such thing or the end of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Who saw it.
    pub client: u8,
    /// In the order in which it came.
    pub lines: Vec<Line>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// What is wrong. Empty is good.
    pub faults: Vec<String>,
    /// The order of all lines that anybody saw, if it is one.
    pub order: Vec<Line>,
}

impl Verdict {
    /// Puts the order together and says what contradicts it.
    pub fn of(stretches: &[Stretch]) -> Self {
        let mut faults = repeated(stretches);
        let (next, contradictions) = neighbours(stretches, |pair| pair);
        // The same the other way round finds two lines that both have one line behind them.
        let (before, others) = neighbours(stretches, |(one, other)| (other, one));
        faults.extend(contradictions.iter().map(|pair| format!("not one order behind {pair}")));
        faults.extend(others.iter().map(|pair| format!("not one order before {pair}")));
        if !faults.is_empty() {
            return Self { faults, order: Vec::new() };
        }
        let lines: BTreeSet<Line> =
            stretches.iter().flat_map(|stretch| stretch.lines.iter().copied()).collect();
        let firsts: Vec<_> = lines.iter().filter(|line| !before.contains_key(line)).collect();
        let mut order = Vec::new();
        for first in &firsts {
            let mut at = Some(**first);
            while let Some(line) = at {
                order.push(line);
                at = next.get(&line).copied();
            }
        }
        if order.len() != lines.len() {
            faults.push("some lines come in a circle".to_owned());
        }
        if firsts.len() > 1 {
            let begins: Vec<_> = firsts.iter().map(|line| shown(**line)).collect();
            faults.push(format!("nobody saw how these parts belong together: {begins:?}"));
        }
        faults.extend(out_of_turn(&order));
        Self { faults, order }
    }
}

/// What each line has next to it, as `turn` looks at pairs, and what some clients saw otherwise.
fn neighbours(
    stretches: &[Stretch],
    turn: impl Fn((Line, Line)) -> (Line, Line),
) -> (BTreeMap<Line, Line>, Vec<String>) {
    let mut next = BTreeMap::<Line, (Line, u8)>::new();
    let mut contradictions = Vec::new();
    for Stretch { client, lines } in stretches {
        for pair in lines.windows(2) {
            let (line, other) = turn((pair[0], pair[1]));
            let (known, by) = *next.entry(line).or_insert((other, *client));
            if known != other {
                contradictions.push(format!(
                    "{}: {by} saw {}, {client} saw {}",
                    shown(line),
                    shown(known),
                    shown(other)
                ));
            }
        }
    }
    (next.into_iter().map(|(line, (other, _))| (line, other)).collect(), contradictions)
}

/// Lines that one client saw twice, in one connection or in two.
fn repeated(stretches: &[Stretch]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for Stretch { client, lines } in stretches {
        for line in lines {
            if !seen.insert((*client, *line)) {
                faults.push(format!("{client} saw {} twice", shown(*line)));
            }
        }
    }
    faults
}

/// Lines of a speaker that are not in the order in which they were said. Under another name a client is
/// somebody else: what its old server still had of the old one may come later.
fn out_of_turn(order: &[Line]) -> Vec<String> {
    let mut last = BTreeMap::new();
    let mut faults = Vec::new();
    for (speaker, number) in order {
        if let Some(before) = last.insert(*speaker, *number).filter(|before| before >= number) {
            let (line, before) = (shown((*speaker, *number)), shown((*speaker, before)));
            faults.push(format!("{line} is behind {before}"));
        }
    }
    faults
}

fn shown(((client, session), number): Line) -> String {
    format!("{client}v{session}: {number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a1 a2 b1` and so on, a stretch of client 0, 1, ... each; a capital is another name of it.
    fn verdict(stretches: &[(u8, &str)]) -> Verdict {
        let line = |word: &str| {
            let (letter, number) = word.split_at(1);
            let speaker = letter.to_ascii_lowercase().as_bytes()[0] - b'a';
            let session = u16::from(letter == letter.to_ascii_uppercase());
            ((speaker, session), number.parse().unwrap())
        };
        let stretches: Vec<_> = stretches
            .iter()
            .map(|(client, text)| Stretch {
                client: *client,
                lines: text.split_whitespace().map(line).collect(),
            })
            .collect();
        Verdict::of(&stretches)
    }

    #[test]
    fn an_order_is_put_together_from_what_each_saw() {
        for stretches in [
            &[(0, "a1 b1 a2"), (1, "a1 b1 a2")][..],
            &[(0, "a1 b1"), (1, "b1 a2")],
            &[(1, "b1 a2"), (0, "a1"), (0, "b1"), (2, "a1 b1")],
            &[(0, ""), (1, "a1 b1 a2")],
        ] {
            let verdict = verdict(stretches);
            assert_eq!(verdict.faults, [""; 0], "{stretches:?}");
            assert_eq!(verdict.order, [((0, 0), 1), ((1, 0), 1), ((0, 0), 2)], "{stretches:?}");
        }
        assert_eq!(verdict(&[]), Verdict::default());
        assert_eq!(verdict(&[(0, "A2 a1"), (1, "A2 a1")]).faults, [""; 0]);
    }

    #[test]
    fn what_is_no_order_is_found() {
        for (stretches, expected) in [
            // Another place.
            (&[(0, "a1 b1"), (1, "b1 a1")][..], "some lines come in a circle"),
            (
                &[(0, "a1 b1 a2"), (1, "a1 a2")],
                "not one order behind 0v0: 1: 0 saw 1v0: 1, 1 saw 0v0: 2",
            ),
            // One is missing at the beginning of what the second saw of both.
            (
                &[(0, "a1 c1"), (1, "b1 c1")],
                "not one order before 2v0: 1: 0 saw 0v0: 1, 1 saw 1v0: 1",
            ),
            // Twice, in one connection and in two.
            (&[(0, "a1 b1 a1")], "0 saw 0v0: 1 twice"),
            (&[(0, "a1 b1"), (1, "a1 b1 a2"), (0, "a1 a2")], "0 saw 0v0: 1 twice"),
            // A gap that nobody was told of.
            (&[(0, "a1 b1"), (1, "a2 b2")], "nobody saw how these parts belong together"),
            // Out of turn.
            (&[(0, "a2 b1 a1"), (1, "a2 b1 a1")], "0v0: 1 is behind 0v0: 2"),
        ] {
            let faults = verdict(stretches).faults;
            assert!(
                faults.iter().any(|fault| fault.contains(expected)),
                "{stretches:?}: {faults:?}"
            );
        }
    }
}
