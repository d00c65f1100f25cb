//! Which checks are meant, and how they are listed and shown.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::Problem;
use crate::args::ServerArguments;
use crate::checks::{Check, Kind, LAST_LEVEL};
use crate::glob::matches;
use crate::report::text;
use crate::transcript;

/// Up to here it is a whole chat.
const USUAL_LEVEL: u8 = 5;

/// The checks that `arguments` name.
pub(super) fn selected<'a>(
    all: &'a [Check],
    arguments: &ServerArguments,
) -> Result<Vec<&'a Check>, Problem> {
    let (patterns, any) = (&arguments.only, !arguments.only.is_empty() || arguments.list);
    if arguments.variant.is_some() && arguments.level.is_some_and(|level| level > USUAL_LEVEL) {
        return Err(Problem::Usage(format!("a variant has the levels 0 to {USUAL_LEVEL}")));
    }
    let level = arguments.level.unwrap_or(if any { LAST_LEVEL } else { USUAL_LEVEL });
    let is_meant = |check: &&Check| {
        let is_named =
            patterns.is_empty() || patterns.iter().any(|only| matches(only, &check.about.name));
        is_named && check.about.level <= level
    };
    let checks: Vec<_> = all.iter().filter(is_meant).collect();
    if checks.is_empty() {
        let text = format!("no check is called {}; --list shows them", arguments.only.join(" or "));
        return Err(Problem::Usage(text));
    }
    Ok(checks)
}

/// A line a check.
pub(super) fn list(checks: &[&Check]) -> String {
    let mut text = String::new();
    let mut level = None;
    for check in checks {
        if level != Some(check.about.level) {
            text.push_str(&text::level(check.about.level));
            level = Some(check.about.level);
        }
        let _ = writeln!(text, "  {:<38} {}", check.about.name, check.about.why);
    }
    text
}

/// All about one check.
pub(super) fn show(all: &[Check], name: &str) -> Result<String, Problem> {
    let Some(check) = all.iter().find(|check| check.about.name == name) else {
        return Err(Problem::Usage(format!("no check is called {name}; --list shows them")));
    };
    let mut text = format!(
        "{}, level {}\n{}\n{}\n",
        check.about.name, check.about.level, check.about.why, check.about.rule
    );
    if !check.about.hint.is_empty() {
        let _ = writeln!(text, "{}", check.about.hint);
    }
    match &check.kind {
        Kind::Transcript(_) => {
            let _ = write!(text, "\n{}", transcript::text(name).unwrap_or_default());
        }
        Kind::Live { .. } => {
            text.push_str("\nIts clients are played by a function, not by a transcript.\n")
        }
    }
    Ok(text)
}

/// The text of a rubric.
pub(super) fn rubric(path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|error| Problem::Usage(format!("{}: {error}", path.display())))
}
