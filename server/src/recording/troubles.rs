//! Which files of the recorder fail, and what the server's log says of that.
//!
//! This module knows no file.

use std::collections::HashSet;
use std::io;

/// What the recorder's files suffer from, over all rooms. A disk that fails is one line in the
/// server's log, whatever the number of rooms.
#[derive(Debug, Default)]
pub struct Troubles {
    /// Files whose lines cannot be written.
    pub writing: Trouble,
    /// Files whose lines may not be on the disk.
    pub syncing: Trouble,
    /// Topics that cannot be kept.
    pub topics: Trouble,
    /// Lines that could not be written since everything was well.
    pub missing: u64,
}

/// One kind of failure, of many files.
#[derive(Debug, Default)]
pub struct Trouble {
    /// Files that fail now.
    pub files: usize,
    /// The causes that were logged since all files were well.
    logged: HashSet<io::ErrorKind>,
}

impl Trouble {
    /// One more file fails.
    pub fn begin(&mut self, error: &io::Error, explain: impl FnOnce() -> String) {
        self.files += 1;
        let level =
            if self.logged.insert(error.kind()) { log::Level::Error } else { log::Level::Debug };
        log::log!(level, "{}: {error}", explain());
    }

    /// A file does not fail any more. `true` when it was the last one.
    pub fn end(&mut self) -> bool {
        self.files -= 1;
        let is_over = self.files == 0;
        if is_over {
            self.logged.clear();
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each cause is one line in the log, until all is well.
    #[test]
    fn a_disk_that_fails_is_said_once() {
        let mut trouble = Trouble::default();
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        for error in [&full, &full, &denied, &full] {
            trouble.begin(error, || "den.log".to_owned());
        }
        assert_eq!((trouble.files, trouble.logged.len()), (4, 2));
        let ends: Vec<_> = (0..4).map(|_| trouble.end()).collect();
        assert_eq!(ends, [false, false, false, true]);
        assert!(trouble.logged.is_empty());
    }
}
