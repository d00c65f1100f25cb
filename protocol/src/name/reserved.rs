//! Words that are no names, and why: a table for users and one for rooms.
//!
//! A word stands for everything that looks like it.

/// Words that no user may be called.
pub const FOR_USERS: &[&str] = &[
    // A line of the server starts with the word and a colon, as what a user says does with a name:
    // `Kicked: no spam`.
    "topic", "rooms", "history", "commands", "usage", "kicked",
    // As a row of `look` it would read as the fence that ends the list.
    "pong", // Who is called so seems to speak for those who run the server.
    "server", "admin", "operator", "system", "root",
];

/// Words that no room may be called.
pub const FOR_ROOMS: &[&str] = &[
    // As a row of `rooms` it would read as the fence that ends the list: `pong 1`.
    "pong", "server",
];
