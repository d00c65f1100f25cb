//! `look`, `rooms`, `history` and `who`: a list of the server, up to the fence that ends it.

use std::ops::ControlFlow;

use protocol::rows::{RoomRow, WhoRow};
use protocol::{Event, Reply, Request};
use serde::Serialize;

use super::act::operator;
use super::entrance::Entrance;
use super::output::Output;
use super::record::{Record, json};
use super::session::{ScriptSession, is_refusal};
use crate::args::script::{History, List};
use crate::exit::{Exit, Failure};
use crate::model::entry::history_row;
use crate::model::fence;

/// A user, as `look --json` has him.
#[derive(Serialize)]
struct UserObject<'a> {
    room: &'a str,
    name: &'a str,
}

/// A room, as `rooms --json` has it.
#[derive(Serialize)]
struct RoomObject<'a> {
    room: &'a str,
    users: usize,
}

/// A connection, as `who --json` has it. Name and room are `null` in the login room.
#[derive(Serialize)]
struct ConnectionObject<'a> {
    name: Option<&'a str>,
    room: Option<&'a str>,
    address: &'a str,
    since: &'a str,
    idle: u64,
    carrier: &'a str,
}

/// Prints who is in the room.
///
/// # Errors
///
/// Says why there is no answer.
pub fn look(list: &List) -> Result<Exit, Failure> {
    // Nothing else that comes is one word.
    let answer = ask(list, Request::Look, Reply::OnlineUsers, |line| !line.contains(' '))?;
    answer.print(list.json, |name, room| Some(json(&UserObject { room, name })))
}

/// Prints the rooms.
///
/// # Errors
///
/// Says why there is no answer.
pub fn rooms(list: &List) -> Result<Exit, Failure> {
    let answer = ask(list, Request::Rooms, Reply::Rooms, |line| room_row(line).is_some())?;
    answer.print(list.json, |line, _| {
        room_row(line).map(|row| json(&RoomObject { room: row.name, users: row.users }))
    })
}

/// A row of `rooms`. What somebody says has a colon in its first word.
fn room_row(line: &str) -> Option<RoomRow<'_>> {
    RoomRow::parse(line).filter(|row| !row.name.contains(':'))
}

/// Prints who is connected, for an operator.
///
/// # Errors
///
/// Says why there is no answer.
pub fn who(list: &List) -> Result<Exit, Failure> {
    let (name, password) = operator(&list.visit.server)?;
    let first = format!("{}\n", Request::Operator(password.reveal()));
    let is_row = |line: &str| WhoRow::parse(line).is_some();
    let answer =
        ask_as(Entrance::new(&list.visit, name), &first, Request::Who, Reply::Connections, is_row)?;
    answer.print(list.json, |line, _| {
        WhoRow::parse(line).map(|WhoRow { name, room, address, since, idle, carrier }| {
            json(&ConnectionObject { name, room, address, since, idle, carrier })
        })
    })
}

/// Prints the last lines of the room, as it was before this visit.
///
/// # Errors
///
/// Says why there is no answer.
pub fn history(history: &History) -> Result<Exit, Failure> {
    let History { list, lines } = history;
    let request = Request::History(lines.saturating_add(1));
    let mut answer = ask(list, request, Reply::History, |line| history_row(line).is_some())?;
    answer.forget_own_entrance();
    answer.keep_last(*lines);
    answer.print(list.json, |line, room| {
        history_row(line).map(|row| json(&Record::of_row(row, room)))
    })
}

/// The rows of an answer, as the server has them.
struct Answer {
    session: ScriptSession,
    rows: Vec<String>,
}

fn ask(
    list: &List,
    request: Request<'_>,
    heading: Reply<'_>,
    is_row: impl Fn(&str) -> bool,
) -> Result<Answer, Failure> {
    ask_as(Entrance::to_read(&list.visit), "", request, heading, is_row)
}

/// The same under a name, and after another request.
fn ask_as(
    mut entrance: Entrance<'_>,
    first: &str,
    request: Request<'_>,
    heading: Reply<'_>,
    is_row: impl Fn(&str) -> bool,
) -> Result<Answer, Failure> {
    let requests = format!("{first}{request}\n");
    loop {
        let mut session = entrance.enter()?;
        match ask_in(&mut session, &requests, heading, &is_row) {
            Ok(Ok(rows)) => return Ok(Answer { session, rows }),
            Ok(Err(why)) => {
                session.leave();
                return Err(Failure::refused(&why));
            }
            Err(failure) => entrance.pause_after(failure)?,
        }
    }
}

/// The rows, or the words of a refusal.
fn ask_in(
    session: &mut ScriptSession,
    requests: &str,
    heading: Reply<'_>,
    is_row: impl Fn(&str) -> bool,
) -> Result<Result<Vec<String>, String>, Failure> {
    session.send(&format!("{requests}{}", fence::request("list")))?;
    let heading = heading.to_string();
    let (mut is_headed, mut rows, mut why) = (false, Vec::new(), None);
    session.until(|line| {
        if is_headed && is_row(line) {
            rows.push(line.to_owned());
        } else if line == heading {
            is_headed = true;
        } else if is_refusal(line) {
            why = Some(line.to_owned());
        } else if matches!(fence::answered(line), Some("list" | "")) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(match why {
        Some(why) => Err(why),
        None => Ok(rows),
    })
}

impl Answer {
    fn forget_own_entrance(&mut self) {
        let entrance = Event::Entered { name: &self.session.name }.to_string();
        let is_own = |row: &String| history_row(row).is_some_and(|row| row.line == entrance);
        if let Some(own) = self.rows.iter().rposition(is_own) {
            self.rows.remove(own);
        }
    }

    fn keep_last(&mut self, lines: usize) {
        let surplus = self.rows.len().saturating_sub(lines);
        self.rows.drain(..surplus);
    }

    /// Prints the rows, or the `object` of each, and leaves.
    fn print(
        self,
        as_objects: bool,
        object: impl Fn(&str, &str) -> Option<String>,
    ) -> Result<Exit, Failure> {
        let mut output = Output::new()?;
        for row in &self.rows {
            if as_objects && let Some(object) = object(row, &self.session.room) {
                output.line(&object);
            } else {
                output.line(row);
            }
        }
        let _ = output.flush()?;
        self.session.leave();
        Ok(Exit::Done)
    }
}
