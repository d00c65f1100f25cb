//! The chat's wire protocol as types.
//!
//! The wire on one page: a client connects over TCP and is greeted. It sends [`Request`]s, a line
//! each. The server answers it with [`Reply`] lines, and tells everybody in its room of
//! [`Event`]s, a line each. `docs/protocol.md` is the contract in words; this crate is the same
//! contract in code, and its tests hold the two together.
//!
//! | module | what it turns into what |
//! |---|---|
//! | [`mod@line`] | bytes into lines, however the network cut them |
//! | [`command`] | nothing: it is the table of commands, for parsing, `help` and completion |
//! | [`claim`] | a name and its secret into the two |
//! | [`request`] | a line into a [`Request`], by that table, and back |
//! | [`reply`], [`rows`] | what one client is told, and the rows of its lists, and back |
//! | [`position`] | a place between two lines of a room into its text, and back |
//! | [`event`] | what a whole room is told, and back |
//! | [`server_line`] | a line to a client into whichever of these it is |
//! | [`foreign`] | first bytes into the protocol that somebody speaks by mistake |
//! | [`name`] | a text into a [`UserName`] or [`RoomName`], or the reason why not |
//! | [`limits`] | the numbers of the contract |
//!
//! Nothing in here may know a socket, a thread, a clock, a lock or a terminal: client, server and
//! fuzzers share it, and every function gives the same answer for the same input.

pub mod claim;
pub mod command;
pub mod event;
pub mod foreign;
pub mod limits;
pub mod line;
pub mod name;
pub mod position;
pub mod reply;
pub mod request;
pub mod rows;
pub mod server_line;

pub use claim::Claim;
pub use command::{Command, Context, Place, Scope, Secret, Spec};
pub use event::Event;
pub use line::{LineDecoder, LineError};
pub use name::{NameError, RoomName, UserName};
pub use position::Position;
pub use reply::{Framing, Reply};
pub use request::{Request, topic_of};
pub use server_line::ServerLine;

/// The version of the programs of this project, with the commit where it is known, as `0.1.0 (4ecb179c1a)`.
pub const VERSION: &str = env!("CHAT_VERSION");

/// What is trimmed from requests: ASCII white space and nothing else.
///
/// Python's `bytes.strip` takes these and no others, so neither does this protocol: U+0085, U+00A0
/// and U+3000 stay, the first of them to be refused as a control character.
pub(crate) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\x0b' | '\x0c')
}

/// The word up to the first space, and the rest, trimmed.
pub(crate) fn split(text: &str) -> (&str, &str) {
    // A space is one byte, never a part of another character; and words are short.
    let word = text.bytes().position(|byte| byte == b' ').unwrap_or(text.len());
    (&text[..word], text[word..].trim_matches(is_blank))
}

/// Whether `character` may not stand in a line: C0 other than tab, DEL, and C1.
///
/// C1 controls are the code points U+0080 to U+009F, never bytes: those bytes are ordinary
/// parts of other characters in UTF-8.
#[must_use]
pub fn is_control(character: char) -> bool {
    character != '\t' && character.is_control()
}

/// Whether a control character stands anywhere in `text`.
pub(crate) fn has_control(text: &str) -> bool {
    // Nearly every text is printable ASCII. The compiler looks at many bytes at once where no byte
    // ends the loop, and only what does not pass has to be decoded into characters.
    let is_plain = |byte: u8| (byte.wrapping_sub(b' ') <= b'~' - b' ') | (byte == b'\t');
    let all_plain = text.bytes().fold(true, |all, byte| all & is_plain(byte));
    !all_plain && text.chars().any(is_control)
}
