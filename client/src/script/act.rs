//! `me`, `topic`, `announce`, `kick`, `mute` and `ban`: one request, and what became of it.

use std::ops::ControlFlow;

use protocol::{Event, Reply, Request};

use super::entrance::Entrance;
use super::output::Output;
use super::session::{ScriptSession, is_refusal};
use crate::args::act::{Announce, Kick, Restrain, Telling};
use crate::args::limits::Visit;
use crate::args::secret::Secret;
use crate::args::server::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::model::fence;

/// Tells the room what the user does.
///
/// # Errors
///
/// Says why the room was not told.
pub fn me(told: &Telling) -> Result<Exit, Failure> {
    let text = told.text.join(" ");
    let entrance = Entrance::new(&told.visit, told.visit.server.speaker()?);
    let is_done = |line: &str, name: &str| matches!(Event::parse(line), Some(Event::Did { name: who, .. }) if who == name);
    act(entrance, None, &Request::Me(&text), is_done).map(|_| Exit::Done)
}

/// Prints the topic, or sets it.
///
/// # Errors
///
/// Says why it is not known, or not set.
pub fn topic(told: &Telling) -> Result<Exit, Failure> {
    let text = told.text.join(" ");
    if !text.trim().is_empty() {
        let is_done = |line: &str, name: &str| matches!(Event::parse(line), Some(Event::TopicSet { name: who, .. }) if who == name);
        let entrance = Entrance::new(&told.visit, told.visit.server.speaker()?);
        return act(entrance, None, &Request::Topic(&text), is_done).map(|_| Exit::Done);
    }
    let is_done = |line: &str, _: &str| matches!(Reply::parse(line), Some(Reply::Topic(_)));
    let entrance = Entrance::to_read(&told.visit);
    let answer = act(entrance, None, &Request::Topic(""), is_done)?;
    let mut output = Output::new()?;
    if let Some(Reply::Topic(topic)) = answer.as_deref().and_then(Reply::parse) {
        output.line(topic);
    }
    output.flush().map(|_| Exit::Done)
}

/// Tells everyone in every room.
///
/// # Errors
///
/// Says why they were not told.
pub fn announce(announce: &Announce) -> Result<Exit, Failure> {
    let text = announce.text.join(" ");
    let announced = Event::Announced { text: text.trim() }.to_string();
    operate(&announce.visit, &Request::Announce(&text), |line, _| line == announced)
}

/// Ends the connection of a user.
///
/// # Errors
///
/// Says why it goes on.
pub fn kick(kick: &Kick) -> Result<Exit, Failure> {
    let reason = kick.reason.join(" ");
    let request = Request::Kick { name: &kick.whom, reason: &reason };
    operate(&kick.visit, &request, is_reply(Reply::KickSuccess))
}

/// Lets a user say nothing for a time.
///
/// # Errors
///
/// Says why the user may still speak.
pub fn mute(mute: &Restrain) -> Result<Exit, Failure> {
    let request = Request::Mute { name: &mute.whom, minutes: mute.minutes };
    operate(&mute.visit, &request, is_reply(Reply::MuteSuccess))
}

/// Keeps a name or an address out for a time.
///
/// # Errors
///
/// Says why it is not kept out.
pub fn ban(ban: &Restrain) -> Result<Exit, Failure> {
    let request = Request::Ban { target: &ban.whom, minutes: ban.minutes };
    operate(&ban.visit, &request, is_reply(Reply::BanSuccess))
}

fn is_reply(expected: Reply<'_>) -> impl Fn(&str, &str) -> bool {
    let expected = expected.to_string();
    move |line, _| line == expected
}

fn operate(
    visit: &Visit,
    request: &Request<'_>,
    is_done: impl Fn(&str, &str) -> bool,
) -> Result<Exit, Failure> {
    let (name, password) = operator(&visit.server)?;
    act(Entrance::new(visit, name), Some(&password), request, is_done).map(|_| Exit::Done)
}

/// The name and the password of an operator.
///
/// # Errors
///
/// When one of the two is not given.
pub(super) fn operator(server: &ServerArgs) -> Result<(String, Secret), Failure> {
    let missing = "who is an operator? give --password-file FILE, or set CHAT_PASSWORD";
    let name = server.speaker()?;
    let password = server.secret()?.ok_or_else(|| Failure::new(Exit::Usage, missing))?;
    Ok((name, password))
}

/// Sends one request, after that which makes an operator where it takes one. Gives the line that tells that
/// it was done: `None` when that is among lines of the room that are missing.
fn act(
    mut entrance: Entrance<'_>,
    password: Option<&Secret>,
    request: &Request<'_>,
    is_done: impl Fn(&str, &str) -> bool,
) -> Result<Option<String>, Failure> {
    let mut session = entrance.enter()?;
    let first = password.map(|password| format!("{}\n", Request::Operator(password.reveal())));
    session.send(&format!("{}{request}\n{}", first.unwrap_or_default(), fence::request("act")))?;
    let answer = await_answer(&mut session, is_done)?;
    session.leave();
    answer.judge()
}

/// What the server has said until the fence.
#[derive(Default)]
struct ActAnswer {
    done: Option<String>,
    /// The first refusal: what it leads to is refused as well.
    refused: Option<String>,
    muted: Option<String>,
    has_gap: bool,
}

fn await_answer(
    session: &mut ScriptSession,
    is_done: impl Fn(&str, &str) -> bool,
) -> Result<ActAnswer, Failure> {
    let name = session.name.clone();
    let mut answer = ActAnswer::default();
    session.until(|line| {
        if fence::answered(line).is_some() {
            return ControlFlow::Break(());
        }
        match Reply::parse(line) {
            _ if answer.done.is_none() && is_done(line, &name) => {
                answer.done = Some(line.to_owned());
            }
            // It may be the warning of a mute as well.
            Some(Reply::Muted(_)) => answer.muted = Some(line.to_owned()),
            Some(Reply::Missed(_)) => answer.has_gap = true,
            Some(Reply::OperatorsOnly(_) | Reply::UserNameInvalid(_)) => {
                answer.refused.get_or_insert_with(|| line.to_owned());
            }
            _ if is_refusal(line) => {
                answer.refused.get_or_insert_with(|| line.to_owned());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(answer)
}

impl ActAnswer {
    fn judge(self) -> Result<Option<String>, Failure> {
        match self {
            ActAnswer { refused: Some(why), .. } => Err(Failure::refused(&why)),
            ActAnswer { done: Some(line), .. } => Ok(Some(line)),
            ActAnswer { muted: Some(why), has_gap: true, .. } => {
                let reason = format!("not known whether it was done: lines are missing, and {why}");
                Err(Failure::new(Exit::Unknown, reason))
            }
            ActAnswer { muted: Some(why), .. } => Err(Failure::refused(&why)),
            // A refusal is never among the missing lines of a room.
            ActAnswer { has_gap: true, .. } => Ok(None),
            _ => Err(Failure::refused("the server did not say that it was done")),
        }
    }
}
