//! The user's side of the chat: what a line that was typed leads to.
//!
//! It knows the prompt and the mailbox of the session, and no connection.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use crate::model::commands::{Input, is_secret, verbatim};
use crate::model::names::Names;
use crate::model::vocabulary::Vocabulary;
use crate::prompt::face::{Face, Read};
use crate::session::SessionMessage;
use crate::sys::files;
use crate::view::display_queue::DisplayQueue;

/// How long the prompt waits for the answer that changes it.
const SETTLE: Duration = Duration::from_secs(1);

/// The column of `/help` for how a command is typed. What is longer has a row of its own.
const USAGE_COLUMNS: usize = 16;

/// The user's side of the chat.
pub struct Typing<F> {
    prompt: F,
    queue: Arc<DisplayQueue>,
    mailbox: SyncSender<SessionMessage>,
    /// How many requests the session was given. The login is the first.
    requests: u64,
    history: Option<PathBuf>,
    names: Names,
    /// The commands that make sense here.
    vocabulary: Vocabulary,
}

impl<F: Face> Typing<F> {
    /// The side of a user who has just come in where there are these commands.
    pub fn new(
        prompt: F,
        queue: Arc<DisplayQueue>,
        mailbox: SyncSender<SessionMessage>,
        names: Names,
        vocabulary: Vocabulary,
    ) -> Self {
        Self { prompt, queue, mailbox, requests: 1, history: None, names, vocabulary }
    }

    /// The prompt, when there is nothing more to type.
    pub fn into_prompt(self) -> F {
        self.prompt
    }

    fn open_history(&mut self) {
        let opened =
            files::state("history").and_then(|path| self.prompt.load_history(&path).map(|()| path));
        match opened {
            Ok(path) => self.history = Some(path),
            Err(error) => self.prompt.notice(&format!("typed lines are not kept: {error}")),
        }
    }

    /// Reads lines and does what they say, until the user leaves or the program is to end.
    pub fn run(&mut self) {
        self.open_history();
        self.settle();
        let mut interrupts = 0;
        loop {
            interrupts = match self.prompt.read_chat() {
                Read::Line(text) if self.typed(&text) => 0,
                Read::Cleared => 0,
                Read::Interrupt if interrupts == 0 && self.interrupted() => 1,
                Read::Line(_) | Read::Interrupt | Read::End => return,
            }
        }
    }

    /// What a first Ctrl-C on an empty line does. False when nobody is left to be told.
    fn interrupted(&self) -> bool {
        if self.queue.status().is_connected {
            self.prompt.notice("Ctrl-C again leaves, and so does Ctrl-D");
            return true;
        }
        self.mailbox.send(SessionMessage::Stop).is_ok()
    }

    /// Does what a line says. False when that is to leave.
    fn typed(&mut self, text: &str) -> bool {
        let mut lines = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty());
        let (Some(first), second) = (lines.next(), lines.next()) else { return true };
        let has_secret = text.split(['\n', '\r']).any(is_secret);
        if !has_secret && let Err(error) = self.prompt.remember(text, self.history.as_deref()) {
            self.prompt.notice(&format!("typed lines are not kept: {error}"));
            self.history = None;
        }
        match second {
            None => self.line(first),
            Some(_) if has_secret => {
                self.prompt.notice("nothing was sent: one of these lines holds a password");
                true
            }
            Some(_) => self.block(verbatim(text)),
        }
    }

    /// Says several lines together, when the user wants that.
    fn block(&mut self, requests: Vec<String>) -> bool {
        let question = format!("say these {} lines as they are? [y/N] ", requests.len());
        let answer = self.prompt.ask(&question);
        if !answer.is_some_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes")) {
            self.prompt.notice("nothing was sent; the arrow up brings it back");
            return true;
        }
        self.requests += 1;
        self.mailbox.send(SessionMessage::Block(requests)).is_ok()
    }

    fn line(&mut self, line: &str) -> bool {
        match Input::read(line, self.vocabulary) {
            Input::Nothing => {}
            Input::Send(request) => return self.send(request),
            Input::Grep(text) => return self.mailbox.send(SessionMessage::Grep(text)).is_ok(),
            Input::Reconnect => return self.mailbox.send(SessionMessage::Reconnect).is_ok(),
            Input::Resend => return self.mailbox.send(SessionMessage::Resend).is_ok(),
            Input::Reply(text) => match self.names.correspondent() {
                Some(name) => return self.send(format!("msg {name} {text}")),
                None => self.prompt.notice("nobody has written to you alone"),
            },
            Input::Quiet => return self.mailbox.send(SessionMessage::Quiet).is_ok(),
            Input::Ignore(name) => return self.mailbox.send(SessionMessage::Ignore(name)).is_ok(),
            Input::Clear => self.prompt.clear(),
            Input::Quit => return false,
            Input::Help(about) => self.help(about.as_deref()),
            Input::Incomplete(usage) => {
                self.prompt.notice(&format!("something is missing; type /{usage}"));
            }
            Input::Unknown(word, meant) => {
                let meant = match meant {
                    Some(meant) => format!("did you mean /{meant}?"),
                    None => "/help lists them".to_owned(),
                };
                self.prompt.notice(&format!("there is no command /{word}; {meant}"));
            }
        }
        true
    }

    fn send(&mut self, request: String) -> bool {
        let changes_prompt = request.starts_with("join ") || request.starts_with("rename ");
        if self.mailbox.send(SessionMessage::Request(request)).is_err() {
            return false;
        }
        self.requests += 1;
        if changes_prompt {
            self.settle();
        }
        true
    }

    /// Waits until it is known what the prompt says, and shows what comes meanwhile.
    fn settle(&self) {
        let deadline = Instant::now() + SETTLE;
        while self.queue.wait_settled(self.requests, deadline) {
            self.prompt.show_waiting();
        }
    }

    fn help(&self, about: Option<&str>) {
        let known = self.vocabulary.explained(about);
        if let (Some(word), true) = (about, known.is_empty()) {
            self.prompt.notice(&format!("there is no command /{word}; /help lists them"));
        }
        for (usage, help) in known {
            if usage.len() <= USAGE_COLUMNS {
                self.prompt.notice(&format!("{usage:<USAGE_COLUMNS$} {help}"));
            } else {
                self.prompt.notice(&usage);
                self.prompt.notice(&format!("{:USAGE_COLUMNS$} {help}", ""));
            }
        }
        if about.is_none() {
            let said = "say a text that starts with a slash";
            self.prompt.notice(&format!("{:<USAGE_COLUMNS$} {said}", "//TEXT"));
        }
    }
}
