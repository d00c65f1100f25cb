//! What is known of the chat, learned from lines. Pure: no socket, no terminal, no clock.
//!
//! | module | what it is for |
//! |---|---|
//! | [`state`] | all that a session knows, from [`location`], [`unconfirmed`], [`replay`], [`roster`] and [`names`] |
//! | [`digest`] | what a newcomer is shown |
//! | [`entry`] | what a line is |
//! | [`commands`] | what a typed line means |
//! | [`vocabulary`] | which commands there are |
//! | [`fence`] | marks in the stream of answers |
//! | [`columns`] | names side by side |
//! | [`search`] | `/grep` |
//! | [`liveness`], [`backoff`] | how long to wait for a server |

pub mod backoff;
pub mod columns;
pub mod commands;
pub mod digest;
pub mod entry;
pub mod fence;
pub mod liveness;
pub mod location;
pub mod names;
pub mod replay;
pub mod roster;
pub mod search;
pub mod state;
pub mod unconfirmed;
pub mod vocabulary;
