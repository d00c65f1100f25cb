//! How one speaks to each kind of server: to enter, and to say something.

use std::io;

use clap::ValueEnum;

use super::frames;
use super::link::Link;
use super::mark::Mark;

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// This project's protocol.
    Chat,
    /// The same over a WebSocket.
    Web,
    /// The bare loops of this bench: what a client sends is what its room gets, and the first one
    /// speaks for everybody.
    Bare,
    /// The batching relay of this bench: the same, and everybody speaks.
    Open,
    /// `ncat --chat`.
    Ncat,
    /// Internet Relay Chat, as far as it is needed here.
    Irc,
}

/// What a client does about a line that it got while entering.
#[derive(Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Wait for more.
    Wait,
    /// Send this.
    Send(Vec<u8>),
    /// It is where it wanted to be.
    Entered,
}

impl Dialect {
    /// What a client sends once it is connected.
    #[must_use]
    pub fn greeting(self, client: usize, room: Option<usize>) -> Vec<u8> {
        if self == Self::Web {
            let mut bytes = frames::HANDSHAKE.to_vec();
            frames::put(&Self::Chat.greeting(client, room), &mut bytes);
            return bytes;
        }
        let text = match (self, room) {
            (Self::Chat, None) => format!("login u{client:05}\n"),
            (Self::Chat, Some(room)) => format!("login u{client:05}\njoin r{room:04}\n"),
            (Self::Irc, _) => format!("NICK u{client:05}\r\nUSER u 0 * :u\r\n"),
            (Self::Web | Self::Bare | Self::Open | Self::Ncat, _) => String::new(),
        };
        text.into_bytes()
    }

    /// What to do about a line that came before the client was in.
    #[must_use]
    pub fn react(self, line: &[u8], room: Option<usize>) -> Reaction {
        let line = line.trim_ascii_end();
        let has_entered = match (self, room) {
            (Self::Chat | Self::Web, None) => line == b"Login Success",
            (Self::Chat | Self::Web, Some(_)) => line == b"Join Success",
            (Self::Bare | Self::Open, _) => line == b"ready",
            (Self::Ncat, _) => line.starts_with(b"<announce>"),
            (Self::Irc, _) => irc_numeric(line) == Some(b"366"),
        };
        if has_entered {
            return Reaction::Entered;
        }
        if self == Self::Irc && irc_numeric(line) == Some(b"001") {
            let room = room.unwrap_or_default();
            return Reaction::Send(format!("JOIN #r{room:04}\r\n").into_bytes());
        }
        if self == Self::Irc
            && let Some(token) = line.strip_prefix(b"PING ")
        {
            return Reaction::Send([b"PONG ", token, b"\r\n"].concat());
        }
        Reaction::Wait
    }

    /// Appends the request to say a text.
    pub fn say(self, client: usize, room: Option<usize>, mark: Mark, to: &mut Vec<u8>) {
        let mut digits = *b"u00000: ";
        match self {
            Self::Chat | Self::Web => to.extend_from_slice(b"say "),
            Self::Bare | Self::Open => {
                let mut rest = client;
                for digit in digits[1..6].iter_mut().rev() {
                    *digit = b'0' + (rest % 10) as u8;
                    rest /= 10;
                }
                to.extend_from_slice(&digits);
            }
            Self::Ncat => {}
            Self::Irc => {
                let room = room.unwrap_or_default();
                to.extend_from_slice(format!("PRIVMSG #r{room:04} :").as_bytes());
            }
        }
        mark.write(to);
        to.extend_from_slice(if self == Self::Irc { b"\r\n" } else { b"\n" });
    }

    /// The request to leave. `None` where one just goes.
    #[must_use]
    pub fn farewell(self) -> Option<&'static [u8]> {
        match self {
            Self::Chat => Some(b"logout\n"),
            Self::Irc => Some(b"QUIT\r\n"),
            Self::Web | Self::Bare | Self::Open | Self::Ncat => None,
        }
    }

    /// Sends requests.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(self, link: &Link, requests: &[u8]) -> io::Result<()> {
        if self != Self::Web {
            return link.send(requests);
        }
        let mut bytes = Vec::with_capacity(requests.len() + 64);
        frames::put(requests, &mut bytes);
        link.send(&bytes)
    }

    /// Whether everybody is told of everybody who comes.
    #[must_use]
    pub fn tells_of_entries(self) -> bool {
        matches!(self, Self::Chat | Self::Web)
    }

    /// Whether the first client says what others would.
    #[must_use]
    pub fn has_one_speaker(self) -> bool {
        self == Self::Bare
    }

    /// Whether a client gets what it says itself.
    #[must_use]
    pub fn echoes(self) -> bool {
        matches!(self, Self::Chat | Self::Web | Self::Bare | Self::Open)
    }
}

/// The number in `:server 001 nick ...`.
fn irc_numeric(line: &[u8]) -> Option<&[u8]> {
    let mut words = line.split(|&byte| byte == b' ');
    words.next().filter(|first| first.starts_with(b":"))?;
    words.next()
}
