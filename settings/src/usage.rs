//! What a program says of its own command line: what is wrong with one, in one line, and the help that
//! was asked for. It prints nothing.

use std::env;

/// What is wrong with a command line, and what to do, in one line. clap itself takes several, and a script
/// that reads a log, or somebody who looks for the one line that matters, is served better by one.
#[must_use]
pub fn wrong(error: &clap::Error) -> String {
    reason(error) + "; see --help"
}

/// What is wrong alone, without where to look.
#[must_use]
pub fn reason(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let what = text.split("\n\nUsage:").next().unwrap_or_default();
    let what = what.split("\n\nFor more").next().unwrap_or_default();
    let mut reason = String::new();
    for line in what.lines().map(str::trim).filter(|line| !line.is_empty()) {
        reason += match reason.chars().last() {
            None => "",
            Some(':') => " ",
            Some(_) => "; ",
        };
        reason += line.trim_start_matches("error: ");
    }
    reason
}

/// The help or the version that was asked for, with bold words for a terminal that has them.
#[must_use]
pub fn asked(help: &clap::Error, is_terminal: bool) -> String {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    let text = help.render();
    match is_terminal && !is_dumb && !is_set("NO_COLOR") {
        true => text.ansi().to_string(),
        false => text.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    fn command() -> Command {
        Command::new("p").args([
            Arg::new("rate").long("rate").value_parser(clap::value_parser!(u32)),
            Arg::new("mood").long("mood").value_parser(["glue", "slow"]),
            Arg::new("place").required(true),
        ])
    }

    #[test]
    fn whatever_is_wrong_is_one_line() {
        for (line, expected) in [
            ("p", "the following required arguments were not provided: <place>"),
            (
                "p x --rat",
                "unexpected argument '--rat' found; tip: a similar argument exists: '--rate'",
            ),
            (
                "p x --rate many",
                "invalid value 'many' for '--rate <rate>': invalid digit found in string",
            ),
            (
                "p x --mood bad",
                "invalid value 'bad' for '--mood <mood>'; [possible values: glue, slow]",
            ),
            ("p x y", "unexpected argument 'y' found"),
            ("p x --rate", "a value is required for '--rate <rate>' but none was supplied"),
        ] {
            let error = command().try_get_matches_from(line.split(' ')).unwrap_err();
            assert!(error.use_stderr());
            assert_eq!(wrong(&error), format!("{expected}; see --help"), "{line}");
        }
        let error = command().try_get_matches_from(["p", "x", "a\nb\n"]).unwrap_err();
        assert_eq!(wrong(&error), "unexpected argument 'a; b; ' found; see --help");
    }

    #[test]
    fn help_without_a_terminal_is_its_text() {
        let help = command().try_get_matches_from(["p", "--help"]).unwrap_err();
        assert!(!help.use_stderr());
        let text = asked(&help, false);
        assert!(text.contains("Usage: p [OPTIONS] <place>\n") && !text.contains('\x1b'), "{text}");
    }
}
