//! The mode for terminals: what is typed goes to the chat, and the chat is shown above the prompt.
//!
//! This thread reads the keys and is the only one that writes to the terminal. The session has a
//! thread, with a reader for its socket, and so has what makes the editor redraw ([`DisplayQueue::redraw_loop`]).

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::{env, io};

use clap::ColorChoice;

use crate::args::appearance::Appearance;
use crate::args::server::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::model::commands::as_typed;
use crate::model::state::State;
use crate::model::vocabulary::Vocabulary;
use crate::net::{ConnectError, PATIENCE, Servers, get_in};
use crate::prompt::editor::Prompt;
use crate::prompt::face::Face;
use crate::prompt::login_dialog::{self, LoggedIn};
use crate::prompt::plain::Plain;
use crate::prompt::terminal::{Terminal, leave, leave_on_signals};
use crate::prompt::typing::Typing;
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
    let servers = Servers::of(to)?;
    let entered = log_in(to, &servers)?;
    let queue = Arc::new(DisplayQueue::default());
    let mut view = View::new(style, appearance.time(), log, Arc::clone(&queue));
    view.on_mention = appearance.on_mention.clone().map(OnMention::new);
    view.ignored = Ignored::load(files::state("ignored").ok());
    if is_plain {
        leave_on_signals(Arc::clone(&queue))?;
        let (plain, printer) = Plain::start(Arc::clone(&queue), style)?;
        return until_shown(chat(to, &servers, alone, entered, plain, view), &queue, printer);
    }
    let terminal = Terminal::take()?;
    leave_on_signals(Arc::clone(&queue))?;
    let mut prompt = Prompt::new(&terminal, Arc::clone(&queue), style)?;
    let mut printer = prompt.printer()?;
    let redrawn = Arc::clone(&queue);
    let printer = thread::spawn("printer", move || redrawn.redraw_loop(&mut printer))?;
    // By the end of the chat the editor is gone, so the printer does not wait for it.
    until_shown(chat(to, &servers, alone, entered, prompt, view), &queue, printer)
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

/// Whether the terminal can move its cursor, as rustyline judges it. Other terminals get whole lines.
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
    servers: &Servers,
    alone: Option<Alone>,
    entered: Entered,
    mut prompt: impl Face,
    mut view: View,
) -> Result<Exit, Failure> {
    let queue = Arc::clone(&view.queue);
    let Some(logged_in) = ask_the_rest(entered, to, servers, &mut prompt)? else {
        return Ok(queue.leaving().unwrap_or(Exit::Done));
    };
    let LoggedIn { servers, name, secret, connection } = logged_in;
    let mut state = State::new(&name, to.room());
    state.know_secret(secret);
    let names = state.names();
    view.names = names.clone();
    let (mailbox, inputs) = sync_channel(MAILBOX);
    let vocabulary =
        alone.as_ref().map_or_else(Vocabulary::default, |it| Vocabulary::of(it.commands));
    prompt.chat(names.clone(), vocabulary);
    let mut session =
        Session::new(servers, state, view, Timing::default(), (mailbox.clone(), inputs));
    session.alone = alone;
    session.publish();
    let guard = LeaveOnDrop(Arc::clone(&queue));
    let session = thread::spawn("session", move || {
        let LeaveOnDrop(queue) = &guard;
        let ended = session.run(connection);
        leave(queue, ended.as_ref().map_or_else(|failure| failure.exit, |ended| ended.exit));
        ended
    })?;
    let mut typing = Typing::new(prompt, Arc::clone(&queue), mailbox.clone(), names, vocabulary);
    typing.run();
    let prompt = typing.into_prompt();
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

/// Asks for what the command line has left open. `None` when the user does not come in.
fn ask_the_rest(
    entered: Entered,
    to: &ServerArgs,
    servers: &Servers,
    prompt: &mut impl Face,
) -> Result<Option<LoggedIn>, Failure> {
    match entered {
        Entered::In(logged_in) => Ok(Some(*logged_in)),
        Entered::NotYet => login_dialog::log_in(servers, to.secret()?.as_ref(), prompt),
        Entered::WithPassword(name, refusal) => {
            let entered = login_dialog::log_in_with_password(servers, &name, refusal, prompt)?;
            Ok(entered.transpose()?)
        }
    }
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
    /// This name needs a password, and none is given. The server said so.
    WithPassword(String, ConnectError),
}

/// Goes straight in, when the command line has a name.
fn log_in(to: &ServerArgs, servers: &Servers) -> Result<Entered, Failure> {
    let Some(name) = to.name() else { return Ok(Entered::NotYet) };
    let secret = to.secret()?;
    let (servers, name) = (servers.clone(), name.to_owned());
    match get_in(&servers, &name, secret.as_ref(), PATIENCE) {
        Ok(connection) => Ok(Entered::In(Box::new(LoggedIn { servers, name, secret, connection }))),
        Err(error) if secret.is_none() && error.wants_password() => {
            Ok(Entered::WithPassword(name, error))
        }
        Err(error) => Err(error.into()),
    }
}
