//! Mutes and bans, the operators who decide them, and the names that belong to somebody.
//!
//! By which clock both end says [`clock`]. The lock of the state is the innermost one: nothing is locked
//! inside it. A caller that has a password checked, or waits for the file of bans, has no lock.

mod ban_file;
pub mod bans;
pub mod clock;
pub mod door;
pub mod interrupt;
pub mod secrets;
mod turns;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use protocol::UserName;

use self::ban_file::BanFile;
use self::bans::{Bans, Target};
use self::clock::{Clock, span};
use self::door::{Asked, Door};
use self::interrupt::Interrupt;
use self::secrets::{Memory, is_fast, is_secret};
use self::turns::Turns;
use crate::config::Config;
use crate::network::Network;

/// The bans' file in the folder of a server that keeps what is said.
const BANS_FILE: &str = "bans";

/// How many bad lines of that file the server's log tells one by one.
const BAD_LINES_TOLD: usize = 10;

/// The operators of a server, the names that belong to somebody, and all mutes and bans.
#[derive(Debug)]
pub struct Moderation {
    door: Door,
    /// Where bans are kept. `None` forgets them with the server.
    file: Option<BanFile>,
    state: Mutex<State>,
    /// Whether anybody may be muted. Where not, those who speak need not lock the state.
    has_mutes: AtomicBool,
    /// Lets one password be checked at a time: so hashing takes memory once.
    turns: Turns,
    /// The memory for hashing. Only the thread that has the turn locks it, so nobody waits for the lock.
    memory: Mutex<Memory>,
    /// Wakes the sessions of those who are to be removed.
    pub interrupt: Interrupt,
}

#[derive(Debug)]
struct State {
    clock: Clock,
    /// Each until an even time.
    mutes: HashMap<UserName, Timestamp>,
    bans: Bans,
}

/// What a check of a secret has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It is right.
    Right,
    /// It is not the right one.
    Wrong,
    /// The check was not made: too many wait for theirs.
    Unknown,
}

impl Moderation {
    /// The moderation of a server with this configuration. Bans are kept in its folder, where there is
    /// one. `None` for a server alone that has no operators and lets everybody in under any name.
    ///
    /// # Errors
    ///
    /// Says what is wrong with a file of names and secrets, or with the file of bans.
    pub fn open(config: &Config) -> io::Result<Option<Self>> {
        let Config { operators, users, password, log, .. } = config;
        // Where several servers are one chat, the operators may be at another one.
        if operators.is_none() && users.is_none() && password.is_none() && log.is_none() {
            return Ok(None);
        }
        let door = Door::read(config)?;
        // Without operators nobody could end a ban.
        let folder = config.data.as_deref().filter(|_| door.has_operators());
        let path = folder.map(|folder| folder.join(BANS_FILE));
        let bans = match &path {
            Some(path) => read_bans(path)?,
            None => Bans::default(),
        };
        let clock = if log.is_some() { Clock::of_log() } else { Clock::of_this_machine() };
        let state = State { clock, mutes: HashMap::new(), bans };
        Ok(Some(Self {
            door,
            file: path.map(BanFile::new),
            state: Mutex::new(state),
            has_mutes: AtomicBool::new(false),
            turns: Turns::default(),
            memory: Mutex::default(),
            interrupt: Interrupt::new()?,
        }))
    }

    /// What is asked of those who want a name.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Whether this is the password of the operator of this name, which there may not be.
    pub fn check_operator(&self, name: &UserName, password: &str, from: IpAddr) -> Checked {
        self.door.operator(name).map_or(Checked::Wrong, |hash| self.check(password, hash, from))
    }

    /// Whether this is what was asked.
    pub fn check_asked(&self, secret: &str, asked: Asked<'_>, from: IpAddr) -> Checked {
        match asked {
            Asked::Nothing => Checked::Right,
            Asked::Own(hash) | Asked::Common(hash) => self.check(secret, hash, from),
            Asked::Impossible => Checked::Wrong,
        }
    }

    /// Whether the hash is one of this secret. A slow hash takes a while, and longer where more secrets
    /// from the same address are to be checked: other addresses do not wait for those.
    ///
    /// Such a hash wants more stack than a session has, and much memory: it is made on a thread of its
    /// own, one at a time.
    fn check(&self, secret: &str, hash: &PasswordHash, from: IpAddr) -> Checked {
        if is_fast(hash) {
            let is_right = is_secret(secret, hash, &mut Memory::default());
            return if is_right { Checked::Right } else { Checked::Wrong };
        }
        let Some(_turn) = self.turns.take(Network::of_subscriber(from)) else {
            return Checked::Unknown;
        };
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("password".to_owned());
            let check = || is_secret(secret, hash, &mut self.memory.lock());
            let check = thread.spawn_scoped(scope, check);
            match check.map(|check| check.join()) {
                Ok(Ok(true)) => Checked::Right,
                Ok(Ok(false) | Err(_)) => Checked::Wrong,
                Err(error) => {
                    log::error!("no password can be checked: {error}; see `ulimit -u`");
                    Checked::Unknown
                }
            }
        })
    }

    /// Sets the clock to the time of the log, where several servers are one chat.
    pub fn set_time(&self, time: Timestamp) {
        self.state.lock().clock.set(time);
    }

    /// Lets a user say nothing until then, for as long as that is from now on: a clock that is set does not
    /// change it. A time that is over ends it.
    pub fn mute(&self, name: UserName, until: Timestamp) {
        let mut state = self.state.lock();
        let (now, until) = (state.clock.even(), state.clock.even_of(until));
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
        let state = self.state.lock();
        minutes(span(state.clock.even(), *state.mutes.get(name)?))
    }

    /// Keeps somebody out for so many minutes; 0 ends it. It is in the file when this returns.
    pub fn ban(&self, target: Target, minutes: u32) {
        let mut state = self.state.lock();
        let now = state.clock.date();
        state.bans.set(target, after(now, minutes), now);
        drop(state);
        if let Some(file) = &self.file {
            // Made while the file is locked, so the last one written has the newest bans.
            file.save(|| self.state.lock().bans.to_string());
        }
    }

    /// The same, of a ban that another server has decided: it is in no file.
    pub fn ban_until(&self, target: Target, until: Timestamp) {
        let mut state = self.state.lock();
        let now = state.clock.date();
        state.bans.set(target, until, now);
    }

    /// All bans: a name or addresses, and the minutes that are left. The one that ends first is the first.
    #[must_use]
    pub fn bans(&self) -> Vec<(String, u64)> {
        let state = self.state.lock();
        let now = state.clock.date();
        // A copy, for nobody shall wait until it is sorted and written.
        let bans = state.bans.clone();
        drop(state);
        bans.in_order()
            .into_iter()
            .filter_map(|(until, target)| Some((target, minutes(span(now, until))?)))
            .collect()
    }

    /// Nobody waits for the file of bans or for a check any more.
    pub fn stop_waiting(&self) {
        self.turns.stop();
        self.file.iter().for_each(BanFile::stop_waiting);
    }

    /// Ends what the moderation does, at `deadline` at the latest.
    pub fn end(&self, deadline: Instant) {
        self.file.iter().for_each(|file| file.end(deadline));
    }

    /// For how many minutes somebody is kept out. `None` when he is not.
    #[must_use]
    pub fn banned(&self, target: &Target) -> Option<u64> {
        let state = self.state.lock();
        let now = state.clock.date();
        minutes(span(now, state.bans.until(target, now)?))
    }
}

/// The bans of the file. A server that keeps everybody out because of one bad line would help nobody:
/// such lines are told in the log, and stay in the file.
fn read_bans(path: &Path) -> io::Result<Bans> {
    let bans = Bans::read(path, Timestamp::now())?;
    for number in bans.bad_lines().take(BAD_LINES_TOLD) {
        let why = "is no ban and keeps nobody out: write `TIME NAME` or `TIME ADDRESS`, or remove it, \
                   with the server stopped";
        log::error!("{}: line {number} {why}", path.display());
    }
    let more = bans.bad_lines().skip(BAD_LINES_TOLD).count();
    if more > 0 {
        log::error!("{}: {more} more lines are no bans", path.display());
    }
    Ok(bans)
}

/// The time so many minutes later.
#[must_use]
pub fn after(now: Timestamp, minutes: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_mins(minutes.into())).unwrap_or(Timestamp::MAX)
}

/// A minute that has begun counts. `None` when none is left.
#[must_use]
pub fn minutes(left: Duration) -> Option<u64> {
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
