//! For programs: one JSON object.

use serde::Serialize;

use crate::report::Counts;
use crate::run::{Finding, Outcome};

/// All that was found.
#[derive(Debug, Serialize)]
struct Report<'a> {
    passed: usize,
    failed: usize,
    inapplicable: usize,
    given_up: usize,
    checks: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    level: u8,
    outcome: &'static str,
    milliseconds: u128,
    rule: &'a str,
    why: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Entered<'a>>,
}

#[derive(Debug, Serialize)]
struct Entered<'a> {
    client: &'a str,
    expected: &'a str,
    got: String,
    before: &'a [String],
}

/// The findings as an object, with a newline.
#[must_use]
pub fn json(findings: &[Finding<'_>]) -> String {
    let Counts { passed, failed, inapplicable, given_up } = Counts::of(findings);
    let checks = findings.iter().map(entry).collect();
    let report = Report { passed, failed, inapplicable, given_up, checks };
    // Strings and numbers alone are always written.
    serde_json::to_string_pretty(&report).map(|text| text + "\n").unwrap_or_default()
}

fn entry<'a>(finding: &'a Finding<'_>) -> Entry<'a> {
    let (outcome, reason, failure) = match &finding.outcome {
        Outcome::Passed => ("passed", None, None),
        Outcome::Failed { failure, .. } => ("failed", None, Some(failure)),
        Outcome::Inapplicable(why) => ("inapplicable", Some(*why), None),
        Outcome::GivenUp(why) => ("given up", Some(why.as_str()), None),
    };
    let differences = failure.map(|failure| &failure.differences[..]).unwrap_or_default();
    Entry {
        name: &finding.check.name,
        level: finding.check.level,
        outcome,
        milliseconds: finding.took.as_millis(),
        rule: &finding.check.rule,
        why: &finding.check.why,
        reason,
        differences: differences
            .iter()
            .map(|difference| Entered {
                client: &difference.client,
                expected: &difference.expected,
                got: difference.got.shown(),
                before: &difference.before,
            })
            .collect(),
    }
}
