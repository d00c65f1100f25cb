//! For people: a line a check, and below a failure what a student can act on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::checks::{LEVELS, Rule};
use crate::failure::{Difference, Failure, Got};
use crate::report::Counts;
use crate::report::hints::hint;
use crate::run::{Finding, Outcome};

/// Differences of one check that are shown in a line each, beside the first.
const MORE_DIFFERENCES: usize = 5;

/// The heading of a level.
#[must_use]
pub fn level(level: u8) -> String {
    let what = LEVELS.get(usize::from(level)).copied().unwrap_or_default();
    format!("level {level}: {what}\n")
}

/// One check, with what to do when it failed.
#[must_use]
pub fn finding(finding: &Finding<'_>) -> String {
    let name = &finding.check.name;
    match &finding.outcome {
        Outcome::Passed => format!("  ok    {name}\n"),
        // The summary counts these.
        Outcome::Inapplicable(_) | Outcome::GivenUp(_) => String::new(),
        Outcome::Failed { failure, last_words } => {
            let mut text = format!("  FAIL  {name}\n");
            text.push_str(&explanation(finding.check, failure));
            if let Some(words) = last_words {
                let _ = writeln!(text, "        {}", words.replace('\n', "\n        "));
            }
            text
        }
    }
}

/// The last lines.
#[must_use]
pub fn summary(findings: &[Finding<'_>]) -> String {
    let Counts { passed, failed, .. } = Counts::of(findings);
    let mut text = format!("{passed} passed, {failed} failed\n");
    let mut others: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for finding in findings {
        let other = match &finding.outcome {
            Outcome::Inapplicable(why) => ("left out", *why),
            Outcome::GivenUp(why) => ("not tried", why.as_str()),
            Outcome::Passed | Outcome::Failed { .. } => continue,
        };
        *others.entry(other).or_default() += 1;
    }
    for ((what, why), count) in others {
        let _ = writeln!(text, "{count} {what}: {why}");
    }
    let is_failed = |finding: &&Finding<'_>| matches!(finding.outcome, Outcome::Failed { .. });
    if let Some(finding) = findings.iter().find(is_failed) {
        let _ =
            writeln!(text, "begin with {}, in level {}", finding.check.name, finding.check.level);
    }
    text
}

fn explanation(check: &Rule, failure: &Failure) -> String {
    let mut text = String::new();
    let Some((first, more)) = failure.differences.split_first() else { return text };
    for (number, line) in first.before.iter().enumerate() {
        let _ = writeln!(text, "        {:<9}{line}", if number == 0 { "played" } else { "" });
    }
    let at = if first.client.is_empty() { String::new() } else { format!("{} < ", first.client) };
    let got = first.got.shown();
    let _ = writeln!(text, "        {:<9}{at}{}", "expected", first.expected);
    let _ = writeln!(text, "        {:<9}{at}{got}", "got");
    if let Some(place) = first_difference(first, &got) {
        let _ = writeln!(text, "        {:<9}{}^", "", " ".repeat(at.chars().count() + place));
    }
    let _ = writeln!(text, "        {:<9}{}", "rule", check.why);
    let _ = writeln!(text, "        {:<9}{}", "", check.rule);
    let hint = hint(first, check.variant).unwrap_or_else(|| check.hint.clone());
    if !hint.is_empty() {
        let _ = writeln!(text, "        {:<9}{hint}", "hint");
    }
    for difference in more.iter().take(MORE_DIFFERENCES) {
        let Difference { client, expected, got, .. } = difference;
        let _ = writeln!(
            text,
            "        {:<9}{client}: {expected} expected, got {}",
            "also",
            got.shown()
        );
    }
    if more.len() > MORE_DIFFERENCES {
        let _ = writeln!(text, "        {:<9}{} more", "also", more.len() - MORE_DIFFERENCES);
    }
    text
}

/// How many characters `expected` and what came have in common, where both are lines.
fn first_difference(difference: &Difference, got: &str) -> Option<usize> {
    let is_a_line = matches!(&difference.got, Got::Bytes(bytes) if !bytes.is_empty());
    if !is_a_line || difference.expected.starts_with('(') {
        return None;
    }
    Some(difference.expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count())
}
