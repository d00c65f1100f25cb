//! Mutes and bans as part of the world. They end by the times of changes, so all servers agree on which
//! lines of a muted user are not seen, and a server that comes later knows them too.
//!
//! This module knows no clock.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::Timestamp;
use protocol::UserName;

use crate::moderation::bans::Target;
use crate::moderation::clock::span;
use crate::moderation::minutes;

/// Mutes and bans, each until a time.
#[derive(Debug, Default)]
pub struct Verdicts {
    muted: HashMap<UserName, Timestamp>,
    banned: HashMap<Target, Timestamp>,
}

impl Verdicts {
    /// Lets a user say nothing until then.
    pub fn mute(&mut self, name: UserName, until: Timestamp, now: Timestamp) {
        set(&mut self.muted, name, until, now);
    }

    /// Keeps somebody out until then.
    pub fn ban(&mut self, target: Target, until: Timestamp, now: Timestamp) {
        set(&mut self.banned, target, until, now);
    }

    /// For how many minutes a user is to say nothing. `None` when it may speak.
    #[must_use]
    pub fn muted(&self, name: &UserName, now: Timestamp) -> Option<u64> {
        minutes(span(now, *self.muted.get(name)?))
    }

    /// For how many minutes a name is kept out. `None` when it is not.
    #[must_use]
    pub fn banned(&self, name: &UserName, now: Timestamp) -> Option<u64> {
        if self.banned.is_empty() {
            return None;
        }
        minutes(span(now, *self.banned.get(&Target::Name(name.clone()))?))
    }

    /// All mutes, in no order.
    pub fn mutes(&self) -> impl Iterator<Item = (&UserName, Timestamp)> {
        self.muted.iter().map(|(name, until)| (name, *until))
    }

    /// All bans, in no order.
    pub fn bans(&self) -> impl Iterator<Item = (&Target, Timestamp)> {
        self.banned.iter().map(|(target, until)| (target, *until))
    }
}

/// What is over is forgotten.
fn set<K: Eq + Hash>(all: &mut HashMap<K, Timestamp>, key: K, until: Timestamp, now: Timestamp) {
    all.insert(key, until);
    all.retain(|_, until| *until > now);
}
