//! The small file that a room's topic is kept in.
//!
//! This module knows no room and no lock.

use std::fs;
use std::path::PathBuf;

use super::archive::FolderLock;
use super::troubles::Troubles;
use crate::files::replace;

/// The file that a room's topic is kept in.
#[derive(Debug)]
pub struct TopicFile {
    path: PathBuf,
    sync: bool,
    /// The topic as it is to be kept. `None` when it is kept.
    pub text: Option<String>,
    /// Whether it was said that it cannot be kept.
    is_failing: bool,
}

impl TopicFile {
    /// The file `path`.
    #[must_use]
    pub fn new(path: PathBuf, sync: bool) -> Self {
        Self { path, sync, text: None, is_failing: false }
    }

    /// Writes the topic, unless the file has it already. When that fails, the next call tries
    /// again.
    pub fn keep(&mut self, lock: &mut FolderLock, troubles: &mut Troubles) {
        let Some(topic) = &self.text else { return };
        let is_kept = fs::read_to_string(&self.path).is_ok_and(|kept| kept == *topic);
        let mut write = || lock.hold().and_then(|()| replace(&self.path, topic, self.sync));
        match if is_kept { Ok(()) } else { write() } {
            Ok(()) => {
                self.text = None;
                if std::mem::take(&mut self.is_failing) && troubles.topics.end() {
                    log::warn!("all topics are kept again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    let path = self.path.display();
                    troubles.topics.begin(&error, || format!("{path} cannot be written"));
                }
            }
        }
    }
}
