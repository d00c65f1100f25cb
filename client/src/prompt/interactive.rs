//! The mode for terminals: what is typed goes to the chat, and the chat is shown above the prompt.
//!
//! This thread reads the keys and is the only one that writes to the terminal. The session has a
//! thread, with a reader for its socket, and so has what makes the editor redraw ([`DisplayQueue::redraw_loop`]).

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};
use std::{env, io};

use clap::ColorChoice;

use crate::args::appearance::Appearance;
use crate::args::server::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::model::commands::{Input, as_typed, explained, is_secret, verbatim};
use crate::model::names::Names;
use crate::model::state::State;
use crate::net::{Attempted, PATIENCE, Target, attempt, get_in};
use crate::prompt::editor::{Prompt, Read};
use crate::prompt::login_dialog::{self, LoggedIn};
use crate::prompt::terminal::{Terminal, leave, leave_on_signals};
use crate::session::timing::Timing;
use crate::session::{Ended, Session, SessionMessage};
use crate::sys::files;
use crate::sys::thread;
use crate::view::View;
use crate::view::display_queue::DisplayQueue;
use crate::view::ignored::Ignored;
use crate::view::log_file::LogFile;
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
pub fn run(to: &ServerArgs, appearance: &Appearance) -> Result<Exit, Failure> {
    check_terminal()?;
    let style = style(appearance);
    let log = appearance.log.as_deref().map(LogFile::open).transpose()?;
    // Before the terminal is taken, so that Ctrl-C ends a connection attempt as it ends anything.
    let target = Target::of(to)?;
    let logged_in = log_in(to, &target)?;
    let queue = Arc::new(DisplayQueue::default());
    let terminal = Terminal::take()?;
    leave_on_signals(Arc::clone(&queue))?;
    let mut prompt = Prompt::new(&terminal, Arc::clone(&queue), style)?;
    let mut printer = prompt.printer()?;
    let redrawn = Arc::clone(&queue);
    let printer = thread::spawn("printer", move || redrawn.redraw_loop(&mut printer))?;
    let mut view = View::new(style, appearance.time(), log, Arc::clone(&queue));
    view.ignored = Ignored::load(files::state("ignored").ok());
    let result = chat(to, &target, logged_in, prompt, view);
    // By now the editor is gone, so the printer does not wait for it.
    queue.close();
    thread::join(printer);
    result
}

/// Refuses a terminal that cannot move its cursor, before anybody sees this user come and go.
fn check_terminal() -> Result<(), Failure> {
    let name = env::var("TERM").unwrap_or_default();
    if !matches!(&*name, "dumb" | "cons25" | "emacs") {
        return Ok(());
    }
    let reason = format!(
        "a terminal of the kind TERM={name} has no prompt; set TERM to its real kind, or type requests, \
         as `say hello`, into: cat | chat-client --name NAME"
    );
    Err(Failure::new(Exit::Local, reason))
}

/// How lines look. `auto` is decided here, where the terminal is known.
fn style(appearance: &Appearance) -> Style {
    let color = match appearance.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !is_unwanted && io::stdout().is_terminal()
        }
    };
    Style { color, bell: !appearance.no_bell, quiet: appearance.quiet }
}

/// The whole stay, from the login to the farewell.
fn chat(
    to: &ServerArgs,
    target: &Target,
    logged_in: Option<LoggedIn>,
    mut prompt: Prompt<'_>,
    view: View,
) -> Result<Exit, Failure> {
    let queue = Arc::clone(&view.queue);
    let logged_in = match logged_in {
        None => login_dialog::log_in(target, &mut prompt)?,
        logged_in => logged_in,
    };
    let Some(LoggedIn { server, name, connection }) = logged_in else {
        return Ok(queue.leaving().unwrap_or(Exit::Done));
    };
    let state = State::new(&name, to.room());
    let names = state.names();
    prompt.chat(names.clone());
    let (mailbox, inputs) = sync_channel(MAILBOX);
    let session = Session::new(server, state, view, Timing::default(), (mailbox.clone(), inputs));
    session.publish();
    let guard = LeaveOnDrop(Arc::clone(&queue));
    let session = thread::spawn("session", move || {
        let LeaveOnDrop(queue) = &guard;
        let ended = session.run(connection);
        leave(queue, ended.as_ref().map_or_else(|failure| failure.exit, |ended| ended.exit));
        ended
    })?;
    let mut typing = Typing { prompt, queue, mailbox, requests: 1, history: None, names };
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

/// Goes straight in, when the command line has a name.
fn log_in(to: &ServerArgs, target: &Target) -> Result<Option<LoggedIn>, Failure> {
    let Some(name) = to.name() else { return Ok(None) };
    let connection = get_in(target, name, PATIENCE)?;
    Ok(Some(LoggedIn { server: target.clone(), name: name.to_owned(), connection }))
}

impl login_dialog::DialogUser for Prompt<'_> {
    fn ask(&mut self, question: &str) -> Option<String> {
        Prompt::ask(self, question)
    }

    fn tell(&mut self, text: &str) {
        self.notice(text);
    }

    fn attempt(&mut self, server: &Target, name: &str) -> Result<Option<Attempted>, Failure> {
        let (report, reported) = sync_channel(1);
        let queue = self.queue();
        let thread = attempt::start(server, name, PATIENCE, move |attempted| {
            // It fails when the user did not wait.
            let _ = report.send(attempted);
            queue.wake();
        })?;
        let attempted =
            self.wait_for(&format!("connecting to {server}"), || reported.try_recv().ok());
        if attempted.is_some() {
            thread::join(thread);
        }
        Ok(attempted)
    }
}

/// The user's side of the chat.
struct Typing<'a> {
    prompt: Prompt<'a>,
    queue: Arc<DisplayQueue>,
    mailbox: SyncSender<SessionMessage>,
    /// How many requests the session was given. The login is the first.
    requests: u64,
    history: Option<PathBuf>,
    names: Names,
}

impl Typing<'_> {
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
                Read::Interrupt if interrupts == 0 && self.queue.status().is_connected => {
                    self.prompt.notice("Ctrl-C again leaves, and so does Ctrl-D");
                    1
                }
                Read::Line(_) | Read::Interrupt | Read::End => return,
            }
        }
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
        match Input::read(line) {
            Input::Nothing => {}
            Input::Send(request) => return self.send(request),
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
        let known = explained(about);
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
