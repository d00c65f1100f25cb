//! What a line looks like. Pure: the same line, looks and time give the same text, so tables test it.
//!
//! Everything from the network is made safe before it gets here.

use jiff::Zoned;
use protocol::{Event, Reply, ServerLine};

use crate::model::entry::Entry;

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
/// For what concerns this user: the name in the words of others, and private lines.
const MARK: &str = "\x1b[1;7m";
/// What makes a terminal ring.
pub const BELL: &str = "\x07";

/// Colours of the 256 that keep a contrast of 3.5 and more on black and on white alike.
const NAME_COLORS: [u8; 15] = [160, 166, 94, 100, 64, 28, 29, 30, 31, 27, 63, 98, 134, 163, 161];

/// How the user wants lines to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether there are colours and other attributes at all.
    pub color: bool,
    /// Whether the terminal rings when this user is named or gets a private line.
    pub bell: bool,
    /// Whether joins and leaves are left out.
    pub quiet: bool,
}

impl Entry<'_> {
    /// Whether the user wants to see it.
    #[must_use]
    pub fn is_shown(&self, style: Style) -> bool {
        !(style.quiet && self.is_coming_or_going())
    }

    /// The entry as it stands on the terminal, with `time` at its left, without an end of line.
    #[must_use]
    pub fn styled(&self, time: &str, own_name: &str, style: Style) -> String {
        let text = match style.color {
            true => self.colored(own_name),
            // Where nothing can be marked by its looks, a sign does it.
            false if self.is_for(own_name) => format!("! {}", self.plain()),
            false => self.plain(),
        };
        let time = match time {
            "" => String::new(),
            time if style.color => format!("{DIM}{time}{RESET} "),
            time => format!("{time} "),
        };
        time + &text
    }

    fn colored(&self, own_name: &str) -> String {
        match self {
            Entry::Line(ServerLine::Event(event)) => event_colored(event, own_name),
            Entry::Line(ServerLine::Reply(reply)) => reply_colored(reply),
            Entry::Line(ServerLine::Other(text)) => (*text).to_owned(),
            Entry::Earlier(row) => {
                let text = match Event::parse(row.line) {
                    Some(Event::Said { name, .. } | Event::Did { name, .. })
                        if name != own_name =>
                    {
                        marked(row.line, own_name, &format!("{RESET}{DIM}"))
                    }
                    _ => row.line.to_owned(),
                };
                format!("{DIM}| {text}{RESET}")
            }
            Entry::Notice(_) => format!("{DIM}{}{RESET}", self.plain()),
        }
    }

    /// Whether the user is to look up: named by somebody else, or written to alone.
    #[must_use]
    pub fn is_for(&self, own_name: &str) -> bool {
        let event = match self {
            Entry::Line(ServerLine::Event(event)) => Some(*event),
            Entry::Earlier(row) => Event::parse(row.line),
            _ => None,
        };
        if let Some(Event::Said { name, text } | Event::Did { name, text }) = event {
            return name != own_name && mention(text, own_name).is_some();
        }
        match self {
            Entry::Line(ServerLine::Reply(Reply::MessageFrom { name, .. })) => *name != own_name,
            _ => false,
        }
    }
}

fn event_colored(event: &Event<'_>, own_name: &str) -> String {
    let colored = |name| name_colored(name, own_name);
    match *event {
        Event::Said { name, text } => {
            format!("{}: {}", colored(name), text_colored(name, text, own_name))
        }
        Event::Did { name, text } => {
            format!("* {} {}", colored(name), text_colored(name, text, own_name))
        }
        Event::Entered { .. } | Event::Left { .. } => format!("{DIM}{event}{RESET}"),
        Event::Renamed { old, new } => {
            format!("{} is now known as {}.", colored(old), colored(new))
        }
        Event::TopicSet { name, text } => {
            format!("{} set the topic: {BOLD}{text}{RESET}", colored(name))
        }
        Event::Announced { text } => format!("* {}", marked(text, own_name, RESET)),
    }
}

fn reply_colored(reply: &Reply<'_>) -> String {
    match reply {
        Reply::MessageTo { name, text } => format!("{MARK}[to {name}]{RESET} {text}"),
        Reply::MessageFrom { name, text } => format!("{MARK}[from {name}]{RESET} {text}"),
        other => format!("{BOLD}{other}{RESET}"),
    }
}

/// A name in its own colour; bold when it is the user's.
#[must_use]
pub fn name_colored(name: &str, own_name: &str) -> String {
    let own = if name == own_name { "1;" } else { "" };
    format!("\x1b[{own}38;5;{}m{name}{RESET}", color_of(name))
}

fn text_colored(speaker: &str, text: &str, own_name: &str) -> String {
    if speaker == own_name { text.to_owned() } else { marked(text, own_name, RESET) }
}

/// The text with the name marked where it first stands. `back` brings the look of the rest back.
fn marked(text: &str, name: &str, back: &str) -> String {
    let Some(at) = mention(text, name) else { return text.to_owned() };
    let end = at + name.len();
    format!("{}{MARK}{}{back}{}", &text[..at], &text[at..end], &text[end..])
}

/// The line between two days, with the year where it is another one.
#[must_use]
pub fn day(at: &Zoned, this_year: i16, style: Style) -> String {
    let year = if at.year() == this_year { "" } else { " %Y" };
    let text = format!("── {} ──", at.strftime(&format!("%a %-d %b{year}")));
    if style.color { format!("{DIM}{text}{RESET}") } else { text }
}

/// Where `text` has `name` as a word. Case does not matter. In scripts that put no spaces between words,
/// a name may stand anywhere.
fn mention(text: &str, name: &str) -> Option<usize> {
    let is_part = |character: char| {
        (character.is_alphanumeric() || character == '_') && !is_unspaced(character)
    };
    if name.is_empty() {
        return None;
    }
    let lower = name.to_lowercase();
    text.char_indices().map(|(at, _)| at).find(|&at| {
        text.get(at..at + name.len()).is_some_and(|word| word.to_lowercase() == lower)
            && !text[..at].ends_with(is_part)
            && !text[at + name.len()..].starts_with(is_part)
    })
}

/// Whether it is a letter of a script that puts no spaces between words: Thai, Lao, Burmese and Khmer,
/// Han, Kana and Hangul, whose particles stand behind a name without one (Unicode 16, block names).
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3000}'..='\u{31ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
}

/// The colour of a name: always the same, in every run and on every machine (FNV-1a).
fn color_of(name: &str) -> u8 {
    let hash = name.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The low bits of this hash are its weak ones.
    NAME_COLORS[(hash >> 32) as usize % NAME_COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::Sanitized;

    const COLOR: Style = Style { color: true, bell: true, quiet: false };
    const PLAIN: Style = Style { color: false, bell: false, quiet: false };

    fn shown(line: &str, time: &str, style: Style) -> String {
        let safe = Sanitized::new(line);
        Entry::of_line(&safe).styled(time, "al", style)
    }

    #[test]
    fn without_colors_a_line_is_its_text() {
        for (line, expected) in [
            ("bo: hi al", "12:00 ! bo: hi al"),
            ("al: hi al", "12:00 al: hi al"),
            ("* bo waves", "12:00 * bo waves"),
            ("bo has entered the room.", "12:00 bo has entered the room."),
            ("[from bo] psst", "12:00 ! [from bo] psst"),
            ("Muted for 0 minutes", "12:00 -- you may speak again"),
            ("[2026-11-22T10:04:05Z] bo: hi", "12:00 | bo: hi"),
            ("[2026] bo: hi", "12:00 [2026] bo: hi"),
            ("anything", "12:00 anything"),
            ("bo: \u{1b}[2J", "12:00 bo: ␛[2J"),
            ("[2026-11-22T10:04:05Z] bo: \u{1b}[2J\u{202e}", "12:00 | bo: ␛[2J<U+202E>"),
        ] {
            assert_eq!(shown(line, "12:00", PLAIN), expected);
        }
        assert_eq!(shown("bo: hi", "", PLAIN), "bo: hi");
    }

    #[test]
    fn colors_tell_who_speaks_and_to_whom() {
        let bo = format!("\x1b[38;5;{}mbo\x1b[0m", color_of("bo"));
        let al = format!("\x1b[1;38;5;{}mal\x1b[0m", color_of("al"));
        for (line, expected) in [
            ("bo: hi", format!("{bo}: hi")),
            ("al: hi al", format!("{al}: hi al")),
            ("bo: hi AL!", format!("{bo}: hi \x1b[1;7mAL\x1b[0m!")),
            ("bo: hi alice, pal", format!("{bo}: hi alice, pal")),
            ("* bo hugs al", format!("* {bo} hugs \x1b[1;7mal\x1b[0m")),
            ("bo has left the room.", "\x1b[2mbo has left the room.\x1b[0m".into()),
            ("[from bo] hi", "\x1b[1;7m[from bo]\x1b[0m hi".into()),
            ("[to bo] hi", "\x1b[1;7m[to bo]\x1b[0m hi".into()),
            ("Online Users:", "\x1b[1mOnline Users:\x1b[0m".into()),
            (
                "[2026-11-22T10:04:05Z] bo: al!",
                "\x1b[2m| bo: \x1b[1;7mal\x1b[0m\x1b[2m!\x1b[0m".into(),
            ),
            ("bo is now known as al.", format!("{bo} is now known as {al}.")),
            ("bo set the topic: x", format!("{bo} set the topic: \x1b[1mx\x1b[0m")),
            ("bo: 请al看看, hi", format!("{bo}: 请\x1b[1;7mal\x1b[0m看看, hi")),
            ("bo: éal", format!("{bo}: éal")),
            ("bo: \u{1b}]0;x\u{7}", format!("{bo}: ␛]0;x␇")),
        ] {
            assert_eq!(shown(line, "", COLOR), expected, "{line}");
        }
        assert_eq!(shown("bo", "1:2", COLOR), "\x1b[2m1:2\x1b[0m bo");
        assert_eq!(Entry::Notice("gone").styled("", "al", COLOR), "\x1b[2m-- gone\x1b[0m");
    }

    #[test]
    fn quiet_hides_comings_and_goings_alone() {
        for (line, is_shown) in [
            ("bo has entered the room.", false),
            ("bo has left the room.", false),
            ("[2026-11-22T10:04:05Z] bo has left the room.", false),
            ("bo: bo has left the room.", true),
            ("bo is now known as cy.", true),
        ] {
            let line = Sanitized::new(line);
            let entry = Entry::of_line(&line);
            assert_eq!(entry.is_shown(Style { quiet: true, ..PLAIN }), is_shown, "{entry:?}");
            assert!(entry.is_shown(PLAIN));
        }
    }

    #[test]
    fn colors_of_names_can_be_read_on_black_and_on_white() {
        const LEVELS: [f64; 6] = [0.0, 95.0, 135.0, 175.0, 215.0, 255.0];
        for color in NAME_COLORS {
            let cube = usize::from(color) - 16;
            // Relative luminance and contrast as WCAG 2 defines them.
            let linear = |step: usize| match LEVELS[step % 6] / 255.0 {
                dark if dark <= 0.03928 => dark / 12.92,
                value => f64::powf((value + 0.055) / 1.055, 2.4),
            };
            let luminance =
                0.2126 * linear(cube / 36) + 0.7152 * linear(cube / 6) + 0.0722 * linear(cube);
            assert!((luminance + 0.05) / 0.05 >= 3.5, "{color} on black");
            assert!(1.05 / (luminance + 0.05) >= 3.5, "{color} on white");
        }
    }
}
