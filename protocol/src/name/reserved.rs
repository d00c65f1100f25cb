//! Words that are no names, and why.
//!
//! A word stands for everything that looks like it, so what is kept of it is its key.

use std::sync::LazyLock;

use super::likeness::key;

/// A line of the server starts with such a word and a colon, as what a user says does with a name:
/// `Kicked: no spam`.
const BEFORE_A_COLON: &[&str] = &["topic", "rooms", "history", "commands", "usage", "kicked"];

/// As a row of `look` or of `rooms` (`pong 1`) it would read as the fence that ends the list.
const FENCE: &[&str] = &["pong"];

/// What is called so seems to be the server itself.
const SERVER: &[&str] = &["server"];

/// Names of users that would seem to speak for those who run the server.
const ROLES: &[&str] = &["admin", "operator", "system", "root"];

/// The keys of words that no user may be called.
pub static FOR_USERS: LazyLock<Vec<String>> =
    LazyLock::new(|| keys(&[BEFORE_A_COLON, FENCE, SERVER, ROLES]));

/// The keys of words that no room may be called.
pub static FOR_ROOMS: LazyLock<Vec<String>> = LazyLock::new(|| keys(&[FENCE, SERVER]));

fn keys(tables: &[&[&str]]) -> Vec<String> {
    tables.iter().copied().flatten().map(|word| key(word)).collect()
}
