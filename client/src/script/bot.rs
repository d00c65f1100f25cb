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

use super::input::{LONGEST, put_request};
use super::lines::Woken;
use super::program::{Deed, Program, code};
use super::record::{self, Record};
use super::session::{Visit, is_refusal};
use crate::args::script::Bot;
use crate::exit::{Exit, Failure};
use crate::model::backoff::Backoff;
use crate::model::fence;
use crate::net::Sender;
use crate::sys::signals::Signals;
use crate::sys::stderr::remark;
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
    let visit = Visit::begin(&bot.server, bot.server.speaker()?)?;
    let closer = visit.sender.try_clone().map_err(Failure::local)?;
    let signals = Signals::call(move || closer.close())?;
    let sender = visit.sender.try_clone().map_err(Failure::local)?;
    let (requests, waiting) = sync_channel(QUEUE);
    let sending = thread::spawn("bot-sender", move || send_all(sender, &waiting))?;
    let mut room = Room { visit, requests, json: bot.json, own: bot.own };
    let result = room.run_program(&bot.program, bot.restart);
    let Room { visit, requests, .. } = room;
    drop(requests);
    if result.is_err() {
        // A send that waits for a server that does not read would wait for ever.
        visit.sender.close();
    }
    thread::join(sending);
    visit.leave();
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
struct Voice {
    decoder: LineDecoder,
    requests: SyncSender<Vec<u8>>,
    /// Set before the fence that follows the last line.
    has_ended: Arc<AtomicBool>,
}

impl Voice {
    fn take(&mut self, deed: Deed<'_>) {
        let mut said = Vec::new();
        match deed {
            Deed::Printed(mut bytes) => {
                while let Some(line) = self.decoder.next(&mut bytes) {
                    put_request(&mut said, None, line);
                }
            }
            Deed::Ended => {
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

/// The room, from the program's side.
struct Room {
    visit: Visit,
    requests: SyncSender<Vec<u8>>,
    json: bool,
    own: bool,
}

impl Room {
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
            remark(format_args!("the program ended ({status}); again in {seconds} s"));
            self.pause(Instant::now() + delay)?;
        }
    }

    fn run_once(&mut self, command: &[OsString]) -> Result<ExitStatus, Failure> {
        let has_ended = Arc::new(AtomicBool::new(false));
        let mut voice = Voice {
            decoder: LineDecoder::new(LONGEST, usize::MAX),
            requests: self.requests.clone(),
            has_ended: Arc::clone(&has_ended),
        };
        let mut program = Program::start(command, move |deed| voice.take(deed))?;
        let served = self.serve(&mut program, &has_ended);
        if served.is_err() {
            // What waits to be sent must not keep the program's last words waiting.
            self.visit.sender.close();
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
            let Self { visit, json, own, .. } = self;
            let (room, name) = (&visit.room, &visit.name);
            let shape = |line: &str| match json {
                true => record::json(&Record::of_line(line, &now, room)),
                false => line.to_owned(),
            };
            let done = visit.source.each(|line| {
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
                    remark(format_args!("the server refused a line of the program: {line}"));
                } else if *own || !is_own(line, name) {
                    program.give(&shape(line), shape);
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
            self.visit.source.each(|_| ControlFlow::<()>::Continue(()));
        }
        Ok(())
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<Woken, Failure> {
        let Self { visit, requests, .. } = self;
        let woken = visit.wait_with(deadline, |ping| {
            match requests.try_send(ping.as_bytes().to_vec()) {
                // So much waits for the server that its answers will tell whether it is alive.
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Ok(()),
            }
        })?;
        match woken {
            Woken::Ended => Err(visit.source.ended()),
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
