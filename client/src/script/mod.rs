//! The modes for scripts: each does one thing in the chat, and its exit code tells the truth about it.
//!
//! | module | what it is for |
//! |---|---|
//! | [`entrance`] | getting in, and trying again |
//! | [`session`], [`lines`] | a connection that is logged in and in its room, and its lines |
//! | [`input`] | from what is to be said to requests |
//! | [`say`], [`echoes`], [`tally`], [`said`] | saying lines, and finding out what became of each |
//! | [`plain`] | from what programs print to what can be said |
//! | [`act`] | one request of another kind, and what became of it |
//! | [`answers`] | `look`, `rooms`, `history` and `who`: a list, up to its fence |
//! | [`find`] | the servers of the local network |
//! | [`follow`], [`wait`] | the room as it goes on |
//! | [`past`] | what stood in the room before, in one sequence with what comes |
//! | [`bot`], [`program`], [`outlet`] | a program as a user of the room |
//! | [`candidates`] | what a shell may offer for the name of a user or a room |
//! | [`record`], [`output`] | a line as an object, and the way to stdout |
//!
//! Data goes to stdout and nothing else does. Nothing here ends the process or reads a terminal.

pub mod act;
pub mod answers;
pub mod bot;
pub mod candidates;
pub mod echoes;
pub mod entrance;
pub mod find;
pub mod follow;
pub mod input;
pub mod lines;
pub mod outlet;
pub mod output;
pub mod past;
pub mod plain;
pub mod program;
pub mod record;
pub mod said;
pub mod say;
pub mod session;
pub mod tally;
pub mod wait;

use crate::args::script::Task;
use crate::exit::{Exit, Failure};

/// Does the task. What is given back is the exit code.
///
/// # Errors
///
/// Says why it was not done.
pub fn run(task: &Task) -> Result<u8, Failure> {
    match task {
        Task::Say(say) => say::run(say),
        Task::Look(look) => answers::look(look),
        Task::Rooms(rooms) => answers::rooms(rooms),
        Task::Who(who) => answers::who(who),
        Task::Find(find) => find::run(find),
        Task::History(history) => answers::history(history),
        Task::Follow(follow) => follow::run(follow),
        Task::Wait(wait) => wait::run(wait),
        Task::Ask(ask) => wait::ask(ask),
        Task::Me(me) => act::me(me),
        Task::Topic(topic) => act::topic(topic),
        Task::Announce(announce) => act::announce(announce),
        Task::Kick(kick) => act::kick(kick),
        Task::Mute(mute) => act::mute(mute),
        Task::Ban(ban) => act::ban(ban),
        Task::Bot(bot) => return bot::run(bot),
    }
    .map(Exit::code)
}
