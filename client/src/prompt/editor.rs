//! The prompt: an editor for one line at a time, with the chat above it.
//!
//! It knows the terminal, the display queue and rustyline, and nothing of a server.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{
    ColorMode, CompletionType, ConditionalEventHandler, Config, Editor, Event, EventHandler,
    ExternalPrinter, GraphemeClusterMode, KeyCode, KeyEvent, Modifiers,
};

use crate::exit::{Exit, Failure};
use crate::model::names::Names;
use crate::model::vocabulary::Vocabulary;
use crate::prompt::face::{Face, Read};
use crate::prompt::helper::{ChatHelper, Purpose};
use crate::prompt::keys::{Clear, Keys};
use crate::prompt::layout::Layout;
use crate::prompt::terminal::Terminal;
use crate::sys::files;
use crate::view::display_queue::DisplayQueue;
use crate::view::render::{Style, name_colored};

/// The editor and what it draws on.
pub struct Prompt<'a> {
    editor: Editor<ChatHelper, FileHistory>,
    terminal: &'a Terminal,
    queue: Arc<DisplayQueue>,
    style: Style,
    layout: Layout,
}

impl<'a> Prompt<'a> {
    /// A prompt without history or names.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be used.
    pub fn new(
        terminal: &'a Terminal,
        queue: Arc<DisplayQueue>,
        style: Style,
    ) -> Result<Self, Failure> {
        let bell = if style.bell { BellStyle::Audible } else { BellStyle::None };
        let widths = GraphemeClusterMode::from_env();
        let layout = Layout(widths);
        let config = Config::builder()
            // The helper gives one candidate at a time, so there is never a list.
            .completion_type(CompletionType::List)
            .bell_style(bell)
            // The helper draws the waiting lines, with or without colours.
            .color_mode(ColorMode::Forced)
            .grapheme_cluster_mode(widths)
            .build();
        let mut editor = Editor::with_config(config).map_err(|error| failure(&error))?;
        let helper = ChatHelper::new(Arc::clone(&queue), layout, style.color);
        let keys = EventHandler::Conditional(Box::new(Keys::new(Arc::clone(&queue))));
        editor.bind_sequence(Event::Any, keys);
        let mut bind = |key, handler: Box<dyn ConditionalEventHandler>| {
            editor.bind_sequence(key, EventHandler::Conditional(handler))
        };
        bind(KeyEvent::ctrl('C'), Box::new(helper.interrupt()));
        bind(KeyEvent::ctrl('Z'), Box::new(terminal.suspend(Arc::clone(&queue))));
        bind(KeyEvent::ctrl('L'), Box::new(Clear(Arc::clone(&queue))));
        bind(KeyEvent(KeyCode::BackTab, Modifiers::NONE), Box::new(helper.backward()));
        editor.set_helper(Some(helper));
        Ok(Self { editor, terminal, queue, style, layout })
    }

    /// What [`DisplayQueue::redraw_loop`] needs.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be used.
    pub fn printer(&mut self) -> Result<impl ExternalPrinter + Send + use<>, Failure> {
        // It refuses terminals that cannot move the cursor, such as TERM=dumb.
        self.editor.create_external_printer().map_err(|error| {
            let reason = format!(
                "this terminal cannot edit a line ({error}); try: cat | chat-client --name NAME"
            );
            Failure::new(Exit::Local, reason)
        })
    }

    /// `styled` is `raw` with colours.
    fn read(&mut self, raw: &str, styled: &str) -> Read {
        self.show_waiting();
        if !self.queue.start_editing() {
            return Read::End;
        }
        let result = self.editor.readline(&(raw, styled));
        self.queue.stop_editing();
        let Some(helper) = self.editor.helper() else { return Read::End };
        let (is_gone, was_interrupted) = (helper.is_line_gone(), helper.was_interrupted());
        let is_bare = helper.is_prompt_bare();
        if is_gone {
            self.take_back(raw, result.as_deref().unwrap_or_default(), false);
        } else if is_bare {
            self.take_back(raw, "", true);
        } else {
            self.queue.overdrawn();
        }
        match result {
            Ok(text) if was_interrupted => match text.is_empty() {
                true => Read::Interrupt,
                false => Read::Cleared,
            },
            Ok(text) => Read::Line(text),
            // The program's own SIGINT wakes the editor to end it. Any other is a Ctrl-C.
            Err(ReadlineError::Interrupted) if self.queue.leaving().is_none() => Read::Interrupt,
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                self.notice("what was typed is not UTF-8");
                Read::Cleared
            }
            Err(_) => Read::End,
        }
    }

    /// Takes back the rows of a bare prompt, or the one that the editor leaves of a line that will
    /// come back and that was therefore drawn as nothing.
    fn take_back(&mut self, prompt: &str, text: &str, is_drawn: bool) {
        let columns = self.editor.dimensions().map_or(80, |(columns, _)| usize::from(columns));
        let (row, column) = self.layout.end_of_line(prompt, text, columns);
        // The editor begins another row after one that is full to the last column.
        let is_full = row > 0 && column == 0;
        let rows = 1 + if is_drawn { row } else { usize::from(is_full) };
        self.terminal.write(&format!("\x1b[{rows}A\r\x1b[J"));
    }

    fn ask_for(&mut self, asked: Purpose, question: &str) -> Option<String> {
        let helper = self.editor.helper_mut();
        let purpose = helper.map(|helper| std::mem::replace(&mut helper.purpose, asked));
        let read = self.read(question, question);
        if let (Some(helper), Some(purpose)) = (self.editor.helper_mut(), purpose) {
            helper.purpose = purpose;
        }
        match read {
            Read::Line(answer) => Some(answer),
            Read::Cleared | Read::Interrupt | Read::End => None,
        }
    }
}

impl Face for Prompt<'_> {
    fn queue(&self) -> &Arc<DisplayQueue> {
        &self.queue
    }

    fn style(&self) -> Style {
        self.style
    }

    fn read_chat(&mut self) -> Read {
        let status = self.queue.status();
        let raw = format!("{}@{}> ", status.name, status.room);
        let name = match self.style.color {
            true => name_colored(&status.name, &status.name),
            false => status.name,
        };
        self.read(&raw, &format!("{name}@{}> ", status.room))
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        self.ask_for(Purpose::Question, question)
    }

    fn ask_secret(&mut self, question: &str) -> Option<String> {
        self.ask_for(Purpose::Secret, question)
    }

    fn show_waiting(&self) {
        loop {
            let batch = self.queue.take();
            if batch.is_empty() {
                return;
            }
            self.terminal.write(&batch);
        }
    }

    fn clear(&self) {
        self.terminal.write("\x1b[H\x1b[2J");
        self.queue.cleared();
    }

    fn chat(&mut self, names: Names, vocabulary: Vocabulary) {
        if let Some(helper) = self.editor.helper_mut() {
            helper.chat(names, vocabulary);
        }
    }

    fn load_history(&mut self, path: &Path) -> Result<(), String> {
        match path.exists().then(|| self.editor.load_history(path)) {
            Some(Err(ReadlineError::Io(error))) if error.kind() == ErrorKind::InvalidData => {
                let bad = files::keep_text(path).map_err(|error| error.to_string())?;
                let shown = path.display();
                self.notice(&format!("{shown} had {bad} lines that were no text; they are out"));
                self.editor.load_history(path)
            }
            Some(loaded) => loaded,
            None => Ok(()),
        }
        .map_err(|error| format!("{}: {error}", path.display()))
    }

    fn remember(&mut self, text: &str, path: Option<&Path>) -> Result<(), String> {
        let added = self.editor.add_history_entry(text);
        let kept = match (added, path) {
            (Ok(true), Some(path)) => self.editor.append_history(path),
            (added, _) => added.map(drop),
        };
        kept.map_err(|error| error.to_string())
    }

    fn interruptible<T>(&self, wait: impl FnOnce() -> T) -> T {
        let _interruptible = self.terminal.interruptible();
        wait()
    }
}

fn failure(error: &ReadlineError) -> Failure {
    Failure::new(Exit::Local, format!("cannot use the terminal: {error}"))
}
