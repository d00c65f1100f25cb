//! Points for a grade, by a rubric that the teacher writes.
//!
//! A line of a rubric is `WHAT POINTS`. WHAT is `level-3` or a pattern for names of checks, as
//! `login-*`. As many of the points are given as checks passed, in proportion. `#` begins a
//! comment.

use std::fmt::Write as _;

use thiserror::Error;

use crate::glob::matches;
use crate::run::{Finding, Outcome};

/// What is wrong with a rubric.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RubricError {
    /// A line is not of the form.
    #[error("line {0} of the rubric is not `WHAT POINTS`")]
    Form(usize),
    /// No check is meant by a line.
    #[error("line {0} of the rubric means no check: {1}")]
    NoCheck(usize, String),
}

/// Points a line, and their sum.
///
/// # Errors
///
/// When the rubric cannot be understood.
pub fn points(rubric: &str, findings: &[Finding<'_>]) -> Result<String, RubricError> {
    let mut text = String::new();
    let (mut given, mut possible) = (0.0, 0.0);
    for (number, line) in (1..).zip(rubric.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (what, points) = line.rsplit_once(' ').ok_or(RubricError::Form(number))?;
        let what = what.trim();
        let points: f64 = points.parse().map_err(|_| RubricError::Form(number))?;
        let meant: Vec<_> = findings.iter().filter(|finding| is_meant(what, finding)).collect();
        if meant.is_empty() {
            return Err(RubricError::NoCheck(number, what.to_owned()));
        }
        let passed =
            meant.iter().filter(|finding| matches!(finding.outcome, Outcome::Passed)).count();
        // Checks that cannot be tried on this kind of server cost nobody points.
        let tried = meant.iter().filter(|finding| !is_impossible(finding)).count().max(1);
        #[expect(clippy::cast_precision_loss, reason = "there are some hundred checks")]
        let share = points * passed as f64 / tried as f64;
        given += share;
        possible += points;
        let _ = writeln!(text, "{what}: {share:.1} of {points} points");
    }
    let _ = writeln!(text, "all: {given:.1} of {possible} points");
    Ok(text)
}

fn is_meant(what: &str, finding: &Finding<'_>) -> bool {
    matches(what, &finding.check.name) || what == format!("level-{}", finding.check.level)
}

fn is_impossible(finding: &Finding<'_>) -> bool {
    matches!(finding.outcome, Outcome::Inapplicable(_))
}
