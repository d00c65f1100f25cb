//! [`Event`]: a line that everyone in a room gets, as a value. It is written as its text, and read back
//! from it.
//!
//! It says what the line means. Who is in which room, and in which order lines stand, is the server's
//! matter.

use std::fmt;

/// A line that everyone in a room gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// `NAME: TEXT`
    Said {
        /// Who spoke.
        name: &'a str,
        /// What, which may be nothing.
        text: &'a str,
    },
    /// `* NAME TEXT`
    Did {
        /// Who acted.
        name: &'a str,
        /// What, which may be nothing.
        text: &'a str,
    },
    /// `NAME has entered the room.`
    Entered {
        /// Who came.
        name: &'a str,
    },
    /// `NAME has left the room.`
    Left {
        /// Who went.
        name: &'a str,
    },
    /// `OLD is now known as NEW.`
    Renamed {
        /// The name until now.
        old: &'a str,
        /// The name from now on.
        new: &'a str,
    },
    /// `NAME set the topic: TEXT`
    TopicSet {
        /// Who set it.
        name: &'a str,
        /// The topic.
        text: &'a str,
    },
    /// `* TEXT`, from the server itself.
    Announced {
        /// What is announced. When it starts with a word that could be a name, it cannot be told
        /// from [`Event::Did`].
        text: &'a str,
    },
}

const ENTERED: &str = " has entered the room.";
const LEFT: &str = " has left the room.";
const RENAMED: &str = " is now known as ";
const TOPIC_SET: &str = " set the topic: ";

impl<'a> Event<'a> {
    /// Reads a line, without its end. `None` when it has the form of no event.
    ///
    /// A name has no space and no colon, so no text that a user says can make one kind of event look
    /// like another.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        if let Some(action) = line.strip_prefix("* ") {
            return Some(match action.split_once(' ') {
                Some((name, text)) if is_word(name) => Event::Did { name, text },
                _ => Event::Announced { text: action },
            });
        }
        if let Some((name, text)) = line.split_once(": ")
            && is_word(name)
        {
            return Some(Event::Said { name, text });
        }
        let (name, _) = line.split_once(' ')?;
        let rest = &line[name.len()..];
        if !is_word(name) {
            None
        } else if rest == ENTERED {
            Some(Event::Entered { name })
        } else if rest == LEFT {
            Some(Event::Left { name })
        } else if let Some(text) = rest.strip_prefix(TOPIC_SET) {
            Some(Event::TopicSet { name, text })
        } else {
            let new = rest.strip_prefix(RENAMED)?.strip_suffix('.')?;
            is_word(new).then_some(Event::Renamed { old: name, new })
        }
    }
}

/// Whether the text has the form of a name. It may still be a name that a server refuses.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains([' ', ':'])
}

/// The event as a line, without its end.
impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            // Nearly every line is one of these, and `write!` would take longer.
            Event::Said { name, text } => {
                f.write_str(name)?;
                f.write_str(": ")?;
                f.write_str(text)
            }
            Event::Did { name, text } => write!(f, "* {name} {text}"),
            Event::Entered { name } => write!(f, "{name}{ENTERED}"),
            Event::Left { name } => write!(f, "{name}{LEFT}"),
            Event::Renamed { old, new } => write!(f, "{old}{RENAMED}{new}."),
            Event::TopicSet { name, text } => write!(f, "{name}{TOPIC_SET}{text}"),
            Event::Announced { text } => write!(f, "* {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<Event<'_>>) {
        assert_eq!(Event::parse(line), expected, "{line:?}");
    }

    #[test]
    fn lines_of_a_room_are_told_apart() {
        check("al: hi", Some(Event::Said { name: "al", text: "hi" }));
        check("al: ", Some(Event::Said { name: "al", text: "" }));
        check("al: x: y", Some(Event::Said { name: "al", text: "x: y" }));
        check("* al waves", Some(Event::Did { name: "al", text: "waves" }));
        check("* al ", Some(Event::Did { name: "al", text: "" }));
        check("* Welcome", Some(Event::Announced { text: "Welcome" }));
        check("* Today: tea", Some(Event::Announced { text: "Today: tea" }));
        check("* ", Some(Event::Announced { text: "" }));
        check("al has entered the room.", Some(Event::Entered { name: "al" }));
        check("al has left the room.", Some(Event::Left { name: "al" }));
        check("al is now known as bo.", Some(Event::Renamed { old: "al", new: "bo" }));
        check("al set the topic: a: b", Some(Event::TopicSet { name: "al", text: "a: b" }));
    }

    #[test]
    fn a_text_cannot_pass_for_another_event() {
        check(
            "al: bo has left the room.",
            Some(Event::Said { name: "al", text: "bo has left the room." }),
        );
        check("al bo: hi", None);
        check("[to al] hi", None);
        check("Online Users:", None);
        check("al", None);
        check("", None);
    }
}
