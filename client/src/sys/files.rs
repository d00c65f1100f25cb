//! Where this user's files are, as the XDG base directory specification has it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{env, io};

/// Takes lines that are not UTF-8 out of a file, and says how many.
///
/// # Errors
///
/// When it cannot be read or written.
pub fn keep_text(path: &Path) -> io::Result<usize> {
    let bytes = fs::read(path)?;
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let (good, bad): (Vec<_>, Vec<_>) = lines.partition(|line| str::from_utf8(line).is_ok());
    replace(path, &good.concat())?;
    Ok(bad.len())
}

/// Puts these bytes in the place of a file, for this user alone. Whoever reads it meanwhile, or after a
/// failure, finds all of the old one.
///
/// # Errors
///
/// When they cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    fs::rename(&beside, path)
}

/// Where the file of the user's own settings is, or would be.
#[must_use]
pub fn config(name: &str) -> Option<PathBuf> {
    let config =
        env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.or_else(|| Some(env::home_dir()?.join(".config")));
    Some(config?.join("chat-client").join(name))
}

/// A file of what is kept from run to run. Its directory is made when it is missing.
///
/// # Errors
///
/// Says why there is none.
pub fn state(name: &str) -> Result<PathBuf, String> {
    // The specification wants a path that is not absolute to be ignored.
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(env::home_dir()?.join(".local/state")));
    let directory = state.ok_or("there is no home directory")?.join("chat-client");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
    made.map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
    Ok(directory.join(name))
}
