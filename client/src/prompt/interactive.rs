//! The mode for terminals: what is typed goes to the chat, and the chat is shown above the prompt.
//!
//! This thread reads the keys and is the only one that writes to the terminal. The session has a
//! thread, with a reader for its socket, and so has what makes the editor redraw ([`DisplayQueue::redraw_loop`]).

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{env, io};

use clap::ColorChoice;

use crate::args::appearance::Appearance;
use crate::args::server::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::model::commands::{Input, Vocabulary, as_typed, is_secret, verbatim};
use crate::model::names::Names;
use crate::model::state::State;
use crate::net::{PATIENCE, Target, get_in};
use crate::prompt::editor::Prompt;
use crate::prompt::face::{Face, Read};
use crate::prompt::login_dialog::{self, LoggedIn};
use crate::prompt::plain::Plain;
use crate::prompt::terminal::{Terminal, leave, leave_on_signals};
use crate::session::timing::Timing;
use crate::session::{Alone, Ended, Session, SessionMessage};
use crate::sys::files;
use crate::sys::thread;
use crate::view::View;
use crate::view::display_queue::DisplayQueue;
use crate::view::ignored::Ignored;
use crate::view::log_file::LogFile;
use crate::view::on_mention::OnMention;
use crate::view::render::Style;

/// Inputs that may wait for the session: the lines of a user, and batches of the server's.
const MAILBOX: usize = 64;

/// How long the prompt waits for the answer that changes it.
const SETTLE: Duration = Duration::from_secs(1);

/// The column of `/help` for how a command is typed. What is longer has a row of its own.
const USAGE_COLUMNS: usize = 16;

/// Runs until the user leaves.
///
/// # Errors
///
/// Says why there is nothing to stay for.
pub fn run(
    to: &ServerArgs,
    appearance: &Appearance,
    alone: Option<Alone>,
) -> Result<Exit, Failure> {
    let is_plain = appearance.plain || !io::stdout().is_terminal() || !can_move_its_cursor();
    let style = style(appearance, is_plain);
    let log = appearance.log.as_deref().map(LogFile::open).transpose()?;
    // Before the terminal is taken, so that Ctrl-C ends a connection attempt as it ends anything.
    let target = Target::of(to)?;
    let entered = log_in(to, &target)?;
    let queue = Arc::new(DisplayQueue::default());
    let mut view = View::new(style, appearance.time(), log, Arc::clone(&queue));
    view.on_mention = appearance.on_mention.clone().map(OnMention::new);
    view.ignored = Ignored::load(files::state("ignored").ok());
    if is_plain {
        leave_on_signals(Arc::clone(&queue))?;
        let (plain, printer) = Plain::start(Arc::clone(&queue), style)?;
        return until_shown(chat(to, &target, alone, entered, plain, view), &queue, printer);
    }
    let terminal = Terminal::take()?;
    leave_on_signals(Arc::clone(&queue))?;
    let mut prompt = Prompt::new(&terminal, Arc::clone(&queue), style)?;
    let mut printer = prompt.printer()?;
    let redrawn = Arc::clone(&queue);
    let printer = thread::spawn("printer", move || redrawn.redraw_loop(&mut printer))?;
    // By the end of the chat the editor is gone, so the printer does not wait for it.
    until_shown(chat(to, &target, alone, entered, prompt, view), &queue, printer)
}

fn until_shown(
    result: Result<Exit, Failure>,
    queue: &DisplayQueue,
    printer: JoinHandle<()>,
) -> Result<Exit, Failure> {
    queue.close();
    thread::join(printer);
    result
}

/// Whether the terminal can, as rustyline has it. Others get whole lines.
fn can_move_its_cursor() -> bool {
    !matches!(&*env::var("TERM").unwrap_or_default(), "dumb" | "cons25" | "emacs")
}

/// How lines look. `auto` is decided here, where the terminal is known.
fn style(appearance: &Appearance, is_plain: bool) -> Style {
    let is_terminal = io::stdout().is_terminal();
    let color = match appearance.color {
        _ if is_plain => false,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !is_unwanted && is_terminal
        }
    };
    Style { color, bell: !appearance.no_bell && is_terminal, quiet: appearance.quiet }
}

/// The whole stay, from the login to the farewell.
fn chat(
    to: &ServerArgs,
    target: &Target,
    alone: Option<Alone>,
    entered: Entered,
    mut prompt: impl Face,
    mut view: View,
) -> Result<Exit, Failure> {
    let queue = Arc::clone(&view.queue);
    let logged_in = match entered {
        Entered::In(logged_in) => Some(*logged_in),
        Entered::NotYet => login_dialog::log_in(target, to.secret()?.as_ref(), &mut prompt)?,
        Entered::WithPassword(name) => {
            match login_dialog::log_in_as(target, &name, None, &mut prompt)? {
                Some(entered) => Some(entered?),
                None => None,
            }
        }
    };
    let Some(LoggedIn { server, name, secret, connection }) = logged_in else {
        return Ok(queue.leaving().unwrap_or(Exit::Done));
    };
    let mut state = State::new(&name, to.room());
    state.know_secret(secret);
    let names = state.names();
    view.names = names.clone();
    let (mailbox, inputs) = sync_channel(MAILBOX);
    let vocabulary =
        alone.as_ref().map_or_else(Vocabulary::default, |it| Vocabulary::of(it.commands));
    prompt.chat(names.clone(), vocabulary);
    let mut session =
        Session::new(server, state, view, Timing::default(), (mailbox.clone(), inputs));
    session.alone = alone;
    session.publish();
    let guard = LeaveOnDrop(Arc::clone(&queue));
    let session = thread::spawn("session", move || {
        let LeaveOnDrop(queue) = &guard;
        let ended = session.run(connection);
        leave(queue, ended.as_ref().map_or_else(|failure| failure.exit, |ended| ended.exit));
        ended
    })?;
    let mut typing =
        Typing { prompt, queue, mailbox, requests: 1, history: None, names, vocabulary };
    typing.open_history();
    typing.settle();
    typing.run();
    let Typing { prompt, queue, mailbox, .. } = typing;
    let cause = queue.leaving();
    // It fails when the session has ended by itself.
    let _ = mailbox.send(SessionMessage::Quit);
    let ended = thread::join(session);
    prompt.show_waiting();
    let Ended { exit, unsent, unknown } = ended?;
    for (text, lines) in [("not sent", unsent), ("perhaps not sent", unknown)] {
        for line in lines {
            prompt.notice(&format!("{text}: {}", as_typed(&line)));
        }
    }
    prompt.show_waiting();
    Ok(cause.unwrap_or(exit))
}

/// Ends the prompt when the thread of the session ends, also by a panic: what is typed then would reach
/// nobody.
struct LeaveOnDrop(Arc<DisplayQueue>);

impl Drop for LeaveOnDrop {
    fn drop(&mut self) {
        leave(&self.0, Exit::Local);
    }
}

/// What the command line alone leads to.
enum Entered {
    /// The user is in.
    In(Box<LoggedIn>),
    /// There is no name.
    NotYet,
    /// The name needs a password, and none is given.
    WithPassword(String),
}

/// Goes straight in, when the command line has a name.
fn log_in(to: &ServerArgs, target: &Target) -> Result<Entered, Failure> {
    let Some(name) = to.name() else { return Ok(Entered::NotYet) };
    let secret = to.secret()?;
    let (server, name) = (target.clone(), name.to_owned());
    match get_in(&server, &name, secret.as_ref(), PATIENCE) {
        Ok(connection) => Ok(Entered::In(Box::new(LoggedIn { server, name, secret, connection }))),
        Err(error) if secret.is_none() && error.wants_password() => Ok(Entered::WithPassword(name)),
        Err(error) => Err(error.into()),
    }
}

/// The user's side of the chat.
struct Typing<F> {
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
    fn open_history(&mut self) {
        let opened =
            files::state("history").and_then(|path| self.prompt.load_history(&path).map(|()| path));
        match opened {
            Ok(path) => self.history = Some(path),
            Err(error) => self.prompt.notice(&format!("typed lines are not kept: {error}")),
        }
    }

    fn run(&mut self) {
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
