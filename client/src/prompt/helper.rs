//! What rustyline asks for while a line is edited: completion, hints, colours, and the prompt.
//!
//! It knows the commands and the names seen, and no connection.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Cmd, ConditionalEventHandler, Context, Event, EventContext, Helper, RepeatCount};
use unicode_width::UnicodeWidthStr;

use crate::model::commands::{is_secret, secret_start};
use crate::model::names::Names;
use crate::model::vocabulary::Vocabulary;
use crate::prompt::completion::{Completion, Direction};
use crate::prompt::layout::Layout;
use crate::prompt::usage::{Usage, usage};
use crate::view::display_queue::DisplayQueue;

/// What the editor is being used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A question of this program: no command, no name.
    #[default]
    Question,
    /// The same, and the answer is a password.
    Secret,
    /// The chat.
    Chat,
}

/// Answers what rustyline asks while a line is edited.
pub struct ChatHelper {
    queue: Arc<DisplayQueue>,
    names: Names,
    vocabulary: Vocabulary,
    layout: Layout,
    color: bool,
    /// What the next line is for.
    pub purpose: Purpose,
    interrupt: NotedKey,
    completion: RefCell<Completion>,
    backward: NotedKey,
    /// Whether the line is leaving the screen, because the server will send it back.
    is_leaving: Cell<bool>,
    /// Whether the line is drawn for the last time.
    is_last: Cell<bool>,
    /// Whether the line was empty when it was last drawn.
    is_blank: Cell<bool>,
}

impl ChatHelper {
    /// A helper that draws what waits in `queue` above the prompt.
    pub fn new(queue: Arc<DisplayQueue>, layout: Layout, color: bool) -> Self {
        Self {
            queue,
            names: Names::default(),
            vocabulary: Vocabulary::default(),
            layout,
            color,
            purpose: Purpose::Question,
            // rustyline's own way out would drop the keys behind it.
            interrupt: NotedKey::new(Cmd::AcceptLine),
            completion: RefCell::default(),
            backward: NotedKey::new(Cmd::Complete),
            is_leaving: Cell::new(false),
            is_last: Cell::new(false),
            is_blank: Cell::new(true),
        }
    }

    /// From here on these names and commands are completed.
    pub fn chat(&mut self, names: Names, vocabulary: Vocabulary) {
        self.names = names;
        self.vocabulary = vocabulary;
        self.purpose = Purpose::Chat;
    }

    /// What to bind to Ctrl-C, which ends the line as Enter does.
    #[must_use]
    pub fn interrupt(&self) -> NotedKey {
        self.interrupt.clone()
    }

    /// What to bind to Shift-Tab: Tab, the other way.
    #[must_use]
    pub fn backward(&self) -> NotedKey {
        self.backward.clone()
    }

    /// Whether the line that was read was ended by Ctrl-C.
    pub fn was_interrupted(&self) -> bool {
        self.interrupt.take()
    }

    /// Whether the line that was read is no longer on the screen.
    pub fn is_line_gone(&self) -> bool {
        self.is_leaving.replace(false)
    }

    /// Whether a prompt of the chat stands on the screen with nothing behind it.
    pub fn is_prompt_bare(&self) -> bool {
        self.purpose == Purpose::Chat && self.is_blank.get()
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.color { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A key that does the same as another one, and of which it is known that it was pressed.
#[derive(Debug, Clone)]
pub struct NotedKey {
    was_pressed: Arc<AtomicBool>,
    does: Cmd,
}

impl NotedKey {
    fn new(does: Cmd) -> Self {
        Self { was_pressed: Arc::default(), does }
    }

    /// Whether it was pressed since this was asked last.
    fn take(&self) -> bool {
        self.was_pressed.swap(false, Ordering::Relaxed)
    }
}

impl ConditionalEventHandler for NotedKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.was_pressed.store(true, Ordering::Relaxed);
        Some(self.does.clone())
    }
}

impl Helper for ChatHelper {}
impl Validator for ChatHelper {}

impl Completer for ChatHelper {
    type Candidate = String;

    /// Gives the one candidate to insert.
    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let direction = match self.backward.take() {
            true => Direction::Back,
            false => Direction::Forward,
        };
        if self.purpose != Purpose::Chat {
            return Ok((position, Vec::new()));
        }
        let mut completion = self.completion.borrow_mut();
        Ok(match completion.press(&line[..position], self.vocabulary, &self.names, direction) {
            Some((start, inserted)) => (start, vec![inserted.to_owned()]),
            None => (position, Vec::new()),
        })
    }
}

impl Hinter for ChatHelper {
    type Hint = Usage;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<Usage> {
        if self.purpose != Purpose::Chat || position < line.len() {
            return None;
        }
        match self.completion.borrow().others(line) {
            Some(shown) => Some(Usage { shown, inserted: 0 }),
            None => usage(line, self.vocabulary),
        }
    }
}

/// A line whose argument nobody is to read over the user's shoulder. It keeps its width.
fn masked(line: &str) -> String {
    let start = secret_start(line).unwrap_or(line.len());
    line[..start].to_owned() + &"*".repeat(line[start..].width())
}

impl Highlighter for ChatHelper {
    /// The prompt, with what waits to be shown in front of it: the cursor is where the prompt begins,
    /// and that row is empty. The editor goes on counting from the prompt.
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        let mut text = self.queue.take_above_prompt(self.is_last.get());
        if !self.is_leaving.get() {
            text.push_str(prompt);
        }
        text.into()
    }

    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        self.is_blank.set(line.is_empty());
        if self.is_leaving.get() {
            return "".into();
        }
        if self.purpose == Purpose::Secret {
            return "*".repeat(line.width()).into();
        }
        if self.purpose == Purpose::Chat && is_secret(line) {
            return masked(line).into();
        }
        let word = line.split(' ').next().unwrap_or_default();
        let is_command = self.purpose == Purpose::Chat
            && word
                .strip_prefix('/')
                .is_some_and(|word| self.vocabulary.words().any(|known| known == word));
        if !is_command {
            return self.layout.drawable(line);
        }
        (self.styled("1", word) + &self.layout.drawable(&line[word.len()..])).into()
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.styled("2", hint).into()
    }

    fn highlight_char(&self, line: &str, position: usize, kind: CmdKind) -> bool {
        // The last drawing of a line that was entered, with the cursor at its end. What is said
        // comes back from the server, and is shown then, so that the screen shows what was really
        // said.
        self.is_last.set(kind == CmdKind::ForcedRefresh);
        let is_last = self.is_last.get() && position == line.len();
        if is_last && self.purpose == Purpose::Chat {
            let is_text = !line.starts_with('/') || line.starts_with("//") || is_secret(line);
            let is_one = !line.contains(['\n', '\r']);
            let is_entered = !self.interrupt.was_pressed.load(Ordering::Relaxed);
            let is_sent = is_text && is_one && !line.trim().is_empty();
            self.is_leaving.set(is_entered && is_sent);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked() {
        for (line, expected) in [
            ("/op", "/op"),
            ("/op ", "/op "),
            (" /op  a b", " /op  ***"),
            ("/op 漢", "/op **"),
            ("/nick al  漢", "/nick al  **"),
        ] {
            assert_eq!(masked(line), expected);
        }
    }
}
