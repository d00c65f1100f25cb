//! `--config FILE`: the options that stand in a file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chat_settings::{Setting, joined, read, text, usage};
use clap::CommandFactory;

use super::arguments::Arguments;

/// How much is logged is one decision.
const RIVALS: [[&str; 2]; 1] = [["verbose", "quiet"]];

/// The command line with what the file of its `--config` adds. Without one it is as it was.
pub fn with_file(arguments: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    let command = Arguments::command();
    // An option may need another one that stands in the file, so faults are looked for afterwards.
    let lenient = command.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let Ok(matches) = lenient else { return Ok(arguments) };
    let Some(path) = matches.get_one::<PathBuf>("config") else { return Ok(arguments) };
    let settings = settings(path)?;
    Ok(joined(arguments, settings, &matches, &command, &RIVALS))
}

/// Whether the server could be started with what is in the file, as far as that can be told without
/// starting it.
pub fn check(path: &Path) -> anyhow::Result<()> {
    let settings = settings(path)?;
    let program = std::iter::once(OsString::from("chat-server"));
    let arguments = program.chain(settings.into_iter().flat_map(|setting| setting.arguments));
    Arguments::command().try_get_matches_from(arguments).map_err(|error| {
        anyhow::anyhow!(usage::reason(&error)).context(path.display().to_string())
    })?;
    Ok(())
}

fn settings(path: &Path) -> anyhow::Result<Vec<Setting>> {
    let found = text(path).with_context(|| path.display().to_string())?;
    let file = read(&found, &Arguments::command(), None);
    Ok(file.with_context(|| path.display().to_string())?.settings)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::{ArgAction, Parser};

    use super::*;

    /// Each key, a value in a file, and another one on the command line. Of what an option needs beside it,
    /// and what it cannot stand beside, a test of the program tells.
    const KEYS: [(&str, &str, &str); 41] = [
        ("listen", "['127.0.0.1:11', '127.0.0.1:12']", "127.0.0.1:13"),
        ("classic", "'127.0.0.1:11'", "127.0.0.1:12"),
        ("web", "'127.0.0.1:11'", "127.0.0.1:12"),
        ("web-name", "['a.example', 'b.example']", "c.example"),
        ("web-also", "['https://a.example', 'https://b.example']", "https://c.example"),
        ("hidden", "true", ""),
        ("tls", "'127.0.0.1:11'", "127.0.0.1:12"),
        ("web-tls", "'127.0.0.1:11'", "127.0.0.1:12"),
        ("certificate", "'a'", "b"),
        ("key", "'a'", "b"),
        ("couriers", "2", "3"),
        ("max-line", "100", "101"),
        ("backlog", "300000", "300001"),
        ("max-clients", "11", "12"),
        ("max-per-address", "11", "12"),
        ("max-arrivals", "11", "12"),
        ("exempt", "['10.0.0.0/8', '::1']", "10.1.0.0/16"),
        ("max-owed", "70000", "70001"),
        ("max-rooms", "11", "12"),
        ("no-watchers", "true", ""),
        ("login-timeout", "11", "12"),
        ("rate", "11", "12"),
        ("burst", "11", "12"),
        ("stall-timeout", "11", "12"),
        ("keepalive", "11", "12"),
        ("user-timeout", "11", "12"),
        ("log", "'redis://a.example'", "redis://b.example"),
        ("log-password", "'a'", "b"),
        ("log-authorities", "'a'", "b"),
        ("data", "'a'", "b"),
        ("sync", "true", ""),
        ("motd", "'a'", "b"),
        ("operators", "'a'", "b"),
        ("users", "'a'", "b"),
        ("members-only", "true", ""),
        ("password", "'a'", "b"),
        ("exit-when-idle", "11", "12"),
        ("verbose", "2", "1"),
        ("quiet", "2", "1"),
        ("trace", "true", ""),
        ("config", "'a'", "b"),
    ];

    /// What the program would be started with, in words.
    fn with(text: &str, given: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        fs::write(&path, text).unwrap();
        let config = ["chat-server", "--config", path.to_str().unwrap()];
        let words = config.iter().chain(given).map(OsString::from).collect();
        let words = with_file(words).unwrap().into_iter().skip(1);
        let words = words.map(|word| word.into_string().unwrap());
        words.filter(|word| word != "--config" && !word.ends_with("/server.toml")).collect()
    }

    #[test]
    fn each_option_may_stand_in_the_file_and_the_command_line_goes_before_it() {
        let command = Arguments::command();
        let options = command.get_arguments().filter_map(|option| option.get_long());
        let names: Vec<_> = options.filter(|long| !matches!(*long, "help" | "version")).collect();
        let mut sorted = KEYS.map(|(key, ..)| key);
        sorted.sort_unstable();
        let mut expected = names.clone();
        expected.sort_unstable();
        assert_eq!(sorted[..], expected);
        for (key, value, other) in KEYS.into_iter().filter(|(key, ..)| *key != "config") {
            let text = format!("{key} = {value}\n");
            let words = with(&text, &[]);
            assert!(words.iter().all(|word| word.starts_with(&format!("--{key}"))), "{words:?}");
            assert!(!words.is_empty(), "{key}");
            let option = command.get_arguments().find(|it| it.get_long() == Some(key)).unwrap();
            let given = match option.get_action() {
                ArgAction::SetTrue => continue,
                ArgAction::Count => vec![format!("--{key}"); other.parse().unwrap()],
                _ => vec![format!("--{key}={other}")],
            };
            let given: Vec<_> = given.iter().map(String::as_str).collect();
            assert_eq!(with(&text, &given), given, "{key}");
        }
    }

    #[test]
    fn less_on_the_command_line_goes_before_more_in_the_file() {
        assert_eq!(with("verbose = 2\n", &["--quiet"]), ["--quiet"]);
        let arguments = Arguments::parse_from(["chat-server", "--quiet"]);
        assert_eq!(arguments.log_level(), log::LevelFilter::Warn);
    }
}
