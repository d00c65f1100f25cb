//! A log that is followed: from the start to the last joined thread.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::apply::Apply;
use crate::fault::{Error, Fault};
use crate::follower::{self, Follower};
use crate::link;
use crate::options::Options;
use crate::queue::Refused;
use crate::redis::{Dialer, Redis};
use crate::replay::Counts;
use crate::shared::{EndsByPanic, Shared};
use crate::writer::Writer;

/// How long an engine may load its data at the start.
const LOADING: Duration = Duration::from_secs(60);

/// What was submitted and not appended in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "somebody should be told what was not appended"]
pub struct Unsent {
    /// So many records. Those of the last entry that was sent may be in the log all the same, when its
    /// answer did not come.
    pub records: u64,
}

/// One log, which this program appends to and follows.
///
/// Dropping it stops it at once.
#[derive(Debug)]
pub struct OrderedLog {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl OrderedLog {
    /// Connects, makes the log if there is none, gives all that is in it to `apply`, and follows it from
    /// there.
    ///
    /// # Errors
    ///
    /// When the engine cannot be reached or used, or the log cannot be followed: what to do is in the text.
    /// Only for an engine that still loads its data this waits, up to a minute.
    pub fn start(options: &Options, apply: Box<dyn Apply>) -> Result<Self, Error> {
        Self::begin(options, apply)
            .map_err(|fault| Error { engine: options.address.to_string(), fault })
    }

    fn begin(options: &Options, apply: Box<dyn Apply>) -> Result<Self, Fault> {
        let tls = options.address.is_tls().then(|| link::tls(options.authorities.as_deref()));
        let tls = tls.transpose()?;
        let shared = Arc::new(Shared::new(options.queue_bytes));
        let reads = Dialer::new(options, tls.clone(), Arc::clone(&shared.follower));
        let writes = Dialer::new(options, tls, Arc::clone(&shared.writer));
        let engine = connect(&reads)?;
        let follower = Follower::begin(
            reads,
            engine,
            options.origin,
            options.interval,
            apply,
            Arc::clone(&shared),
        )?;
        let writer = Writer::new(writes, options.origin, follower.known(), Arc::clone(&shared));
        let log = Self { shared, threads: Mutex::default() };
        // If the second one cannot be started the first one is stopped, as the log is dropped.
        log.spawn("log-follower", || follower.run())?;
        log.spawn("log-writer", || writer.run())?;
        Ok(log)
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
        let ends = EndsByPanic(Arc::clone(&self.shared));
        let run = move || {
            let _ends = ends;
            run();
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
        let thread = thread
            .map_err(|error| Fault::Unusable(format!("no thread can be started: {error}")))?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Submits a record, and gives its sequence, which [`Entry`](crate::Entry) will have. Waits while the
    /// queue is full. Returns before the record is in the log: that it is says [`Apply::apply`].
    ///
    /// # Errors
    ///
    /// When the record has more than 16 MiB, or the log was stopped or lost, also while this waits.
    pub fn submit(&self, record: &[u8]) -> Result<u64, Refused> {
        self.shared.queue.submit(record)
    }

    /// Takes nothing more and appends nothing more, while it goes on to follow: for a program that tells
    /// others that it has given up what it submitted. Whoever waits in [`Self::submit`] is refused. Never
    /// waits. What an engine had been sent by then, and has not answered, may still come.
    pub fn withdraw(&self) {
        self.shared.withdraw();
    }

    /// What was seen since the start; a little behind while entries are applied.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.shared.counts.lock()
    }

    /// Takes nothing more, appends what was submitted if the engine answers until `deadline`, and joins the
    /// threads. Own records that come back after the last one was appended may not be applied any more.
    ///
    /// [`Apply`] must not call it, for it waits for the thread that does. It may take longer than until the
    /// deadline while a thread connects: up to [`Options::patience`], and as long as the system takes to look
    /// up the name of the engine, which nothing can end.
    pub fn stop(&self, deadline: Instant) -> Unsent {
        self.shared.writer.hurry();
        self.shared.queue.drain(deadline);
        let records = self.shared.end();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A panic of it was told when it happened.
            let _ = thread.join();
        }
        Unsent { records }
    }
}

impl Drop for OrderedLog {
    fn drop(&mut self) {
        let _ = self.stop(Instant::now());
    }
}

/// Waits for an engine that loads its data.
fn connect(dial: &Dialer) -> Result<Redis, Fault> {
    let end = Instant::now() + LOADING;
    loop {
        match follower::connect(dial) {
            Err(fault) if fault.is_loading() && Instant::now() < end => {
                thread::sleep(Duration::from_millis(200));
            }
            outcome => return outcome,
        }
    }
}
