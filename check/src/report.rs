//! What was found, for people and for programs.

pub mod hints;
pub mod json;
pub mod junit;
pub mod points;
pub mod text;

use crate::run::{Finding, Outcome};

/// How many checks passed, failed, and were not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Checks that passed.
    pub passed: usize,
    /// Checks that failed.
    pub failed: usize,
    /// Checks that mean nothing for a server of this kind.
    pub inapplicable: usize,
    /// Checks that were not tried.
    pub given_up: usize,
}

impl Counts {
    /// Counts findings.
    #[must_use]
    pub fn of(findings: &[Finding<'_>]) -> Self {
        let count = |is: fn(&Outcome) -> bool| {
            findings.iter().filter(|finding| is(&finding.outcome)).count()
        };
        Self {
            passed: count(|outcome| matches!(outcome, Outcome::Passed)),
            failed: count(|outcome| matches!(outcome, Outcome::Failed { .. })),
            inapplicable: count(|outcome| matches!(outcome, Outcome::Inapplicable(_))),
            given_up: count(|outcome| matches!(outcome, Outcome::GivenUp(_))),
        }
    }
}
