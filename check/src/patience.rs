//! How long is waited for a program, on a machine where others run, too.
//!
//! A program that is ready to run and gets no processor is not slow: the machine is. So time in
//! which the program that is checked, or this one, waited for a processor does not count, up to a
//! limit. Where the system does not tell ([`resources`]), all time counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::resources;

/// A wait ends after so many times its patience, whatever the machine does.
const LONGEST: u32 = 4;

/// How often the watcher looks. What a thread waited for after the last look before its end is lost.
const EVERY: Duration = Duration::from_millis(100);

/// A clock that stands while those who are watched wait for a processor.
#[derive(Debug, Clone)]
struct Clock {
    start: Instant,
    /// For how long it stood, in nanoseconds.
    stood: Arc<AtomicU64>,
    /// Ends with the last clone.
    _watcher: Option<Arc<Watcher>>,
}

impl Clock {
    /// Watches the processes of `group`, when there is one, and this process.
    fn start(group: Option<u32>) -> Self {
        let stood = Arc::default();
        let watcher = resources::are_known().then(|| Watcher::start(group, &stood)).flatten();
        Self { start: Instant::now(), stood, _watcher: watcher.map(Arc::new) }
    }

    fn now(&self) -> Duration {
        let stood = Duration::from_nanos(self.stood.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(stood)
    }
}

/// When a wait ends. Every wait within it ends then, too.
#[derive(Debug, Clone)]
pub struct Deadline {
    clock: Clock,
    /// By the clock that stands at times.
    end: Duration,
    /// By the one that does not.
    at_last: Instant,
}

impl Deadline {
    /// `patience` from now, for what the processes of `group` do. It is `None` where they are not
    /// known.
    #[must_use]
    pub fn after(patience: Duration, group: Option<u32>) -> Self {
        let at_last = Instant::now() + patience * LONGEST;
        Self { clock: Clock::start(group), end: patience, at_last }
    }

    /// The same, but at the latest at `end`.
    #[must_use]
    pub fn or_at(mut self, end: Instant) -> Self {
        self.at_last = self.at_last.min(end);
        self
    }

    /// `patience` from now, and no later than this one.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self {
            clock: self.clock.clone(),
            end: self.end.min(self.clock.now() + patience),
            at_last: self.at_last.min(Instant::now() + patience * LONGEST),
        }
    }

    /// How long may be waited before this is asked again. It is over when nothing is left. More may
    /// be left after a wait than was before.
    #[must_use]
    pub fn left(&self) -> Duration {
        let at_last = self.at_last.saturating_duration_since(Instant::now());
        self.end.saturating_sub(self.clock.now()).min(at_last)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

/// The thread that looks how long others waited for a processor.
#[derive(Debug)]
struct Watcher {
    /// Dropped in order to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Adds to `stood`. `None` when the system has no thread left: then all time counts.
    fn start(group: Option<u32>, stood: &Arc<AtomicU64>) -> Option<Self> {
        let (stop, stopped) = mpsc::channel();
        let stood = Arc::clone(stood);
        let watch = move || {
            let goes_on = || stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout);
            // To look is work, too. Most checks end before the first look.
            if !goes_on() {
                return;
            }
            let mut tally = Tally { waited: resources::waited(group) };
            let mut last = Instant::now();
            while goes_on() {
                let elapsed = last.elapsed();
                last += elapsed;
                let more = tally.add(resources::waited(group), elapsed);
                // What was capped at the time that has passed fits.
                stood.fetch_add(more.as_nanos() as u64, Ordering::Relaxed);
            }
        };
        let thread = thread::Builder::new().name("waits for processors".to_owned()).spawn(watch);
        Some(Self { stop: Some(stop), thread: Some(thread.ok()?) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and would have nothing to tell.
            let _ = thread.join();
        }
    }
}

/// How long each thread had waited when it was last looked at, by its id, in nanoseconds.
struct Tally {
    waited: HashMap<u32, u64>,
}

impl Tally {
    /// What they waited since then, all together. Threads wait at the same time, so it is at most
    /// the time that has passed.
    fn add(&mut self, waited: HashMap<u32, u64>, elapsed: Duration) -> Duration {
        let since = |(thread, now): (&u32, &u64)| {
            // One that is not known yet began since. An id can come back.
            now.saturating_sub(self.waited.get(thread).copied().unwrap_or_default())
        };
        let more = Duration::from_nanos(waited.iter().map(since).sum());
        self.waited = waited;
        more.min(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A deadline whose clock nobody stops but the test.
    fn deadline(patience: Duration) -> Deadline {
        let clock = Clock { start: Instant::now(), stood: Arc::default(), _watcher: None };
        Deadline { clock, end: patience, at_last: Instant::now() + patience * LONGEST }
    }

    fn stand(deadline: &Deadline, time: Duration) {
        deadline.clock.stood.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    #[test]
    fn time_without_a_processor_does_not_count() {
        // As if the wait had begun a minute ago, and stood for most of that.
        let mut deadline = deadline(MINUTE);
        deadline.clock.start -= MINUTE;
        assert!(deadline.is_over());
        stand(&deadline, MINUTE / 2);
        assert!(!deadline.is_over());
        assert!(deadline.left() <= MINUTE / 2);
    }

    #[test]
    fn a_wait_ends_at_last() {
        let mut deadline = deadline(MINUTE);
        stand(&deadline, 100 * MINUTE);
        assert!(deadline.left() <= MINUTE);
        deadline.at_last -= LONGEST * MINUTE;
        assert!(deadline.is_over());
        let deadline = self::deadline(MINUTE).or_at(Instant::now());
        assert!(deadline.is_over());
    }

    #[test]
    fn a_wait_within_another_ends_with_it() {
        let outer = deadline(MINUTE);
        assert!(outer.within(MINUTE / 2).left() <= MINUTE / 2);
        let mut inner = outer.within(10 * MINUTE);
        assert!(inner.left() <= MINUTE);
        assert!(inner.at_last <= outer.at_last);
        inner.clock.start -= MINUTE;
        assert!(inner.is_over());
    }

    #[test]
    fn waits_of_threads_are_added_up_to_the_time_that_passed() {
        let second = Duration::from_secs(1);
        type Waited<'a> = &'a [(u32, u64)];
        let cases: &[(Waited<'_>, Waited<'_>, u64)] = &[
            (&[], &[], 0),
            (&[(1, 100)], &[(1, 100)], 0),
            (&[(1, 100)], &[(1, 150), (2, 30)], 80),
            // One has ended, and the id of another has come back.
            (&[(1, 100), (2, 100)], &[(1, 20)], 0),
            (&[(1, 0), (2, 0)], &[(1, 900_000_000), (2, 900_000_000)], 1_000_000_000),
        ];
        for (before, now, more) in cases {
            let mut tally = Tally { waited: before.iter().copied().collect() };
            let added = tally.add(now.iter().copied().collect(), second);
            assert_eq!(added, Duration::from_nanos(*more), "{before:?} {now:?}");
            assert_eq!(tally.waited.len(), now.len());
        }
    }

    /// More threads than processors, all of which want to run: some wait.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_crowded_machine_is_noticed() {
        let threads = 2 * thread::available_parallelism().map_or(1, usize::from);
        let deadline = Deadline::after(MINUTE, None);
        let is_noticed = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while !is_noticed.load(Ordering::Relaxed) && !deadline.is_over() {
                        let stood = deadline.clock.stood.load(Ordering::Relaxed);
                        is_noticed.store(stood > 0, Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(is_noticed.into_inner());
    }
}
