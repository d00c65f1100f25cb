//! `look`, `rooms` and `history`: a list of the server, up to the fence that ends it.

use std::ops::ControlFlow;

use protocol::reply::RoomRow;
use protocol::{Reply, Request};
use serde::Serialize;

use super::args::{History, List};
use super::output::Output;
use super::record::{Record, history_row, json};
use super::visit::{Visit, fence, fence_answered, is_refusal, refused};
use crate::exit::{Exit, Failure};

/// A user, as `look --json` has him.
#[derive(Serialize)]
struct User<'a> {
    room: &'a str,
    name: &'a str,
}

/// A room, as `rooms --json` has it.
#[derive(Serialize)]
struct Room<'a> {
    room: &'a str,
    users: usize,
}

/// Prints who is in the room.
///
/// # Errors
///
/// Says why there is no answer.
pub fn look(list: &List) -> Result<Exit, Failure> {
    ask(list, Request::Look, Reply::OnlineUsers, |line, room| {
        // Nothing else that comes is one word.
        (!line.contains(' ')).then(|| json(&User { room, name: line }))
    })
}

/// Prints the rooms.
///
/// # Errors
///
/// Says why there is no answer.
pub fn rooms(list: &List) -> Result<Exit, Failure> {
    ask(list, Request::Rooms, Reply::Rooms, |line, _| {
        let row = RoomRow::parse(line).filter(|row| !row.name.contains(':'))?;
        Some(json(&Room { room: row.name, users: row.users }))
    })
}

/// Prints the last lines of the room.
///
/// # Errors
///
/// Says why there is no answer.
pub fn history(history: &History) -> Result<Exit, Failure> {
    ask(&history.list, Request::History(history.lines), Reply::History, |line, room| {
        Some(json(&Record::of_row(history_row(line)?, room)))
    })
}

/// `object` makes the object of a row, and nothing of a line that is no row.
fn ask(
    list: &List,
    request: Request<'_>,
    heading: Reply<'_>,
    object: impl Fn(&str, &str) -> Option<String>,
) -> Result<Exit, Failure> {
    let mut output = Output::new()?;
    let mut visit = Visit::begin(&list.place, list.place.reader())?;
    visit.send(&format!("{request}\n{}", fence("list")))?;
    let (room, heading) = (visit.room.clone(), heading.to_string());
    let (mut is_headed, mut why) = (false, None);
    visit.until(|line| {
        if is_headed && let Some(object) = object(line, &room) {
            output.line(if list.json { &object } else { line });
        } else if line == heading {
            is_headed = true;
        } else if is_refusal(line) {
            why = Some(line.to_owned());
        } else if matches!(fence_answered(line), Some("list" | "")) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    let _ = output.flush()?;
    visit.leave();
    match why {
        Some(why) => Err(refused(&why)),
        None => Ok(Exit::Done),
    }
}
