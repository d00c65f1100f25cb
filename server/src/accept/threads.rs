//! The threads of sessions: one for each client, and when its session is over it waits a while
//! for the next client, since making and ending a thread costs more than a short visit does.
//!
//! A thread waits here only after it had a job, and a new one is made only when none waits. So
//! there are never more threads than there were clients at the same time.
//!
//! This module knows nothing of clients or sessions.

use std::io;
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// So many threads wait at most.
const MOST_IDLE: usize = 32;

/// For so long one waits for a job.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// A session needs little more than its call depth. Only pages it touches are ever resident.
pub const STACK_BYTES: usize = 128 * 1024;

type Job<'scope> = Box<dyn FnOnce() + Send + 'scope>;

/// Threads of one scope.
#[derive(Default)]
pub struct Threads<'scope> {
    state: Mutex<State<'scope>>,
    /// Signalled when there is a job for one that waits, and when nobody shall wait any more.
    changed: Condvar,
}

#[derive(Default)]
struct State<'scope> {
    /// Jobs for some of those that wait.
    jobs: Vec<Job<'scope>>,
    waiting: usize,
    made: u64,
    is_closed: bool,
}

impl<'scope> Threads<'scope> {
    /// Runs a job on a thread of its own.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn run(
        self: &Arc<Self>,
        scope: &'scope Scope<'scope, '_>,
        job: impl FnOnce() + Send + 'scope,
    ) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.waiting > state.jobs.len() {
            state.jobs.push(Box::new(job));
            self.changed.notify_one();
            return Ok(());
        }
        let name = format!("session-{}", state.made);
        state.made += 1;
        drop(state);
        let threads = Arc::clone(self);
        thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn_scoped(
            scope,
            move || {
                job();
                while let Some(job) = threads.next_job() {
                    job();
                }
            },
        )?;
        Ok(())
    }

    /// Waits for a job. `None` when the thread shall end.
    fn next_job(&self) -> Option<Job<'scope>> {
        let mut state = self.state.lock();
        if state.is_closed || state.waiting == MOST_IDLE {
            return None;
        }
        state.waiting += 1;
        let mut is_over = false;
        while state.jobs.is_empty() && !is_over && !state.is_closed {
            is_over = self.changed.wait_for(&mut state, IDLE_TIME).timed_out();
        }
        state.waiting -= 1;
        state.jobs.pop()
    }

    /// Has all threads end after their jobs.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};

    use super::*;

    fn wait_until_waiting(threads: &Threads<'_>, count: usize) {
        let is_waiting = || {
            let state = threads.state.lock();
            state.waiting == count && state.jobs.is_empty()
        };
        while !is_waiting() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_thread_that_is_done_takes_the_next_job() {
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let threads = Arc::new(Threads::default());
            for _ in 0..3 {
                let sender = sender.clone();
                threads.run(scope, move || sender.send(thread::current().id()).unwrap()).unwrap();
                wait_until_waiting(&threads, 1);
            }
            threads.close();
        });
        drop(sender);
        let mut by: Vec<_> = receiver.iter().collect();
        assert_eq!(by.len(), 3);
        by.dedup();
        assert_eq!(by.len(), 1, "more than one thread was made");
    }

    #[test]
    fn jobs_at_the_same_time_have_a_thread_each_and_few_threads_stay() {
        let count = MOST_IDLE + 5;
        let together = Barrier::new(count + 1);
        thread::scope(|scope| {
            let threads = Arc::new(Threads::default());
            for _ in 0..count {
                threads.run(scope, || _ = together.wait()).unwrap();
            }
            together.wait();
            wait_until_waiting(&threads, MOST_IDLE);
            assert_eq!(threads.state.lock().made, count as u64);
            threads.close();
        });
    }
}
