//! `bot`: a program as a user of the room. It reads the room, and what it prints is said.
//!
//! | thread | from where to where |
//! |---|---|
//! | this one | the room's lines into a queue that never makes it wait |
//! | `bot-input` | that queue into the program |
//! | `bot-output` | what the program prints, as requests, into another queue; and its end |
//! | `bot-sender` | that queue to the server, which reads at its own pace |

use std::ops::ControlFlow;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::{Event, LineDecoder, LineError, Reply};

use super::entrance::Entrance;
use super::input::{LONGEST, put_request};
use super::lines::Woken;
use super::program::{Program, ProgramEvent, code};
use super::record::{self, Record};
use super::session::{ScriptSession, is_refusal};
use crate::args::script::Bot;
use crate::exit::{Exit, Failure};
use crate::model::backoff::Backoff;
use crate::model::fence;
use crate::net::Sender;
use crate::sys::signals::Signals;
use crate::sys::stderr::warn;
use crate::sys::{descendants, thread};

/// Chunks of what the program said that wait for the server.
const QUEUE: usize = 16;

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Runs the program in the room. Its exit code is this program's.
///
/// # Errors
///
/// Says why it could not go on.
pub fn run(bot: &Bot) -> Result<u8, Failure> {
    let session = Entrance::new(&bot.visit, bot.visit.server.speaker()?).enter()?;
    let closer = session.sender.try_clone().map_err(Failure::local)?;
    let signals = Signals::call(move || closer.close())?;
    let sender = session.sender.try_clone().map_err(Failure::local)?;
    let (requests, waiting) = sync_channel(QUEUE);
    let sending = thread::spawn("bot-sender", move || send_all(sender, &waiting))?;
    descendants::adopt();
    let mut room = BotRoom { session, requests, bot, missed: 0 };
    let result = room.run_program();
    let BotRoom { session, requests, .. } = room;
    drop(requests);
    if result.is_err() {
        // A send that waits for a server that does not read would wait for ever.
        session.sender.close();
    }
    thread::join(sending);
    session.leave();
    if signals.have_come() {
        return Ok(Exit::Signal.code());
    }
    result
}

/// What fails here fails at the reader too, with the reason.
fn send_all(mut sender: Sender, requests: &Receiver<Vec<u8>>) {
    for request in requests {
        if sender.send(&request).is_err() {
            return;
        }
    }
}

/// Turns what a program does into requests.
struct ProgramOutput {
    /// Whether it may do more than say.
    may_request: bool,
    decoder: LineDecoder,
    requests: SyncSender<Vec<u8>>,
    /// Set before the fence that follows the last line.
    has_ended: Arc<AtomicBool>,
}

impl ProgramOutput {
    fn take(&mut self, event: ProgramEvent<'_>) {
        let mut said = Vec::new();
        match event {
            ProgramEvent::Printed(mut bytes) => {
                while let Some(line) = self.decoder.next(&mut bytes) {
                    put_line(&mut said, line, self.may_request);
                }
            }
            ProgramEvent::Ended => {
                if let Some(line) = self.decoder.finish() {
                    put_line(&mut said, line, self.may_request);
                }
                self.has_ended.store(true, Ordering::Release);
                said.extend(fence::request("bot").bytes());
            }
        }
        if !said.is_empty() {
            // It fails when the server is gone, and then the program is about to be stopped.
            let _ = self.requests.send(said);
        }
    }
}

/// The connection to the room, for the programs that run in it one after the other.
struct BotRoom<'a> {
    session: ScriptSession,
    requests: SyncSender<Vec<u8>>,
    bot: &'a Bot,
    /// Lines that came while no program ran, or that the one before was not told it missed.
    missed: u64,
}

impl BotRoom<'_> {
    fn run_program(&mut self) -> Result<u8, Failure> {
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        loop {
            let since = Instant::now();
            let status = self.run_once()?;
            if status.success() || !self.bot.restart {
                return Ok(code(status));
            }
            backoff.lasted(since.elapsed());
            let delay = backoff.wait();
            let seconds = delay.as_secs();
            warn(format_args!("the program ended ({status}); again in {seconds} s"));
            self.pause(Instant::now() + delay)?;
        }
    }

    fn run_once(&mut self) -> Result<ExitStatus, Failure> {
        let has_ended = Arc::new(AtomicBool::new(false));
        let mut output = ProgramOutput {
            may_request: self.bot.requests,
            decoder: LineDecoder::new(LONGEST, usize::MAX),
            requests: self.requests.clone(),
            has_ended: Arc::clone(&has_ended),
        };
        let server = &self.bot.visit.server;
        let mut variables = vec![
            ("CHAT_SERVER", server.server.clone()),
            ("CHAT_NAME", self.session.name.clone()),
            ("CHAT_ROOM", self.session.room.clone()),
        ];
        variables.extend(server.tls.variables());
        let take = move |event: ProgramEvent<'_>| output.take(event);
        let mut program = Program::start(&self.bot.program, variables, self.missed, take)?;
        let served = self.serve(&mut program, &has_ended);
        if served.is_err() {
            // What waits to be sent must not keep the program's last words waiting.
            self.session.sender.close();
            program.stop();
        }
        self.missed = program.untold();
        let status = program.join();
        served?;
        status.map_err(Failure::local)
    }

    /// Gives the program what comes, until all that it said is answered.
    fn serve(&mut self, program: &mut Program, has_ended: &AtomicBool) -> Result<(), Failure> {
        loop {
            let now = format!("{:.3}", Timestamp::now());
            let Self { session, bot, .. } = self;
            let (room, name) = (&session.room, &session.name);
            let shape = |line: &str| match bot.json {
                true => record::json(&Record::of_line(line, &now, room)),
                false => line.to_owned(),
            };
            let done = session.lines.each(|line| {
                match fence::answered(line) {
                    Some("bot") => return ControlFlow::Break(()),
                    // A server without `ping` does not tell the fences apart.
                    Some("") if has_ended.load(Ordering::Acquire) => {
                        return ControlFlow::Break(());
                    }
                    Some(_) => return ControlFlow::Continue(()),
                    None => {}
                }
                if is_refusal(line) {
                    warn(format_args!("the server refused a line of the program: {line}"));
                } else if bot.own || !is_own(line, name) {
                    program.send(&shape(line), shape);
                }
                ControlFlow::Continue(())
            });
            if done.is_some() {
                return Ok(());
            }
            self.wait(None)?;
        }
    }

    /// Lets time pass. What the room says meanwhile, no program hears; the next one is told how much it was.
    fn pause(&mut self, deadline: Instant) -> Result<(), Failure> {
        while self.wait(Some(deadline))? != Woken::TimedOut {
            let Self { session, missed, .. } = self;
            session.lines.each(|line| {
                *missed += u64::from(fence::answered(line).is_none() && !is_refusal(line));
                ControlFlow::<()>::Continue(())
            });
        }
        Ok(())
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<Woken, Failure> {
        let Self { session, requests, .. } = self;
        let woken = session.wait_with(deadline, |ping| {
            match requests.try_send(ping.as_bytes().to_vec()) {
                // So much waits for the server that its answers will tell whether it is alive.
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Ok(()),
            }
        })?;
        match woken {
            Woken::Ended => Err(session.lines.ended()),
            woken => Ok(woken),
        }
    }
}

/// Adds the request for what a program has printed: `/me TEXT` and `/msg NAME TEXT` are more than to be
/// said where the program may do more, and two slashes stand for one there.
fn put_line(requests: &mut Vec<u8>, line: Result<&str, LineError>, may_request: bool) {
    let Some(command) = line.ok().and_then(|line| line.strip_prefix('/')).filter(|_| may_request)
    else {
        return put_request(requests, None, line);
    };
    match command.split_once(' ') {
        Some(("me" | "msg", _)) => requests.extend(format!("{command}\n").bytes()),
        _ if command.starts_with('/') => put_request(requests, None, Ok(command)),
        _ => put_request(requests, None, line),
    }
}

fn is_own(line: &str, own_name: &str) -> bool {
    if let Some(Reply::MessageTo { .. }) = Reply::parse(line) {
        return true;
    }
    matches!(
        Event::parse(line),
        Some(Event::Said { name, .. } | Event::Did { name, .. }) if name == own_name
    )
}
