//! One room's transcript, as the recorder writes it: a file of lines, and one of the topic.
//!
//! Files belong to their user alone: what is said in a room is for those who were there. This
//! module knows no thread, lock or log of a room.

use std::path::PathBuf;

use jiff::Timestamp;
use protocol::Event;

use super::archive::FolderLock;
use super::line_file::LineFile;
use super::topic_file::TopicFile;
use super::troubles::Troubles;

/// The transcript of one room, as far as it is written.
#[derive(Debug)]
pub struct Transcript {
    lines: LineFile,
    topic: TopicFile,
    /// The time of the last line that it was given. A clock may be set back.
    last: Timestamp,
}

impl Transcript {
    /// The transcript in the file `path`, opened when there is something to write. With `sync`,
    /// what is written is on the disk when the call returns.
    #[must_use]
    pub fn new(path: PathBuf, sync: bool) -> Self {
        let topic = TopicFile::new(path.with_extension("topic"), sync);
        Self { lines: LineFile::new(path, sync), topic, last: Timestamp::MIN }
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
        lock: &mut FolderLock,
        troubles: &mut Troubles,
    ) {
        let mut bytes = Vec::new();
        let mut count = 0;
        for (time, line) in lines {
            if count == 0 {
                bytes.extend(gap(time, self.lines.missing));
            }
            count += 1;
            self.last = time;
            bytes.extend(format!("{time:.3} ").bytes());
            bytes.extend(line);
            bytes.push(b'\n');
            if let Ok(line) = str::from_utf8(line)
                && let Some(Event::TopicSet { text, .. }) = Event::parse(line)
            {
                self.topic.text = Some(text.to_owned());
            }
        }
        self.topic.keep(lock, troubles);
        self.lines.append(&bytes, count, lock, troubles);
    }

    /// The room is empty: writes a gap that is still to be marked, and the topic, then closes.
    pub fn rest(&mut self, lock: &mut FolderLock, troubles: &mut Troubles) {
        if self.lines.missing > 0 {
            let gap = gap(Timestamp::now().max(self.last), self.lines.missing);
            self.lines.append(&gap, 0, lock, troubles);
        }
        self.topic.keep(lock, troubles);
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
    use std::os::unix::fs::FileExt;

    use tempfile::TempDir;

    use super::*;

    const TIME: &str = "1970-01-01T00:00:00.000Z";

    /// What a transcript needs of others.
    struct Place {
        lock: FolderLock,
        troubles: Troubles,
    }

    fn say(transcript: &mut Transcript, place: &mut Place, lines: &[&str]) {
        let lines = lines.iter().map(|line| (Timestamp::UNIX_EPOCH, line.as_bytes()));
        transcript.append(lines, &mut place.lock, &mut place.troubles);
    }

    fn rest(transcript: &mut Transcript, place: &mut Place) {
        transcript.rest(&mut place.lock, &mut place.troubles);
    }

    /// A folder with a transcript that is to be written.
    fn room(sync: bool) -> (TempDir, PathBuf, Transcript, Place) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("den.log");
        let transcript = Transcript::new(path.clone(), sync);
        let lock = FolderLock::take(folder.path()).unwrap();
        (folder, path, transcript, Place { lock, troubles: Troubles::default() })
    }

    #[test]
    fn lines_that_could_not_be_written_are_counted_where_they_miss() {
        for sync in [false, true] {
            let (_folder, path, mut transcript, mut place) = room(sync);
            fs::create_dir(&path).unwrap();
            say(&mut transcript, &mut place, &["a", "b"]);
            say(&mut transcript, &mut place, &["c"]);
            assert_eq!((transcript.missing(), transcript.is_open()), (3, false));
            assert_eq!(place.troubles.writing.files, 1);
            fs::remove_dir(&path).unwrap();
            say(&mut transcript, &mut place, &["d"]);
            let text = format!("{TIME} -- 3 lines are missing here --\n{TIME} d\n");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert!(transcript.is_whole() && transcript.is_open());
            assert_eq!(place.troubles.writing.files, 0);
        }
    }

    #[test]
    fn a_gap_is_marked_when_the_room_is_left() {
        let (_folder, path, mut transcript, mut place) = room(false);
        fs::create_dir(&path).unwrap();
        say(&mut transcript, &mut place, &["a"]);
        rest(&mut transcript, &mut place);
        assert!(!transcript.is_whole());
        fs::remove_dir(&path).unwrap();
        rest(&mut transcript, &mut place);
        assert!(transcript.is_whole() && !transcript.is_open());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("Z -- 1 lines are missing here --\n"), "{text}");
        transcript.forget(&mut place.troubles);
        assert_eq!((place.troubles.writing.files, place.troubles.missing), (0, 0));
    }

    #[test]
    fn a_file_is_opened_anew_when_it_was_closed_or_removed() {
        let (folder, path, mut transcript, mut place) = room(true);
        say(&mut transcript, &mut place, &["a"]);
        fs::rename(&path, folder.path().join("old")).unwrap();
        say(&mut transcript, &mut place, &["b"]);
        transcript.close();
        say(&mut transcript, &mut place, &["c"]);
        fs::remove_file(&path).unwrap();
        say(&mut transcript, &mut place, &["d"]);
        let old = fs::read_to_string(folder.path().join("old")).unwrap();
        assert_eq!(old, format!("{TIME} a\n{TIME} b\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{TIME} d\n"));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_its_newline_would_be() {
        for length in [1, 4095, 4096, 4097, 10_000] {
            for whole in ["", "whole\n"] {
                let (_folder, path, mut transcript, mut place) = room(false);
                fs::write(&path, format!("{whole}{}", "x".repeat(length))).unwrap();
                say(&mut transcript, &mut place, &["a"]);
                assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}{TIME} a\n"));
            }
        }
    }

    /// Somebody has edited the file, or put a hole there of which most is on no disk.
    #[test]
    fn what_others_have_written_is_kept_and_no_line_is_glued_to_it() {
        let (_folder, path, mut transcript, mut place) = room(false);
        say(&mut transcript, &mut place, &["a"]);
        let edit = |text: &str| {
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        };
        edit("a note");
        say(&mut transcript, &mut place, &["b"]);
        edit("a whole note\n");
        say(&mut transcript, &mut place, &["c"]);
        let text = format!("{TIME} a\na note\n{TIME} b\na whole note\n{TIME} c\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        transcript.close();

        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(16 << 30).unwrap();
        say(&mut transcript, &mut place, &["d"]);
        assert!(transcript.is_whole());
        let end = format!("\0\n{TIME} d\n");
        let mut last = vec![0; end.len()];
        let length = fs::metadata(&path).unwrap().len();
        assert_eq!(length, (16 << 30) + end.len() as u64 - 1);
        let file = fs::File::open(&path).unwrap();
        file.read_exact_at(&mut last, length - end.len() as u64).unwrap();
        assert_eq!(String::from_utf8(last).unwrap(), end);
    }

    /// A pipe that nobody reads takes some lines. The others are missing, and nobody waits.
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let (_folder, path, mut transcript, mut place) = room(false);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let line = "x".repeat(1000);
        while transcript.missing() == 0 {
            say(&mut transcript, &mut place, &[&line]);
        }
        assert_eq!(place.troubles.writing.files, 1);
    }

    #[test]
    fn the_last_topic_is_kept_once_that_works() {
        let (folder, path, mut transcript, mut place) = room(false);
        let topic = folder.path().join("den.topic");
        fs::create_dir(&topic).unwrap();
        say(&mut transcript, &mut place, &["ann set the topic: tea", "ann: hi"]);
        say(&mut transcript, &mut place, &["ann set the topic: cake"]);
        assert_eq!((transcript.missing(), transcript.is_whole()), (0, false));
        assert_eq!(place.troubles.topics.files, 1);
        fs::remove_dir(&topic).unwrap();
        rest(&mut transcript, &mut place);
        assert_eq!(fs::read_to_string(&topic).unwrap(), "cake");
        assert!(transcript.is_whole());
        assert_eq!(place.troubles.topics.files, 0);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
