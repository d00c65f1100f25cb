//! Programs that share a log.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use hdrhistogram::Histogram;
use ordered_log::{Apply, Entry, Options, OrderedLog, Origin, Restored, Status};
use parking_lot::{Condvar, Mutex};

use crate::engine::Engine;
use crate::{Load, histogram, record_time};

/// How far a program's follower is.
#[derive(Debug, Default)]
struct Progress {
    /// Records of all, and the last own one.
    applied: Mutex<(u64, u64)>,
    changed: Condvar,
}

struct State {
    own: Origin,
    progress: Arc<Progress>,
}

impl Apply for State {
    fn apply(&mut self, entry: &Entry<'_>) {
        let mut applied = self.progress.applied.lock();
        applied.0 += 1;
        if entry.origin == self.own {
            applied.1 = entry.sequence;
            drop(applied);
            self.progress.changed.notify_all();
        }
    }

    fn snapshot(&mut self) -> Vec<u8> {
        self.progress.applied.lock().0.to_le_bytes().to_vec()
    }

    fn restore(&mut self, restored: &Restored<'_>) -> Result<(), String> {
        let bytes = restored.state.try_into().map_err(|_| "this is no number".to_owned())?;
        *self.progress.applied.lock() = (u64::from_le_bytes(bytes), restored.own);
        self.progress.changed.notify_all();
        Ok(())
    }

    fn status(&mut self, status: &Status) {
        assert_eq!(*status, Status::Connected, "the engine goes on");
    }
}

struct Program {
    log: OrderedLog,
    progress: Arc<Progress>,
}

impl Program {
    fn start(engine: &Engine) -> Self {
        let options = Options { origin: Origin::random(), ..engine.options() };
        let progress = Arc::<Progress>::default();
        let state = State { own: options.origin, progress: Arc::clone(&progress) };
        let log = OrderedLog::start(&options, Box::new(state)).expect("the engine is there");
        Self { log, progress }
    }

    /// Waits until the follower is so far.
    fn wait(&self, is_so: impl Fn(&(u64, u64)) -> bool) {
        let mut applied = self.progress.applied.lock();
        while !is_so(&applied) {
            // It is told of its own records only.
            self.progress.changed.wait_for(&mut applied, std::time::Duration::from_millis(1));
        }
    }
}

/// Records a second, until all programs have applied all.
pub fn rate(engine: &Engine, load: Load) -> f64 {
    let programs: Vec<_> = (0..load.programs).map(|_| Program::start(engine)).collect();
    let start = Instant::now();
    let record = vec![b'x'; load.bytes];
    let submitted: u64 = thread::scope(|scope| {
        let submit = |program: &Program| {
            let mut count = 0;
            while start.elapsed() < load.time {
                for _ in 0..100 {
                    program.log.submit(&record).expect("the engine goes on");
                }
                count += 100;
            }
            count
        };
        let threads = programs.iter().flat_map(|program| (0..load.threads).map(move |_| program));
        let threads: Vec<_> = threads.map(|program| scope.spawn(move || submit(program))).collect();
        threads.into_iter().map(|thread| thread.join().expect("none panics")).sum()
    });
    for program in &programs {
        program.wait(|applied| applied.0 >= submitted);
    }
    submitted as f64 / start.elapsed().as_secs_f64()
}

/// How long it takes from `submit` until it is applied there, one record of each program at a time.
pub fn round_trips(engine: &Engine, load: Load) -> Histogram<u64> {
    let programs: Vec<_> = (0..load.programs).map(|_| Program::start(engine)).collect();
    let start = Instant::now();
    let record = vec![b'x'; load.bytes];
    let mut all = histogram();
    thread::scope(|scope| {
        let talk = |program: &Program| {
            let mut times = histogram();
            while start.elapsed() < load.time {
                let began = Instant::now();
                let sequence = program.log.submit(&record).expect("the engine goes on");
                program.wait(|applied| applied.1 >= sequence);
                record_time(&mut times, began);
            }
            times
        };
        let threads: Vec<_> =
            programs.iter().map(|program| scope.spawn(move || talk(program))).collect();
        for thread in threads {
            all += thread.join().expect("none panics");
        }
    });
    all
}
