//! Who is woken by what, and who waits for whom.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Waiting in halves, for tests that drive everything on one thread.
impl RoomLog {
    /// Does the first half of waiting: `true` when `bytes` more may be appended, else whoever asks
    /// is among the waiting from now on.
    pub fn begin_waiting(&self, bytes: usize) -> bool {
        let mut state = self.state.lock();
        let is_free = state.has_space_for(bytes);
        state.has_waiting |= !is_free;
        is_free
    }

    /// Whether somebody waits who was not told to look again since.
    pub fn has_waiting(&self) -> bool {
        self.state.lock().has_waiting
    }
}

/// Counts how often it was woken, and how often it was let work on the thread of the speaker.
#[derive(Debug, Default)]
struct Count {
    woken: AtomicUsize,
    worked: AtomicUsize,
}

impl Count {
    /// How often it was woken since this was last asked.
    fn take(&self) -> usize {
        self.woken.swap(0, Ordering::Relaxed)
    }

    /// How often it was let work on the thread of the speaker since this was last asked.
    fn take_worked(&self) -> usize {
        self.worked.swap(0, Ordering::Relaxed)
    }
}

impl Subscriber for Count {
    fn wake(&self, _: &Arc<RoomLog>) {
        self.woken.fetch_add(1, Ordering::Relaxed);
    }

    fn wake_or_work(&self, _: &Arc<RoomLog>) {
        self.worked.fetch_add(1, Ordering::Relaxed);
    }
}

fn log(courier: &Arc<Count>, recorder: Option<&Arc<Count>>) -> Arc<RoomLog> {
    let courier: Arc<dyn Subscriber> = Arc::<Count>::clone(courier);
    let recorder = recorder.map(|count| Arc::<Count>::clone(count) as Arc<dyn Subscriber>);
    let subscribers = Arc::new(Subscribers { couriers: vec![courier], recorder });
    Arc::new(RoomLog::new(0, RoomName::main(), 100, subscribers))
}

fn append(log: &Arc<RoomLog>, bytes: usize) {
    let line = format!("{}\n", "x".repeat(bytes - 1));
    log.lock().append(line.as_bytes(), Timestamp::UNIX_EPOCH);
}

#[test]
fn a_courier_is_woken_once_for_what_it_has_not_looked_at() {
    let courier = Arc::new(Count::default());
    let log = log(&courier, None);
    append(&log, 10);
    assert_eq!(courier.take(), 0, "none of its clients reads the log");
    let reader = log.lock().add_reader(0);
    append(&log, 10);
    append(&log, 10);
    assert_eq!(courier.take(), 1);
    let mut batch = Batch::default();
    assert!(log.next_batch(0, &mut batch));
    assert_eq!((batch.start.line, batch.end.line), (1, 3));
    append(&log, 10);
    assert_eq!(courier.take(), 0, "it carries a batch and will be told that there is more");
    assert!(log.offered(0, batch.end, Position::MAX));
    assert!(log.next_batch(0, &mut batch));
    assert!(!log.offered(0, batch.end, Position::MAX));
    assert!(!log.next_batch(0, &mut batch));
    append(&log, 10);
    assert_eq!(courier.take(), 1);
    drop(reader);
    append(&log, 10);
    assert_eq!(courier.take(), 0, "its last client has gone");
}

#[test]
fn who_speaks_again_carries_the_lines_and_others_wake_the_courier() {
    let courier = Arc::new(Count::default());
    let log = log(&courier, None);
    let _readers = [(); FEW_READERS + 1].map(|()| log.lock().add_reader(0));
    for (speaker, works) in [(1, false), (1, true), (2, false), (1, false), (1, true)] {
        let mut guard = log.lock();
        guard.append(b"line\n", Timestamp::UNIX_EPOCH);
        guard.unlock_and_work(speaker);
        assert_eq!(courier.take_worked(), usize::from(works));
        assert_eq!(courier.take(), usize::from(!works));
        let mut batch = Batch::default();
        assert!(log.next_batch(0, &mut batch));
        assert!(!log.offered(0, batch.end, Position::MAX));
    }
}

#[test]
fn a_recorded_line_wakes_the_recorder_first_and_then_the_courier() {
    let (courier, recorder) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let log = log(&courier, Some(&recorder));
    let _reader = log.lock().add_reader(0);
    append(&log, 10);
    append(&log, 10);
    assert_eq!((recorder.take(), courier.take()), (1, 0));
    let mut batch = Batch::default();
    assert!(!log.next_batch(0, &mut batch), "it is not published");
    assert!(log.next_unrecorded(&mut batch));
    log.publish(batch.end);
    assert_eq!((recorder.take(), courier.take()), (0, 1));
    assert!(!log.next_unrecorded(&mut batch));
    append(&log, 10);
    assert_eq!(recorder.take(), 1);
}

#[test]
fn who_appends_waits_for_readers_and_is_woken_when_a_quarter_is_left() {
    let log = log(&Arc::new(Count::default()), None);
    let reader = log.lock().add_reader(0);
    assert!(log.begin_waiting(90), "nobody is behind");
    append(&log, 40);
    let slow = log.lock().end();
    assert!(log.begin_waiting(10) && !log.begin_waiting(11));
    assert!(log.has_waiting());
    append(&log, 30);
    let end = log.lock().end();
    assert!(!log.offered(0, end, slow) && log.has_waiting(), "30 bytes are more than a quarter");
    log.set_slowest(0, Position::MAX);
    assert!(!log.has_waiting());
    append(&log, 60);
    assert!(!log.begin_waiting(1));
    drop(reader);
    assert!(!log.has_waiting() && log.begin_waiting(1), "nobody reads any more");
}
