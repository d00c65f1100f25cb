//! What operators have decided: who is muted, who is banned; and who is an operator.
//!
//! A ban is a date of the clock on the wall, for it outlives the server. A mute ends with the server and
//! is a span of time: a clock that is set does not change it. The lock of the state is
//! the innermost one: it is held for a look or a change, and nothing is locked inside it. Two more
//! locks are held during long work, one while a password is hashed and one while the file of bans
//! is written. Callers hold no lock when they take one of these.

pub mod bans;
pub mod interrupt;
pub mod operators;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use protocol::UserName;

use self::bans::{Bans, Target};
use self::interrupt::Interrupt;
use self::operators::{Operators, is_password};
use crate::files::replace;

/// The bans' file in the folder of a server that keeps what is said.
const BANS_FILE: &str = "bans";

/// The operators, and what they have decided: mutes and bans.
#[derive(Debug)]
pub struct Moderation {
    operators: Operators,
    /// Where bans are kept. `None` forgets them with the server.
    file: Option<PathBuf>,
    state: Mutex<State>,
    /// Whether anybody may be muted, so that nobody has to lock in order to speak when not.
    has_mutes: AtomicBool,
    /// Held while a password is checked: one check at a time takes memory for hashing.
    checking: Mutex<()>,
    /// Held while the bans' file is written.
    writing: Mutex<()>,
    /// Wakes the sessions of those who are to be removed.
    pub interrupt: Interrupt,
}

#[derive(Debug)]
struct State {
    mutes: HashMap<UserName, Instant>,
    bans: Bans,
}

impl Moderation {
    /// The moderation by the operators in a file. Bans are kept in `folder`, where there is one.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the operators' file or with the file of bans.
    pub fn open(operators: &Path, folder: Option<&Path>) -> io::Result<Self> {
        let operators = Operators::read(operators)?;
        let file = folder.map(|folder| folder.join(BANS_FILE));
        let bans = match &file {
            Some(file) => Bans::read(file, Timestamp::now())?,
            None => Bans::default(),
        };
        let state = State { mutes: HashMap::new(), bans };
        Ok(Self {
            operators,
            file,
            state: Mutex::new(state),
            has_mutes: AtomicBool::new(false),
            checking: Mutex::new(()),
            writing: Mutex::new(()),
            interrupt: Interrupt::new()?,
        })
    }

    /// Whether this user is an operator, and this the password. It takes a while.
    ///
    /// Hashing wants more stack than a session has, and much memory: it is done on a thread of its
    /// own, one at a time. A name is logged in once, so no more than all operators wait for it.
    pub fn is_operator(&self, name: &UserName, password: &str) -> bool {
        let Some(hash) = self.operators.hash_of(name) else { return false };
        let _one_at_a_time = self.checking.lock();
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("password".to_owned());
            let check = thread.spawn_scoped(scope, || is_password(password, hash));
            match check.map(|check| check.join()) {
                Ok(Ok(is_right)) => is_right,
                Ok(Err(_)) => false,
                Err(error) => {
                    log::error!("no password can be checked: {error}; see `ulimit -u`");
                    false
                }
            }
        })
    }

    /// Lets a user say nothing for so many minutes. 0 ends it.
    pub fn mute(&self, name: UserName, minutes: u32) {
        let now = Instant::now();
        // It does not run over: the most are 2^32 minutes, and seconds are counted in 63 bits.
        let until = now + Duration::from_secs(60) * minutes;
        let mut state = self.state.lock();
        state.mutes.insert(name, until);
        state.mutes.retain(|_, until| *until > now);
        self.has_mutes.store(!state.mutes.is_empty(), Ordering::Release);
    }

    /// For how many minutes a user is to say nothing. `None` when it may speak.
    #[must_use]
    pub fn muted(&self, name: &UserName) -> Option<u64> {
        if !self.has_mutes.load(Ordering::Acquire) {
            return None;
        }
        let until = self.state.lock().mutes.get(name).copied()?;
        minutes(until.saturating_duration_since(Instant::now()))
    }

    /// Keeps somebody out for so many minutes; 0 ends it. It is in the file when this returns.
    pub fn ban(&self, target: Target, minutes: u32) {
        let now = Timestamp::now();
        self.state.lock().bans.set(target, after(now, minutes), now);
        let Some(file) = &self.file else { return };
        let _one_at_a_time = self.writing.lock();
        // The text is made inside this lock, so the last writer writes the newest bans.
        let bans = self.state.lock().bans.to_string();
        if let Err(error) = replace(file, &bans, true) {
            let path = file.display();
            log::error!("{path} cannot be written, a restart forgets the last bans: {error}");
        }
    }

    /// For how many minutes somebody is kept out. `None` when he is not.
    #[must_use]
    pub fn banned(&self, target: &Target) -> Option<u64> {
        let now = Timestamp::now();
        let until = self.state.lock().bans.until(target, now)?;
        minutes(span(now, until))
    }
}

fn after(now: Timestamp, minutes: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_mins(minutes.into())).unwrap_or(Timestamp::MAX)
}

/// How long it is from one time to the other. Zero when that is over.
fn span(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or(Duration::ZERO)
}

/// A minute that has begun counts. `None` when none is left.
fn minutes(left: Duration) -> Option<u64> {
    let minutes = left.as_nanos().div_ceil(Duration::from_secs(60).as_nanos());
    // As many as this fit: a duration has no more than 2^64 seconds.
    u64::try_from(minutes).ok().filter(|&minutes| minutes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_rounded_up() {
        let now = Timestamp::UNIX_EPOCH;
        let left = |until, now| minutes(span(now, until));
        assert_eq!(left(after(now, 10), now), Some(10));
        let later = now + SignedDuration::from_millis(1);
        assert_eq!(left(after(now, 10), later), Some(10));
        assert_eq!(left(later, now), Some(1));
        assert_eq!(left(now, now), None);
        assert_eq!(left(now, later), None);
        assert_eq!(minutes(Duration::from_nanos(1)), Some(1));
        assert_eq!(minutes(Duration::from_secs(60)), Some(1));
        assert_eq!(minutes(Duration::MAX), Some(u64::MAX / 60 + 1));
        assert_eq!(after(now, u32::MAX), Timestamp::MAX);
    }
}
