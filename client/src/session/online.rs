//! The time with a connection: what is typed is sent, what comes is shown, and the server has to be alive.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::link::Link;
use super::timing::Timing;
use super::{End, Session, SessionMessage};
use crate::model::commands::as_typed;
use crate::model::liveness::{Doubt, Liveness};
use crate::net::error::without_number;
use crate::net::{Incoming, Line};
use crate::sanitize::Sanitized;

/// How long the server may take to close after a `logout`.
const FAREWELL: Duration = Duration::from_secs(2);

impl Session {
    /// One connection, from its login to its end.
    pub(super) fn stay(&mut self, link: &mut Link) -> End {
        let Timing { silence, answer, .. } = self.timing;
        let mut liveness = Liveness::new(silence, answer, Instant::now());
        // Until when the server may close, once the user has left. It may have more to say for ever.
        let mut farewell: Option<Instant> = None;
        loop {
            let late = self.state.unconfirmed().next_late(Instant::now());
            let deadline = farewell.unwrap_or_else(|| {
                late.map_or(liveness.deadline(), |late| late.min(liveness.deadline()))
            });
            let left = deadline.saturating_duration_since(Instant::now());
            if farewell.is_some() && left.is_zero() {
                return End::Quit;
            }
            match self.inputs.recv_timeout(left) {
                Ok(SessionMessage::Server(Incoming::Lines(lines))) => {
                    liveness.heard(Instant::now());
                    let requests = self.receive(&lines);
                    link.send(&requests);
                }
                Ok(SessionMessage::Server(Incoming::Closed(error))) => {
                    link.closed();
                    return match error {
                        _ if farewell.is_some() => End::Quit,
                        Some(error) => End::Lost(without_number(&error)),
                        None => End::Lost("the server closed it".to_owned()),
                    };
                }
                Ok(SessionMessage::Quit) => {
                    link.send("logout\n");
                    farewell = Some(Instant::now() + FAREWELL);
                }
                Ok(wish) => self.grant(link, wish),
                Err(RecvTimeoutError::Timeout) if farewell.is_some() => return End::Quit,
                Err(RecvTimeoutError::Timeout) if Instant::now() < liveness.deadline() => {}
                Err(RecvTimeoutError::Timeout) => match liveness.expired(Instant::now()) {
                    Doubt::Ask => {
                        let request = self.state.request_for_life();
                        link.send(&request);
                    }
                    Doubt::Dead => return End::Lost("the server does not answer".to_owned()),
                },
                Err(RecvTimeoutError::Disconnected) => return End::Quit,
            }
            self.publish();
        }
    }

    /// Does what the user wants.
    fn grant(&mut self, link: &mut Link, wish: SessionMessage) {
        match wish {
            SessionMessage::Request(line) => {
                self.count += 1;
                self.request(link, &[line]);
            }
            SessionMessage::Block(lines) => {
                self.count += 1;
                self.request(link, &lines);
            }
            SessionMessage::Grep(text) => {
                let requests = self.state.search(&text);
                link.send(&requests);
            }
            SessionMessage::Resend => self.resend(link),
            SessionMessage::Ignore(name) => self.view.turn_ignored(name.as_deref()),
            SessionMessage::Quiet => self.view.turn_quiet(),
            SessionMessage::Reconnect => self.view.notice("there is a connection"),
            // No attempt is under way while there is a connection.
            SessionMessage::Attempted(_) | SessionMessage::Stop => {}
            // These are no wishes: they change the stay itself.
            SessionMessage::Server(_) | SessionMessage::Quit => {}
        }
    }

    fn request(&mut self, link: &mut Link, lines: &[String]) {
        for line in lines {
            self.state.sent(line, Instant::now());
        }
        let looks = matches!(lines, [line] if line == "look");
        let fence = if looks { self.state.looked() } else { String::new() };
        link.send(&(lines.join("\n") + "\n" + &fence));
    }

    /// Shows lines, and gives the requests that they lead to.
    pub(super) fn receive(&mut self, lines: &[Line]) -> String {
        let (mut show, mut requests) = (Vec::new(), String::new());
        for line in lines {
            let effect = match line {
                Ok(line) => self.state.receive(&Sanitized::new(line)),
                Err(error) => {
                    show.push(format!("<{error}>"));
                    continue;
                }
            };
            show.extend(effect.show);
            show.extend(effect.held);
            requests += &effect.requests;
            if let Some(told) = effect.told {
                self.show(&mut show);
                self.view.notice(&told);
            }
            if let Some(earlier) = effect.earlier {
                self.show(&mut show);
                self.view.earlier(&earlier, self.state.name());
                self.offer_unsent();
            }
        }
        self.show(&mut show);
        requests
    }

    /// Shows the lines and takes them out.
    fn show(&mut self, lines: &mut Vec<String>) {
        self.view.lines(lines.iter().map(String::as_str), self.state.name());
        lines.clear();
    }

    /// Pins the oldest text that the server has not sent back in time.
    pub(super) fn pin_late(&self) {
        let pin = self.state.unconfirmed().late(Instant::now()).map(|(line, more)| {
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("not there yet{more}: {} …", as_typed(line))
        });
        self.view.pin(pin.as_deref());
    }

    fn offer_unsent(&mut self) {
        let unsent = self.state.unconfirmed().unsent().to_vec();
        for line in &unsent {
            self.view.notice(&format!("not sent: {}", as_typed(line)));
        }
        if !unsent.is_empty() {
            self.view.notice("/resend sends what was not sent");
        }
    }

    fn resend(&mut self, link: &mut Link) {
        let unsent = self.state.unconfirmed_mut().take_unsent();
        if unsent.is_empty() {
            return self.view.notice("there is nothing to send again");
        }
        self.request(link, &unsent);
    }
}
