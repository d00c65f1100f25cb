//! Small files, whole or not at all: texts that a server is given to read, and files that are
//! replaced. Everything that the server makes belongs to its user alone.
//!
//! This module knows nothing of what is in the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The longest text that is read, in bytes. It is more than anybody writes by hand, and keeps a
/// wrong path, such as a device, from filling memory.
const TEXT_BYTES: u64 = 64 * 1024;

/// The same for what programs write: a hundred thousand names and secrets.
const LONG_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// The text of a file.
///
/// # Errors
///
/// Says which file cannot be used, and why.
pub fn read_text(path: &Path) -> io::Result<String> {
    read_text_up_to(path, TEXT_BYTES)
}

/// The same of a file that a program wrote, a line for each of many people.
///
/// # Errors
///
/// As above.
pub fn read_long_text(path: &Path) -> io::Result<String> {
    read_text_up_to(path, LONG_TEXT_BYTES)
}

fn read_text_up_to(path: &Path, most: u64) -> io::Result<String> {
    let explain = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot use {}: {error}", path.display()))
    };
    let text = read_up_to(path, most + 1).map_err(explain)?;
    if text.len() as u64 > most {
        return Err(explain(io::Error::other(format!("it is longer than {most} bytes"))));
    }
    Ok(text)
}

/// A file that only a server writes, and that may be as long as it likes.
///
/// # Errors
///
/// As the system says it; what is no file is not waited for.
pub fn read_own(path: &Path) -> io::Result<Vec<u8>> {
    check_regular(path)?;
    fs::read(path)
}

fn read_up_to(path: &Path, most: u64) -> io::Result<String> {
    check_regular(path)?;
    let mut text = String::new();
    File::open(path)?.take(most).read_to_string(&mut text)?;
    // Some editors begin a file with a byte order mark.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// A pipe that nobody writes to, or a device, would be waited for without an end.
///
/// # Errors
///
/// When there is nothing, or something that is no file.
pub fn check_regular(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is no regular file"))
}

/// What is wrong with a line of a file. Lines count from 1.
#[must_use]
pub fn bad_line(path: &Path, number: usize, why: &str) -> io::Error {
    io::Error::other(format!("cannot use {}: line {number} {why}", path.display()))
}

/// How to make files that belong to their user alone.
#[must_use]
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

/// Replaces a file by one with this text, so that there is always a whole one; with `sync`, also
/// when the power fails.
///
/// The new text is written beside the file, always under the same name: after a crash it is
/// overwritten, and no litter gathers. One thread at a time may replace a file.
///
/// # Errors
///
/// When it cannot be written. Then the file is what it was; only when its folder cannot be synced,
/// the file is new already.
pub fn replace(path: &Path, text: &str, sync: bool) -> io::Result<()> {
    let new = path.with_added_extension("new");
    match check_regular(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private_file().write(true).truncate(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    if sync {
        file.sync_all()?;
    }
    fs::rename(new, path)?;
    if sync { sync_folder_of(path) } else { Ok(()) }
}

/// Has a file's name on the disk. A new file, or a new name, is safe from a power failure only
/// when its folder was synced too: see fsync(2).
///
/// # Errors
///
/// When the folder cannot be synced.
pub fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("topic");
        for sync in [false, true] {
            replace(&path, "old", sync).unwrap();
            replace(&path, "new", sync).unwrap();
            assert_eq!(read_text(&path).unwrap(), "new");
            let names = fs::read_dir(folder.path()).unwrap();
            assert_eq!(names.count(), 1);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // What is left of a crash is in nobody's way, but a folder is.
        fs::write(folder.path().join("topic.new"), "torn").unwrap();
        replace(&path, "newer", false).unwrap();
        fs::create_dir(folder.path().join("topic.new")).unwrap();
        replace(&path, "newest", false).unwrap_err();
        assert_eq!(read_text(&path).unwrap(), "newer");
    }

    #[test]
    fn a_text_is_short_and_has_no_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "\u{feff}a\n").unwrap();
        assert_eq!(read_text(&path).unwrap(), "a\n");
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(read_text(&pipe).unwrap_err().to_string().ends_with(": it is no regular file"));
        nix::unistd::mkfifo(&folder.path().join("bans.new"), nix::sys::stat::Mode::S_IRUSR)
            .unwrap();
        replace(&folder.path().join("bans"), "", false).unwrap_err();
        fs::write(&path, "x".repeat(TEXT_BYTES as usize + 1)).unwrap();
        assert!(read_text(&path).unwrap_err().to_string().ends_with("longer than 65536 bytes"));
        let error = read_text(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(error, "cannot use /dev/zero: it is no regular file");
        assert_eq!(
            bad_line(Path::new("bans"), 2, "is no ban").to_string(),
            "cannot use bans: line 2 is no ban"
        );
    }
}
