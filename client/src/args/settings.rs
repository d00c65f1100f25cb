//! What one types again and again: options in the user's own file, and short names of servers.
//!
//! The options are for the prompt alone, so that a script does the same for everybody. Short names hold
//! everywhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use chat_settings::{File, joined, read, text};
use clap::{Command, CommandFactory, FromArgMatches};

use super::chat::Args;
use super::server;
use crate::exit::{Exit, Failure};

/// The table of short names.
const SERVERS: &str = "servers";

/// Whom to trust is one decision, and so is the time at the left.
const RIVALS: [[&str; 2]; 2] = [["ca", "pin"], ["time", "no-time"]];

/// Why there are no arguments.
#[derive(Debug)]
pub enum Refusal {
    /// The command line is wrong, or asks for help.
    CommandLine(clap::Error),
    /// The file is.
    File(Failure),
}

/// What the command line says, and the file at `path`, if there is one. Without `at_a_prompt` its options
/// count for nothing.
///
/// # Errors
///
/// What is wrong.
pub fn parse(
    arguments: &[OsString],
    path: Option<&Path>,
    at_a_prompt: bool,
) -> Result<Args, Refusal> {
    let command = Args::command();
    let alone = command.clone().try_get_matches_from(arguments).map_err(Refusal::CommandLine)?;
    let asks = matches!(alone.subcommand_name(), Some("man" | "completions"));
    let Some(path) = path.filter(|_| !asks) else {
        return Args::from_arg_matches(&alone).map_err(Refusal::CommandLine);
    };
    let File { settings, names } = file(path, &command).map_err(Refusal::File)?;
    let is_for_the_prompt = at_a_prompt && alone.subcommand_name().is_none();
    let arguments = match is_for_the_prompt {
        true => joined(arguments.to_vec(), settings, &alone, &command, &RIVALS),
        false => arguments.to_vec(),
    };
    with_names(command, &names)
        .try_get_matches_from(arguments)
        .and_then(|matches| Args::from_arg_matches(&matches))
        .map_err(Refusal::CommandLine)
}

/// The short names of servers in the file at `path`. None, where it is wrong or not there.
#[must_use]
pub fn short_names(path: &Path) -> Vec<String> {
    file(path, &Args::command()).map(|file| file.names.into_keys().collect()).unwrap_or_default()
}

fn file(path: &Path, command: &Command) -> Result<File, Failure> {
    use io::ErrorKind::{NotADirectory, NotFound};

    let said = |why: String| Failure::new(Exit::Usage, format!("{}: {why}", path.display()));
    match text(path) {
        Ok(text) => read(&text, command, Some(SERVERS)).map_err(|wrong| said(wrong.to_string())),
        // Whoever has no home directory may have a file in its place, `/dev/null` say.
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(File::default()),
        Err(error) => Err(said(error.to_string())),
    }
}

/// The command line where `--server` takes these names too.
fn with_names(command: Command, names: &BTreeMap<String, String>) -> Command {
    let taught = |command: Command| {
        if !command.get_arguments().any(|option| option.get_id() == "server") {
            return command;
        }
        let names = names.clone();
        let named = move |text: &str| {
            let meant = |word| names.get(word).map_or(word, String::as_str);
            server::server(&server::addresses(text).map(meant).collect::<Vec<_>>().join(","))
        };
        command.mut_arg("server", |option| option.value_parser(named))
    };
    let subcommands: Vec<_> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    subcommands.iter().fold(taught(command), |command, name| command.mut_subcommand(name, taught))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FILE: &str = "name = 'ann'\nserver = 'lab'\n[servers]\nlab = 'chat.example:7'\n";

    /// The server and the name that are meant.
    fn meant(line: &str, file: &str, at_a_prompt: bool) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, file).unwrap();
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        match parse(&arguments, Some(&path), at_a_prompt) {
            Ok(args) => Ok(format!("{} {}", args.server.server, args.server.name().unwrap_or("-"))),
            Err(Refusal::CommandLine(error)) => Err(error.to_string()),
            Err(Refusal::File(failure)) => {
                Err(failure.to_string().replace(path.to_str().unwrap(), "FILE"))
            }
        }
    }

    #[test]
    fn options_are_for_the_prompt_and_names_for_all() {
        let cases = [
            ("c", true, "chat.example:7 ann"),
            ("c --name bob", true, "chat.example:7 bob"),
            ("c --server h:1", true, "h:1 ann"),
            ("c", false, "127.0.0.1:6666 -"),
            ("c --server lab", false, "chat.example:7 -"),
            ("c -s lab", true, "chat.example:7 ann"),
            ("c -s h:1,lab", true, "h:1,chat.example:7 ann"),
        ];
        for (line, at_a_prompt, expected) in cases {
            assert_eq!(meant(line, FILE, at_a_prompt).as_deref(), Ok(expected), "{line}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, FILE).unwrap();
        let arguments = ["c", "say", "--server", "lab", "--name", "al", "hi"].map(OsString::from);
        let args = parse(&arguments, Some(&path), true).unwrap();
        assert!(format!("{args:?}").contains("chat.example:7"), "{args:?}");
    }

    /// Each key, a value in the file, what it becomes, and what another one on the command line becomes.
    const KEYS: [(&str, &str, &str, &[&str], &str); 16] = [
        ("server", "'a:1'", "server: \"a:1\"", &["--server", "b:2"], "server: \"b:2\""),
        ("name", "'ann'", "name: Some(\"ann\")", &["--name", "bo"], "name: Some(\"bo\")"),
        (
            "password-file",
            "'a'",
            "password_file: Some(\"a\")",
            &["--password-file", "b"],
            "password_file: Some(\"b\")",
        ),
        ("room", "'a'", "room: Some(\"a\")", &["--room", "b"], "room: Some(\"b\")"),
        ("tls", "true", "tls: true", &["--tls"], "tls: true"),
        ("ca", "'a'", "ca: Some(\"a\")", &["--ca", "b"], "ca: Some(\"b\")"),
        ("pin", "'a'", "pin: Some(\"a\")", &["--pin", "b"], "pin: Some(\"b\")"),
        ("timeout", "3", "timeout: Some(3s)", &["--timeout", "1.5"], "timeout: Some(1.5s)"),
        ("time", "'%M'", "time: \"%M\"", &["--time", "%S"], "time: \"%S\""),
        ("no-time", "true", "no_time: true", &["--time", "%S"], "no_time: false"),
        ("no-bell", "true", "no_bell: true", &["--no-bell"], "no_bell: true"),
        ("quiet", "true", "quiet: true", &["--quiet"], "quiet: true"),
        ("color", "'always'", "color: Always", &["--color", "never"], "color: Never"),
        ("plain", "true", "plain: true", &["--plain"], "plain: true"),
        (
            "on-mention",
            "'a'",
            "on_mention: Some(\"a\")",
            &["--on-mention", "b"],
            "on_mention: Some(\"b\")",
        ),
        ("log", "'a'", "log: Some(\"a\")", &["--log", "b"], "log: Some(\"b\")"),
    ];

    #[test]
    fn each_option_may_stand_in_the_file_and_the_command_line_goes_before_it() {
        let command = Args::command();
        let options = command.get_arguments().filter_map(clap::Arg::get_long);
        let options: Vec<_> = options.filter(|it| !matches!(*it, "help" | "version")).collect();
        let mut keys = KEYS.map(|(key, ..)| key);
        let mut expected = options.clone();
        keys.sort_unstable();
        expected.sort_unstable();
        assert_eq!(keys[..], expected);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        for (key, value, from_file, given, from_line) in KEYS {
            fs::write(&path, format!("{key} = {value}\n")).unwrap();
            let parsed = |given: &[&str], path| {
                let words: Vec<_> = ["c"].iter().chain(given).map(OsString::from).collect();
                format!("{:?}", parse(&words, path, true).unwrap())
            };
            assert!(!parsed(&[], None).contains(from_file), "{key}: it is the default");
            assert!(parsed(&[], Some(&path)).contains(from_file), "{key}");
            assert!(parsed(given, Some(&path)).contains(from_line), "{key}");
        }
        // One of the two ways to trust goes before the other one.
        fs::write(&path, "ca = 'a'\n").unwrap();
        let words = ["c", "--pin", "b"].map(OsString::from);
        let args = parse(&words, Some(&path), true).unwrap();
        assert_eq!((args.server.tls.ca, args.server.tls.pin.as_deref()), (None, Some("b")));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = meant("c", "name = 'a'\nnaem = 'b'\n", true).unwrap_err();
        assert!(wrong.starts_with("FILE: line 2: there is no naem"), "{wrong}");
        let wrong = meant("c --server lab", "[servers]\nlab = 'h:x'\n", true).unwrap_err();
        assert!(wrong.contains("a number up to 65535"), "{wrong}");
    }

    /// A pipe to which nobody writes, say, that would be waited for without an end.
    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let arguments = ["c", "look"].map(OsString::from);
        let Err(Refusal::File(failure)) = parse(&arguments, Some(Path::new("/dev/zero")), false)
        else {
            panic!("it was read");
        };
        assert_eq!(failure, Failure::new(Exit::Usage, "/dev/zero: it is no regular file"));
        assert!(parse(&arguments, Some(Path::new("/dev/null")), false).is_ok());
    }

    #[test]
    fn the_file_of_the_page_is_right() {
        let page = include_str!("../../../docs/client.md");
        let file = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(meant("c", file, true).as_deref(), Ok("chat.example.org:6666 ann"));
        assert_eq!(meant("c -s home", file, true).as_deref(), Ok("192.168.1.20 ann"));
        let campus = "chat1.example.org,chat2.example.org ann";
        assert_eq!(meant("c -s campus", file, true).as_deref(), Ok(campus));
    }

    #[test]
    fn without_a_file_all_is_as_it_was() {
        let arguments = ["c", "--server", "lab"].map(OsString::from);
        for path in [None, Some("/no/such/file"), Some("/dev/null/.config/chat-client/config.toml")]
        {
            let path = path.map(Path::new);
            assert_eq!(parse(&arguments, path, true).unwrap().server.server, "lab");
        }
    }
}
