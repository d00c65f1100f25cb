//! Where this user's files are, as the XDG base directory specification has it.

use std::env;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// The file of the lines typed so far. Its directory is made when it is missing.
///
/// # Errors
///
/// Says why there is none.
pub fn history() -> Result<PathBuf, String> {
    // The specification wants a path that is not absolute to be ignored.
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(env::home_dir()?.join(".local/state")));
    let directory = state.ok_or("there is no home directory")?.join("chat-client");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
    made.map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
    Ok(directory.join("history"))
}
