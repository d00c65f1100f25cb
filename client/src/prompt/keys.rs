//! Every key that has no binding of its own passes here, on its way to the editor.
//!
//! rustyline 19 gives up in the middle of an escape sequence that it does not know, and takes the rest for
//! typed text: <https://github.com/kkawakam/rustyline/issues/847>, 699. It says so first, so the rest of a
//! control sequence (ECMA-48, 5.4) can be left out here. What stays: a sequence of which rustyline
//! has read all but its last letter (`CSI 9 u`), and replies in strings (OSC, DCS), which it takes for
//! Alt and a letter; no terminal sends those unasked, and this program asks for none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use crate::view::display_queue::DisplayQueue;

/// How long the rest of a sequence can be on its way. Its bytes come together; those of fingers do not.
const BURST: Duration = Duration::from_millis(50);

/// The keys without a binding of their own.
pub struct Keys {
    queue: Arc<DisplayQueue>,
    /// Locked only because rustyline wants what it calls to be fit for many threads.
    rest: Mutex<Rest>,
}

/// What is left of a sequence that the editor gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nothing.
    None,
    /// It was given up just now, at this time: what follows is the rest if it begins with a parameter.
    Begun(Instant),
    /// A parameter has come.
    Parameters(Instant),
}

impl Rest {
    /// What is left behind this key, and whether the key belongs to the sequence.
    fn after(self, key: KeyEvent, now: Instant) -> (Self, bool) {
        let (since, has_parameters) = match self {
            Rest::Begun(since) => (since, false),
            Rest::Parameters(since) => (since, true),
            Rest::None => (now, false),
        };
        let is_late = self == Rest::None || now.duration_since(since) > BURST;
        match key {
            KeyEvent(KeyCode::UnknownEscSeq, _) => (Rest::Begun(now), true),
            KeyEvent(KeyCode::Char('0'..='?'), Modifiers::NONE) if !is_late => {
                (Rest::Parameters(since), true)
            }
            KeyEvent(KeyCode::Char(' '..='/'), Modifiers::NONE) if !is_late && has_parameters => {
                (self, true)
            }
            KeyEvent(KeyCode::Char('@'..='~'), Modifiers::NONE) if !is_late && has_parameters => {
                (Rest::None, true)
            }
            _ => (Rest::None, false),
        }
    }
}

impl Keys {
    /// Keys for a prompt that shows the lines of `queue`.
    pub fn new(queue: Arc<DisplayQueue>) -> Self {
        Self { queue, rest: Mutex::new(Rest::None) }
    }
}

impl ConditionalEventHandler for Keys {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.queue.read();
        let mut rest = self.rest.lock();
        let is_swallowed;
        (*rest, is_swallowed) = rest.after(*event.get(0)?, Instant::now());
        is_swallowed.then_some(Cmd::Noop)
    }
}

/// Ctrl-L. The prompt moves to the topmost row.
pub struct Clear(pub Arc<DisplayQueue>);

impl ConditionalEventHandler for Clear {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.cleared();
        Some(Cmd::ClearScreen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of these keys reaches the line, when they come at once behind a sequence that was given up.
    fn left(keys: &str, pause: Duration) -> String {
        let (mut now, mut left) = (Instant::now(), String::new());
        let (mut rest, _) =
            Rest::None.after(KeyEvent(KeyCode::UnknownEscSeq, Modifiers::NONE), now);
        now += pause;
        for key in keys.chars() {
            let is_swallowed;
            (rest, is_swallowed) = rest.after(KeyEvent(KeyCode::Char(key), Modifiers::NONE), now);
            left.extend((!is_swallowed).then_some(key));
        }
        left
    }

    #[test]
    fn the_rest_of_a_sequence_is_no_text() {
        for (keys, expected) in [
            (";5uhi 5u", "hi 5u"),
            ("7;5u", ""),
            ("9~x", "x"),
            ("0;10;10Mhi", "hi"),
            ("1;2 q", ""),
            // Of what was read to its end nothing is left.
            ("hi", "hi"),
            ("h5u", "h5u"),
            (" 5u", " 5u"),
        ] {
            assert_eq!(left(keys, Duration::ZERO), expected, "{keys:?}");
            assert_eq!(left(keys, 2 * BURST), keys, "typed later");
        }
    }
}
