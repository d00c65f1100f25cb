//! One room's transcript, as the recorder writes it: a file of lines, and one of the topic.
//!
//! Files belong to their user alone: what is said in a room is for those who were there. This
//! module knows no thread, lock or log of a room.

use std::path::PathBuf;

use jiff::Timestamp;
use protocol::Event;

use super::line_file::LineFile;
use super::topic_file::TopicFile;
use super::troubles::Troubles;

/// The transcript of one room, as far as it is written.
#[derive(Debug)]
pub struct Transcript {
    lines: LineFile,
    topic: TopicFile,
}

impl Transcript {
    /// The transcript in the file `path`, opened when there is something to write. With `sync`,
    /// what is written is on the disk when the call returns.
    #[must_use]
    pub fn new(path: PathBuf, sync: bool) -> Self {
        let topic = TopicFile::new(path.with_extension("topic"), sync);
        Self { lines: LineFile::new(path, sync), topic }
    }

    /// Whether it takes a descriptor.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lines.file.is_some()
    }

    /// Lines that are in no file and of which no file says that they are missing.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.lines.missing
    }

    /// Whether everything that it was given is in its files.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lines.missing == 0 && self.topic.text.is_none()
    }

    /// Lets the next line open the file anew.
    pub fn close(&mut self) {
        self.lines.file = None;
    }

    /// Appends lines in one write. When that fails they are counted, and the count is written
    /// in their place once writing works again.
    pub fn append<'a>(
        &mut self,
        lines: impl Iterator<Item = (Timestamp, &'a [u8])>,
        troubles: &mut Troubles,
    ) {
        let mut bytes = Vec::new();
        let mut count = 0;
        for (time, line) in lines {
            if count == 0 {
                bytes.extend(gap(time, self.lines.missing));
            }
            count += 1;
            bytes.extend(format!("{time:.3} ").bytes());
            bytes.extend(line);
            bytes.push(b'\n');
            if let Ok(line) = str::from_utf8(line)
                && let Some(Event::TopicSet { text, .. }) = Event::parse(line)
            {
                self.topic.text = Some(text.to_owned());
            }
        }
        self.topic.keep(troubles);
        self.lines.append(&bytes, count, troubles);
    }

    /// The room is empty: writes a gap that is still to be marked, and the topic, then closes.
    pub fn rest(&mut self, troubles: &mut Troubles) {
        if self.lines.missing > 0 {
            let gap = gap(Timestamp::now(), self.lines.missing);
            self.lines.append(&gap, 0, troubles);
        }
        self.topic.keep(troubles);
        self.close();
    }

    /// Gives up the room's files, which are whole.
    pub fn forget(self, troubles: &mut Troubles) {
        if self.lines.is_unsynced {
            troubles.syncing.end();
        }
    }
}

/// What stands in the place of lines that could not be written. Nothing when none is missing.
fn gap(time: Timestamp, missing: u64) -> Vec<u8> {
    match missing {
        0 => Vec::new(),
        _ => format!("{time:.3} -- {missing} lines are missing here --\n").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const TIME: &str = "1970-01-01T00:00:00.000Z";

    fn say(transcript: &mut Transcript, troubles: &mut Troubles, lines: &[&str]) {
        let lines = lines.iter().map(|line| (Timestamp::UNIX_EPOCH, line.as_bytes()));
        transcript.append(lines, troubles);
    }

    /// A folder with a transcript that is to be written, and what it suffers from.
    fn room(sync: bool) -> (TempDir, PathBuf, Transcript, Troubles) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("den.log");
        let transcript = Transcript::new(path.clone(), sync);
        (folder, path, transcript, Troubles::default())
    }

    #[test]
    fn lines_that_could_not_be_written_are_counted_where_they_miss() {
        for sync in [false, true] {
            let (_folder, path, mut transcript, mut troubles) = room(sync);
            fs::create_dir(&path).unwrap();
            say(&mut transcript, &mut troubles, &["a", "b"]);
            say(&mut transcript, &mut troubles, &["c"]);
            assert_eq!((transcript.missing(), transcript.is_open()), (3, false));
            assert_eq!(troubles.writing.files, 1);
            fs::remove_dir(&path).unwrap();
            say(&mut transcript, &mut troubles, &["d"]);
            let text = format!("{TIME} -- 3 lines are missing here --\n{TIME} d\n");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert!(transcript.is_whole() && transcript.is_open());
            assert_eq!(troubles.writing.files, 0);
        }
    }

    #[test]
    fn a_gap_is_marked_when_the_room_is_left() {
        let (_folder, path, mut transcript, mut troubles) = room(false);
        fs::create_dir(&path).unwrap();
        say(&mut transcript, &mut troubles, &["a"]);
        transcript.rest(&mut troubles);
        assert!(!transcript.is_whole());
        fs::remove_dir(&path).unwrap();
        transcript.rest(&mut troubles);
        assert!(transcript.is_whole() && !transcript.is_open());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("Z -- 1 lines are missing here --\n"), "{text}");
        transcript.forget(&mut troubles);
        assert_eq!((troubles.writing.files, troubles.missing), (0, 0));
    }

    #[test]
    fn a_file_is_opened_anew_when_it_was_closed_or_removed() {
        let (folder, path, mut transcript, mut troubles) = room(true);
        say(&mut transcript, &mut troubles, &["a"]);
        fs::rename(&path, folder.path().join("old")).unwrap();
        say(&mut transcript, &mut troubles, &["b"]);
        transcript.close();
        say(&mut transcript, &mut troubles, &["c"]);
        fs::remove_file(&path).unwrap();
        say(&mut transcript, &mut troubles, &["d"]);
        let old = fs::read_to_string(folder.path().join("old")).unwrap();
        assert_eq!(old, format!("{TIME} a\n{TIME} b\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{TIME} d\n"));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_its_newline_would_be() {
        for length in [1, 4095, 4096, 4097, 10_000] {
            for whole in ["", "whole\n"] {
                let (_folder, path, mut transcript, mut troubles) = room(false);
                fs::write(&path, format!("{whole}{}", "x".repeat(length))).unwrap();
                say(&mut transcript, &mut troubles, &["a"]);
                assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}{TIME} a\n"));
            }
        }
    }

    #[test]
    fn the_last_topic_is_kept_once_that_works() {
        let (folder, path, mut transcript, mut troubles) = room(false);
        let topic = folder.path().join("den.topic");
        fs::create_dir(&topic).unwrap();
        say(&mut transcript, &mut troubles, &["ann set the topic: tea", "ann: hi"]);
        say(&mut transcript, &mut troubles, &["ann set the topic: cake"]);
        assert_eq!((transcript.missing(), transcript.is_whole()), (0, false));
        assert_eq!(troubles.topics.files, 1);
        fs::remove_dir(&topic).unwrap();
        transcript.rest(&mut troubles);
        assert_eq!(fs::read_to_string(&topic).unwrap(), "cake");
        assert!(transcript.is_whole());
        assert_eq!(troubles.topics.files, 0);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
