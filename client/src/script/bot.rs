//! `bot`: a program as a user of the room. It reads the room, and what it prints is said.
//!
//! | thread | from where to where |
//! |---|---|
//! | this one | the room's lines into a queue that never makes it wait |
//! | `bot-input` | that queue into the program |
//! | `bot-output` | what the program prints, as requests, into another queue; and its end |
//! | `bot-sender` | that queue to the server, which reads at its own pace |

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::{Event, LineDecoder};

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
use crate::sys::thread;

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
    let mut room = BotRoom { session, requests, json: bot.json, own: bot.own };
    let result = room.run_program(&bot.program, bot.restart);
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
                    put_request(&mut said, None, line);
                }
            }
            ProgramEvent::Ended => {
                if let Some(line) = self.decoder.finish() {
                    put_request(&mut said, None, line);
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
struct BotRoom {
    session: ScriptSession,
    requests: SyncSender<Vec<u8>>,
    json: bool,
    own: bool,
}

impl BotRoom {
    fn run_program(&mut self, command: &[OsString], restarts: bool) -> Result<u8, Failure> {
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        loop {
            let since = Instant::now();
            let status = self.run_once(command)?;
            if status.success() || !restarts {
                return Ok(code(status));
            }
            backoff.lasted(since.elapsed());
            let delay = backoff.wait();
            let seconds = delay.as_secs();
            warn(format_args!("the program ended ({status}); again in {seconds} s"));
            self.pause(Instant::now() + delay)?;
        }
    }

    fn run_once(&mut self, command: &[OsString]) -> Result<ExitStatus, Failure> {
        let has_ended = Arc::new(AtomicBool::new(false));
        let mut output = ProgramOutput {
            decoder: LineDecoder::new(LONGEST, usize::MAX),
            requests: self.requests.clone(),
            has_ended: Arc::clone(&has_ended),
        };
        let mut program = Program::start(command, move |event| output.take(event))?;
        let served = self.serve(&mut program, &has_ended);
        if served.is_err() {
            // What waits to be sent must not keep the program's last words waiting.
            self.session.sender.close();
            program.stop();
        }
        let status = program.join();
        served?;
        status.map_err(Failure::local)
    }

    /// Gives the program what comes, until all that it said is answered.
    fn serve(&mut self, program: &mut Program, has_ended: &AtomicBool) -> Result<(), Failure> {
        loop {
            let now = format!("{:.3}", Timestamp::now());
            let Self { session, json, own, .. } = self;
            let (room, name) = (&session.room, &session.name);
            let shape = |line: &str| match json {
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
                } else if *own || !is_own(line, name) {
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

    /// Lets time pass. What the room says meanwhile, no program hears.
    fn pause(&mut self, deadline: Instant) -> Result<(), Failure> {
        while self.wait(Some(deadline))? != Woken::TimedOut {
            self.session.lines.each(|_| ControlFlow::<()>::Continue(()));
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

fn is_own(line: &str, own_name: &str) -> bool {
    matches!(
        Event::parse(line),
        Some(Event::Said { name, .. } | Event::Did { name, .. }) if name == own_name
    )
}
