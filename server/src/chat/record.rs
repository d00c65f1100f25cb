//! Changes as they stand in the log that several servers share.
//!
//! A record is one line of text, so that `redis-cli` shows what goes on; that of `say` has the lines that
//! are said below it:
//!
//! ```text
//! 1 enter 17 anybody al
//! 1 move 17 den
//! 1 message 17 bob see you
//! 1 say 17
//! al: hello
//! ```
//!
//! First comes the version of this form, then what is done, by which client of the server that the record
//! comes from, and the rest. No name has a space in it, and no text a newline.

use std::fmt::Display;
use std::str::SplitN;

use protocol::{RoomName, UserName};

use super::change::{Change, Member};
use crate::moderation::bans::Target;
use crate::moderation::door::Claimant;

/// The version of this form. Servers of two versions cannot be one chat.
const VERSION: &str = "1";

/// A record that is no change. Some other version has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log has a record that this version does not know: run the same version everywhere")]
pub struct UnknownRecord;

impl Change<'_> {
    /// The change as bytes. Which server it comes from stands beside the record.
    #[must_use]
    pub fn to_record(&self) -> Vec<u8> {
        match self {
            Self::Enter { who, name, claimant } => line("enter", who, &[word(*claimant), name]),
            Self::Leave { who } => line("leave", who, &[]),
            Self::Free { who } => line("free", who, &[]),
            Self::Move { who, room } => line("move", who, &[room]),
            Self::Watch { who, room } => line("watch", who, &[room]),
            Self::Unwatch { who } => line("unwatch", who, &[]),
            Self::Rename { who, name, claimant } => line("rename", who, &[word(*claimant), name]),
            Self::Say { who, lines } => {
                format!("{VERSION} say {}\n{lines}", who.client).into_bytes()
            }
            Self::SetTopic { who, text } => line("topic", who, &[text]),
            Self::Announce { text } => format!("{VERSION} announce 0 {text}").into_bytes(),
            Self::Message { who, to, text } => line("message", who, &[to, text]),
            Self::Ignore { who, name, is_ignored: true } => line("ignore", who, &[name]),
            Self::Ignore { who, name, is_ignored: false } => line("unignore", who, &[name]),
            Self::Mute { who, name, minutes } => line("mute", who, &[minutes, name]),
            Self::Ban { who, target, minutes } => line("ban", who, &[minutes, target]),
            Self::Kick { who, name, reason } => line("kick", who, &[name, reason]),
            Self::TakeBack { holder } => line("take-back", holder, &[&hex(holder.server)]),
            Self::Undelivered { sender, to } => {
                line("undelivered", sender, &[&hex(sender.server), to])
            }
            Self::Alive { settings } => format!("{VERSION} alive {settings}").into_bytes(),
            Self::Gone { server } => format!("{VERSION} gone {}", hex(*server)).into_bytes(),
        }
    }
}

impl<'a> Change<'a> {
    /// Reads what [`Self::to_record`] of that `server` wrote.
    ///
    /// # Errors
    ///
    /// When it is none of the changes that this version knows.
    pub fn from_record(record: &'a [u8], server: u64) -> Result<Self, UnknownRecord> {
        str::from_utf8(record).ok().and_then(|text| parse(text, server)).ok_or(UnknownRecord)
    }
}

fn parse(text: &str, server: u64) -> Option<Change<'_>> {
    let text = text.strip_prefix(VERSION)?.strip_prefix(' ')?;
    let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
    match head {
        "alive" => return Some(Change::Alive { settings: rest }),
        "gone" => return Some(Change::Gone { server: from_hex(rest)? }),
        "say" => {
            let (client, lines) = rest.split_once('\n')?;
            let who = Member { server, client: client.parse().ok()? };
            return lines.ends_with('\n').then_some(Change::Say { who, lines });
        }
        _ => {}
    }
    let (client, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    of_one(Member { server, client: client.parse().ok()? }, head, rest)
}

/// What `who` does, in one line.
fn of_one<'a>(who: Member, head: &str, rest: &'a str) -> Option<Change<'a>> {
    let client = who.client;
    // As many parts as the change has: the last of them may have spaces.
    let parts = |count| rest.splitn(count, ' ');
    Some(match head {
        "enter" => {
            let (claimant, name) = claim(parts(2))?;
            Change::Enter { who, name, claimant }
        }
        "rename" => {
            let (claimant, name) = claim(parts(2))?;
            Change::Rename { who, name, claimant }
        }
        "leave" => Change::Leave { who },
        "free" => Change::Free { who },
        "move" => Change::Move { who, room: RoomName::parse(rest).ok()? },
        "watch" => Change::Watch { who, room: RoomName::parse(rest).ok()? },
        "unwatch" => Change::Unwatch { who },
        "topic" => Change::SetTopic { who, text: rest },
        "announce" => Change::Announce { text: rest },
        "message" => {
            let (to, text) = rest.split_once(' ')?;
            Change::Message { who, to, text }
        }
        "ignore" | "unignore" => {
            let name = UserName::parse(rest).ok()?;
            Change::Ignore { who, name, is_ignored: head == "ignore" }
        }
        "mute" => {
            let (minutes, name) = rest.split_once(' ')?;
            Change::Mute { who, name, minutes: minutes.parse().ok()? }
        }
        "ban" => {
            let (minutes, target) = rest.split_once(' ')?;
            let target = Target::parse(target).ok()?;
            Change::Ban { who, target, minutes: minutes.parse().ok()? }
        }
        "kick" => {
            let (name, reason) = rest.split_once(' ')?;
            Change::Kick { who, name, reason }
        }
        "take-back" => Change::TakeBack { holder: Member { server: from_hex(rest)?, client } },
        "undelivered" => {
            let (server, to) = rest.split_once(' ')?;
            Change::Undelivered { sender: Member { server: from_hex(server)?, client }, to }
        }
        _ => return None,
    })
}

fn claim(mut parts: SplitN<'_, char>) -> Option<(Claimant, UserName)> {
    let claimant = match parts.next()? {
        "anybody" => Claimant::Anybody,
        "owner" => Claimant::Owner,
        _ => return None,
    };
    Some((claimant, UserName::parse(parts.next()?).ok()?))
}

fn word(claimant: Claimant) -> &'static dyn Display {
    match claimant {
        Claimant::Anybody => &"anybody",
        Claimant::Owner => &"owner",
    }
}

fn line(head: &str, who: &Member, parts: &[&dyn Display]) -> Vec<u8> {
    let mut line = format!("{VERSION} {head} {}", who.client);
    for part in parts {
        line.push(' ');
        line += &part.to_string();
    }
    line.into_bytes()
}

fn hex(server: u64) -> String {
    format!("{server:016x}")
}

fn from_hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_it_was_written() {
        let who = Member { server: 7, client: 3 };
        let other = Member { server: u64::MAX, client: 0 };
        let name = || UserName::parse("zoë").unwrap();
        let room = || RoomName::parse("Den").unwrap();
        let target = |text| Target::parse(text).unwrap();
        for change in [
            Change::Enter { who, name: name(), claimant: Claimant::Anybody },
            Change::Enter { who, name: name(), claimant: Claimant::Owner },
            Change::Leave { who },
            Change::Free { who },
            Change::Move { who, room: room() },
            Change::Watch { who, room: room() },
            Change::Unwatch { who },
            Change::Rename { who, name: name(), claimant: Claimant::Owner },
            Change::Say { who, lines: "al: a b\nal: \n" },
            Change::SetTopic { who, text: "tea  at 5 " },
            Change::Announce { text: "all: out" },
            Change::Message { who, to: "bob", text: " a  b" },
            Change::Message { who, to: "bob", text: "" },
            Change::Ignore { who, name: name(), is_ignored: true },
            Change::Ignore { who, name: name(), is_ignored: false },
            Change::Mute { who, name: "bob", minutes: 10 },
            Change::Ban { who, target: target("10.0.0.0/8"), minutes: u32::MAX },
            Change::Ban { who, target: target("bob"), minutes: 0 },
            Change::Kick { who, name: "bob", reason: "no reason at all" },
            Change::Kick { who, name: "bob", reason: "" },
            Change::TakeBack { holder: other },
            Change::Undelivered { sender: other, to: "bob" },
            Change::Alive { settings: "--users=1f --max-rooms=5" },
            Change::Gone { server: u64::MAX },
        ] {
            let record = change.to_record();
            assert_eq!(Change::from_record(&record, 7), Ok(change.clone()), "{change:?}");
        }
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for record in [
            "",
            "1",
            "2 alive",
            "1 dance 3",
            "1 enter x anybody al",
            "1 enter 3 anybody a:b",
            "1 say 3",
            "1 say 3\nal: cut",
            "1 gone z",
        ] {
            assert_eq!(Change::from_record(record.as_bytes(), 7), Err(UnknownRecord), "{record:?}");
        }
        assert_eq!(Change::from_record(b"1 topic 3 \xff", 7), Err(UnknownRecord));
    }
}
