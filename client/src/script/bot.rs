//! `bot`: a program as a user of the room. It reads the room, and what it prints is said.
//!
//! | thread | from where to where |
//! |---|---|
//! | this one | the room's lines into a queue that never makes it wait |
//! | `bot-input` | that queue into the program |
//! | `bot-output` | what the program prints, as requests, into another queue; and its end |
//! | `bot-sender` | that queue to the server, which reads at its own pace |

mod speech;

use std::net::Shutdown;
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::{Event, Reply};

use self::speech::ProgramOutput;
use super::entrance::Entrance;
use super::lines::Woken;
use super::outlet::Outlet;
use super::past::{Past, Told, Wanted};
use super::program::{Program, ProgramEvent, code};
use super::record::{self, Record};
use super::session::{ScriptSession, is_refusal};
use crate::args::script::Bot;
use crate::exit::{Exit, Failure};
use crate::model::backoff::Backoff;
use crate::model::fence;
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
    let mut entrance = Entrance::new(&bot.visit, bot.visit.server.speaker()?);
    let mut session = entrance.enter()?;
    let mut past = Past::new(Wanted::None, &session.name, bot.reconnect);
    if let Some(requests) = past.requests() {
        session.send(&requests)?;
    }
    let sender = session.sender.try_clone().map_err(Failure::local)?;
    let outlet = Arc::new(Outlet::new(sender));
    let (end, ends) = UnixStream::pair().map_err(Failure::local)?;
    entrance.end_with(ends);
    let closer = Arc::clone(&outlet);
    let signals = Signals::call(move || {
        closer.close();
        // It fails when that has happened already.
        let _ = end.shutdown(Shutdown::Both);
    })?;
    let (requests, waiting) = sync_channel(QUEUE);
    let way = Arc::clone(&outlet);
    let sending = thread::spawn("bot-sender", move || way.send_all(&waiting))?;
    descendants::adopt();
    let mut room = BotRoom { session, entrance, past, outlet, requests, bot, missed: 0 };
    let result = room.run_program();
    let BotRoom { session, outlet, requests, .. } = room;
    drop(requests);
    if result.is_err() {
        // A send that waits for a server that does not read would wait for ever.
        outlet.close();
    }
    thread::join(sending);
    session.leave();
    if signals.have_come() {
        return Ok(Exit::Signal.code());
    }
    result
}

/// The connection to the room, for the programs that run in it one after the other.
struct BotRoom<'a> {
    session: ScriptSession,
    entrance: Entrance<'a>,
    past: Past,
    outlet: Arc<Outlet>,
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
        let mut output =
            ProgramOutput::new(self.bot.requests, self.requests.clone(), Arc::clone(&has_ended));
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
            self.outlet.close();
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
            let Self { session, past, bot, .. } = self;
            let (room, name) = (&session.room, &session.name);
            let mut tell = |told: Told<'_>| {
                if bot.own || !is_own(told.line(), name) {
                    let line = match bot.json {
                        true => record::json(&told.record(room)),
                        false => told.line().to_owned(),
                    };
                    program.send(&line, |gap| match bot.json {
                        true => record::json(&Record::of_line(gap, &now, room)),
                        false => gap.to_owned(),
                    });
                }
                ControlFlow::Continue(())
            };
            let done = session.lines.each(|line| match fence::answered(line) {
                Some("bot") => ControlFlow::Break(Ok(())),
                // A server without `ping` does not tell the fences apart.
                Some("") if has_ended.load(Ordering::Acquire) => ControlFlow::Break(Ok(())),
                _ if is_refusal_of_program(line) => {
                    warn(format_args!("the server refused a line of the program: {line}"));
                    ControlFlow::Continue(())
                }
                _ => past.take(line, &now, &mut tell),
            });
            if let Some(done) = done {
                return done;
            }
            if self.wait(None)? == Woken::Ended {
                self.come_again()?;
                if has_ended.load(Ordering::Acquire) {
                    // Its fence may be lost with the connection.
                    self.offer(&fence::request("bot"));
                }
            }
        }
    }

    /// Lets time pass. What the room says meanwhile, no program hears; the next one is told how much it was.
    fn pause(&mut self, deadline: Instant) -> Result<(), Failure> {
        loop {
            match self.wait(Some(deadline))? {
                Woken::TimedOut => return Ok(()),
                Woken::Ended => self.come_again()?,
                Woken::Received | Woken::OutputClosed => {}
            }
            let now = format!("{:.3}", Timestamp::now());
            let Self { session, past, missed, .. } = self;
            session.lines.each(|line| {
                if is_refusal_of_program(line) {
                    return ControlFlow::Continue(());
                }
                past.take(line, &now, |_| {
                    *missed += 1;
                    ControlFlow::Continue(())
                })
            });
        }
    }

    /// Goes into the room again after the connection was lost, where the user wants that.
    fn come_again(&mut self) -> Result<(), Failure> {
        let lost = self.session.lines.ended();
        let is_over = self.outlet.is_closed() || lost.exit != Exit::ConnectionLost;
        if is_over || !self.bot.reconnect {
            return Err(lost);
        }
        warn("what the program said last may be lost");
        self.outlet.lost();
        self.session = self.entrance.enter_again(lost)?;
        self.past.comes_again();
        // Before anybody else can send there. When it is lost already, the next wait finds out.
        if let Some(requests) = self.past.requests() {
            let _ = self.session.send(&requests);
        }
        let sender = self.session.sender.try_clone().map_err(Failure::local)?;
        if !self.outlet.resume(sender) {
            return Err(Failure::lost("it was ended by a signal"));
        }
        Ok(())
    }

    /// Sends a request behind what the program has said. Where so much waits for the server that there is no
    /// place, the answers to that will do.
    fn offer(&self, request: &str) {
        // The other error says that nothing is sent any more.
        let _ = self.requests.try_send(request.as_bytes().to_vec());
    }

    /// Waits for bytes, and for the end of the connection, however it comes.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<Woken, Failure> {
        match self.past.take_due() {
            "" => {}
            due => self.offer(due),
        }
        let Self { session, requests, .. } = self;
        let ask = |ping: &str| {
            // As above: its answers will tell whether the server is alive.
            let _ = requests.try_send(ping.as_bytes().to_vec());
            Ok(())
        };
        match session.wait_with(deadline, ask) {
            Err(lost) if lost.exit == Exit::ConnectionLost && self.bot.reconnect => {
                warn(format_args!("{lost}"));
                Ok(Woken::Ended)
            }
            woken => woken,
        }
    }
}

/// Whether the server refuses something that the program has said, and not a question of this one.
fn is_refusal_of_program(line: &str) -> bool {
    is_refusal(line) && Reply::parse(line) != Some(Reply::UnknownCommand("since"))
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
