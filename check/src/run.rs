//! Runs checks against a server, one after the other, in a bounded time.

use std::time::{Duration, Instant};

use crate::checks::{Check, Kind, Rule};
use crate::failure::{Difference, Failure, Got};
use crate::stage::Stage;
use crate::target::{Target, Unreachable};
use crate::transcript::Texts;
use crate::variant::Variant;

/// How long all the checks together may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The same where a relay delays all that is sent.
pub const PATIENCE_WITH_A_MOOD: Duration = Duration::from_secs(180);

/// Failures of a level by waiting in vain, after which the rest of it is given up.
const TIMEOUTS_OF_A_LEVEL: usize = 3;

/// What became of a check.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The server keeps the rule, as far as one can see.
    Passed,
    /// It does not.
    Failed {
        /// What was not as it should be.
        failure: Failure,
        /// What the server itself said last.
        last_words: Option<String>,
    },
    /// It means nothing for a server of this kind, and why.
    Inapplicable(&'static str),
    /// It was not tried, and why.
    GivenUp(String),
}

/// A check that was run.
#[derive(Debug, Clone)]
pub struct Finding<'a> {
    /// What was checked.
    pub check: &'a Rule,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// How to run checks.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether texts that the protocol leaves open are compared.
    pub texts: Texts,
    /// Decides the random names and texts.
    pub seed: u64,
    /// How long all checks together may take.
    pub patience: Duration,
    /// The variant of the protocol that the server speaks, when it is one.
    pub variant: Option<Variant>,
}

impl Default for Options {
    fn default() -> Self {
        Self { texts: Texts::Open, seed: fastrand::u64(..), patience: PATIENCE, variant: None }
    }
}

/// Runs `checks` in their order. `each` gets each finding as soon as it is there.
///
/// # Errors
///
/// When there is no server at all. A server that is gone after a check that failed is a failure.
pub fn run<'a>(
    target: &mut dyn Target,
    checks: &[&'a Check],
    options: Options,
    mut each: impl FnMut(&Finding<'a>),
) -> Result<Vec<Finding<'a>>, Unreachable> {
    let end = Instant::now() + options.patience;
    let mut seeds = fastrand::Rng::with_seed(options.seed);
    let mut timeouts = [0; 256];
    let mut findings: Vec<Finding<'a>> = Vec::new();
    for check in checks {
        let start = Instant::now();
        let timeouts = &mut timeouts[usize::from(check.about.level)];
        let given_up = if start >= end {
            Some(is_over(options))
        } else if let Some(level) = hopeless(&findings, check.about.level) {
            Some(format!("nothing of level {level} passes yet"))
        } else if *timeouts >= TIMEOUTS_OF_A_LEVEL {
            Some(format!(
                "level {} was given up: {timeouts} checks waited in vain",
                check.about.level
            ))
        } else {
            None
        };
        let outcome = match given_up {
            Some(why) => Outcome::GivenUp(why),
            None => {
                let stage = Preparation { target, options, seed: seeds.u64(..), end };
                match one(check, stage) {
                    Ok(outcome) => outcome,
                    Err(error) if findings.is_empty() => return Err(error),
                    Err(error) => gone(&error, findings.last()),
                }
            }
        };
        if let Outcome::Failed { failure, .. } = &outcome {
            *timeouts += usize::from(failure.has_timeout());
        }
        let finding = Finding { check: &check.about, outcome, took: start.elapsed() };
        each(&finding);
        findings.push(finding);
    }
    Ok(findings)
}

fn is_over(options: Options) -> String {
    format!("{} s are over", options.patience.as_secs())
}

/// A level below `level` without which no other check can pass, and of which nothing passes.
fn hopeless(findings: &[Finding<'_>], level: u8) -> Option<u8> {
    (0..level.min(2)).find(|below| {
        let count = |is: fn(&Outcome) -> bool| {
            let of_it = findings.iter().filter(|finding| finding.check.level == *below);
            of_it.filter(|finding| is(&finding.outcome)).count()
        };
        // One check says little about a level: it may be the only one that was asked for.
        count(|outcome| matches!(outcome, Outcome::Failed { .. })) > 1
            && count(|outcome| matches!(outcome, Outcome::Passed)) == 0
    })
}

/// The server was there before. Its end belongs to the check before, and is a fault if that one
/// passed.
fn gone(error: &Unreachable, last: Option<&Finding<'_>>) -> Outcome {
    match last {
        Some(Finding { check, outcome: Outcome::Passed, .. }) => {
            let expected = format!("a server that is still there after {}", check.name);
            let got = Got::Fact(error.to_string());
            let (client, line, before) = (String::new(), None, Vec::new());
            let failure = Difference { client, line, expected, got, before }.into();
            Outcome::Failed { failure, last_words: None }
        }
        _ => Outcome::GivenUp(error.to_string()),
    }
}

struct Preparation<'a> {
    target: &'a mut dyn Target,
    options: Options,
    seed: u64,
    end: Instant,
}

fn one(check: &Check, preparation: Preparation<'_>) -> Result<Outcome, Unreachable> {
    let Preparation { target, options, seed, end } = preparation;
    let operators = match &check.kind {
        Kind::Transcript(transcript) => &transcript.headers.operators[..],
        Kind::Live { .. } => &[],
    };
    if !operators.is_empty() && !target.has_operators() {
        return Ok(Outcome::Inapplicable("it needs a server with operators"));
    }
    let addresses = target.ready(operators)?;
    if let Some(why) = check.cannot_be_tried(&addresses, target.has_operators(), target.process()) {
        return Ok(Outcome::Inapplicable(why));
    }
    let mut stage = Stage::new(addresses, target.process(), seed, end);
    stage.variant = options.variant;
    match check.run(&mut stage, options.texts) {
        Ok(()) => Ok(Outcome::Passed),
        Err(failure) => {
            let last_words = target.last_words();
            target.failed();
            // What its own patience did not end, but that of the run, is no fault of the server.
            let is_cut_off = Instant::now() >= end && failure.is_nothing_but_timeouts();
            Ok(match is_cut_off {
                true => Outcome::GivenUp(is_over(options)),
                false => Outcome::Failed { failure, last_words },
            })
        }
    }
}
