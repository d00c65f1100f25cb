//! The recorder with its threads, over a folder of the test's own.

use std::fs;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::log::room_log::Subscribers;

/// Nobody waits so long: it ends a test that would never end.
const SECONDS: Duration = Duration::from_secs(30);

/// A log that this recorder records.
fn log(room: &str, recorder: Arc<Recorder>) -> Arc<RoomLog> {
    let subscribers = Subscribers { couriers: Vec::new(), recorder: Some(recorder) };
    let room = RoomName::parse(room).unwrap();
    Arc::new(RoomLog::new(0, room, 1 << 20, Arc::new(subscribers)))
}

fn say(log: &Arc<RoomLog>, line: &str) {
    log.lock().append(format!("{line}\n").as_bytes(), Timestamp::now());
}

fn start(folder: &TempDir) -> (Arc<Recorder>, Recording) {
    let (recorder, writer) = Recorder::new(folder.path().to_owned(), false).unwrap();
    (recorder, writer.spawn().unwrap())
}

#[test]
fn who_reads_a_room_reads_all_that_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, recording) = start(&folder);
    let mut expected = Vec::new();
    for round in 0..50 {
        let log = log("den", recorder.clone());
        let line = format!("ann: {round}");
        say(&log, &line);
        recorder.retire(log.room.clone());
        expected.push(line);
        assert_eq!(recorder.earlier(&log.room, 1 << 20).texts(), expected);
        assert_eq!(log.bytes_after(log.published()), 0, "couriers may have it");
    }
    recording.end(Instant::now() + SECONDS);
}

/// More rooms than may be open, each with two lines.
#[test]
fn all_rooms_are_recorded_though_few_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, recording) = start(&folder);
    let logs: Vec<_> = (0..2 * OPEN_TRANSCRIPTS)
        .map(|room| log(&format!("room{room}"), recorder.clone()))
        .collect();
    for line in ["one", "two"] {
        logs.iter().for_each(|log| say(log, line));
        recorder.reopen();
    }
    recording.end(Instant::now() + SECONDS);
    for log in logs {
        let text = fs::read_to_string(folder.path().join(format!("{}.log", log.room))).unwrap();
        let lines: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(lines, ["one", "two"]);
    }
}

/// The threads never run here, as if the disk did not answer.
#[test]
fn nobody_waits_for_a_room_when_the_server_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, _writer) = Recorder::new(folder.path().to_owned(), false).unwrap();
    let den = RoomName::parse("den").unwrap();
    thread::scope(|scope| {
        let reading = scope.spawn(|| recorder.earlier(&den, 1000));
        recorder.stop_reading();
        assert!(reading.join().unwrap().texts().is_empty());
    });
    assert!(recorder.earlier(&den, 1000).texts().is_empty());
}

#[test]
fn many_wishes_to_reopen_are_one_task() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::new(folder.path().to_owned(), false).unwrap();
    (0..100).for_each(|_| recorder.reopen());
    assert_eq!(writer.inbox.try_iter().count(), 1);
}
