//! Checks a chat server that somebody built, and says what is wrong with it.
//!
//! | module | what it is | what it knows |
//! |---|---|---|
//! | [`transcript`] | conversations written down: read, and played | peers |
//! | [`checks`] | the rules, each with a way to see whether it is kept | stages |
//! | [`stage`] | where one check plays | addresses, a deadline |
//! | [`patience`] | how long is waited, and which time does not count | resources |
//! | [`peer`] | a client that a check plays | its socket |
//! | [`target`] | the server: one that runs, or a command | processes |
//! | [`client`] | the other way round: a server that plays for somebody's client | processes, sockets |
//! | [`run`] | all checks one after the other, in a bounded time | targets, checks |
//! | [`report`] | what was found, for people and for programs | findings |
//! | [`relay`] | a connection on which TCP has a bad day | sockets |
//! | [`variant`] | the same protocol in other words | nothing |
//! | [`failure`], [`shown`], [`glob`] | what a check found, safe to be shown; names by pattern | nothing |
//! | [`resources`] | what a process uses | `/proc` |
//! | [`stdout`] | a writer that waits for who reads | nothing |
//!
//! It knows `protocol` and how a command line is explained (`chat-settings`), and nothing of this project's
//! server and client. It trusts nobody: every wait ends, every buffer has a limit, and no byte of a server
//! reaches the terminal as it came.

pub mod args;
pub mod checks;
pub mod client;
pub mod exit;
pub mod failure;
pub mod glob;
pub mod patience;
pub mod peer;
pub mod program;
pub mod relay;
pub mod report;
pub mod resources;
pub mod run;
pub mod shown;
pub mod stage;
pub mod stdout;
pub mod target;
pub mod transcript;
pub mod variant;
