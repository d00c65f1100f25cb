//! `--config FILE`: the options that stand in a file.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chat_settings::{Setting, joined, read};
use clap::CommandFactory;

use super::arguments::Arguments;

/// The command line with what the file of its `--config` adds. Without one it is as it was.
pub fn with_file(arguments: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    let command = Arguments::command();
    // An option may need another one that stands in the file, so faults are looked for afterwards.
    let lenient = command.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let Ok(matches) = lenient else { return Ok(arguments) };
    let Some(path) = matches.get_one::<PathBuf>("config") else { return Ok(arguments) };
    let settings = settings(path)?;
    Ok(joined(arguments, settings, &matches, &command))
}

/// Whether the server could be started with what is in the file, as far as that can be told without
/// starting it.
pub fn check(path: &Path) -> anyhow::Result<()> {
    let settings = settings(path)?;
    let program = std::iter::once(OsString::from("chat-server"));
    let arguments = program.chain(settings.into_iter().flat_map(|setting| setting.arguments));
    Arguments::command().try_get_matches_from(arguments).map_err(|error| {
        let text = error.render().to_string();
        let what = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let what = what.trim_start_matches("error: ").to_owned();
        anyhow::anyhow!(what).context(path.display().to_string())
    })?;
    Ok(())
}

fn settings(path: &Path) -> anyhow::Result<Vec<Setting>> {
    let text = read_text(path).with_context(|| path.display().to_string())?;
    let file = read(&text, &Arguments::command(), None);
    Ok(file.with_context(|| path.display().to_string())?.settings)
}

/// The text of a file. A pipe that nobody writes to would be waited for without an end.
fn read_text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    fs::read_to_string(path)
}
