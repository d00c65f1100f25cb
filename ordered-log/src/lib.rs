//! One order of records for several programs, kept in one stream of Redis (7 or later) or Valkey.
//!
//! Each program *submits* records, which are bytes that this crate does not look into. All programs
//! *apply* the same records in the same order. So whoever keeps a state that depends on the records
//! and on nothing else has the same state as all others at the same place of the order.
//!
//! ```text
//!  threads of the program                                       threads of the program
//!     │ submit                                                        ▲ see the state
//!     ▼                                                               │
//!   queue ──> writer ── XADD ──> the stream NAME:log ── XREAD ──> follower ──> Apply
//!             one entry for all     1, 2, 3, ...                 numbers,          │
//!             that is queued      NAME:state <── now and then ── duplicates   snapshot
//! ```
//!
//! # What always holds
//!
//! - **The numbers of entries are consecutive**, as the first half of their IDs never changes (`XADD
//!   key E-*`). A follower that misses something finds that by subtraction. `E`, the *epoch*, is the
//!   time at which the log was made, so two logs never look like one.
//! - **A record is applied once**, however often its entry was sent. A writer that got no answer sends
//!   the same records again, for it cannot know. Each record has an origin and a sequence, and a follower
//!   drops what it has applied already. Which sequence of each origin was the last is part of the state.
//! - **A follower never goes on with another log.** Each time that it connects, and each time that
//!   nothing comes, it looks at the entry at its own last number. If that is another one, or gone because
//!   the stream was shortened, emptied or put back, then what was applied cannot be taken back:
//!   [`Status::Lost`] says so, and the program begins anew with another [`OrderedLog`].
//! - **The stream does not grow without end.** Now and then the state is saved beside the stream, and
//!   only then the older entries are removed, in the same step. Whoever falls behind that, or is new,
//!   begins from the state. There are two keys, whatever the number of programs.
//! - **While the engine is away** nothing is lost: records wait in a bounded queue, and whoever submits
//!   more waits too. [`Status::Away`] says since when, and why.
//!
//! # Threads and locks
//!
//! Two threads, `log-writer` and `log-follower`, which [`OrderedLog::stop`] joins. Three locks: that of
//! the queue, that of the health, and one for the socket of each thread. None is taken while another one
//! is held, nor held while the engine is talked to or [`Apply`] is called.
//!
//! # What it is not
//!
//! The engine is one Redis, perhaps with replicas, and not a cluster of Redis. When a replica takes over,
//! what the old engine had not yet handed to it is gone, as Redis replicates without waiting. This is
//! found, as said above, and not repaired.
//!
//! | module | what it is for; each uses only those below it |
//! |---|---|
//! | `service` | the two threads, from the start to the last join |
//! | `follower` | reads the stream, and applies what is new |
//! | `writer` | appends what is queued |
//! | `shared` | what both threads have in common, and how one ends both |
//! | `replay` | the place in the log and the last sequences; knows no engine |
//! | `standing` | whether the log is still the one that is known |
//! | `queue` | records that wait for the writer |
//! | `health` | whether the engine is there, as both threads see it |
//! | `backoff` | how long to wait until the next attempt |
//! | `redis` | the few commands that are used, over one connection |
//! | `link` | a socket with or without TLS, whose every operation ends in time |
//! | `resp` | requests and replies as bytes, and back |
//! | `interrupt` | wakes a thread that waits for a socket |
//! | `engine` | what a log needs of an engine, as traits |
//! | `options` | what the program says |
//! | `address` | where the engine is |
//! | `format` | entries and the state as bytes, and back |
//! | `apply` | what the program is told |
//! | `fault` | what can go wrong, and what to do about it |

mod address;
mod apply;
mod backoff;
mod engine;
mod fault;
mod follower;
mod format;
mod health;
mod interrupt;
mod link;
mod options;
mod queue;
mod redis;
mod replay;
mod resp;
mod service;
mod shared;
mod standing;
mod writer;

pub use address::{Address, WrongAddress};
pub use apply::{Apply, Entry, Origin, Restored, Status};
pub use fault::{Error, Fault};
pub use options::{Interval, Options};
pub use queue::Refused;
pub use replay::Counts;
pub use service::{OrderedLog, Unsent};
