//! The servers of one chat, and in which order they are tried.
//!
//! Each of them is as good as another. A name may stand for several: every address of it is a server of
//! its own. At first they are tried in the order in which the user names them. After a lost connection
//! the order is random, and the server that was lost comes last: so the clients that lose one server at the same
//! time spread over all that are left.
//!
//! A round tries each of them once, and ends with the first one that lets the user in. It also ends with
//! an answer that every server of the chat would give: that the name is taken, say.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::error::{ConnectError, no_time_left};
use super::target::Target;
use crate::args::server::{ServerArgs, addresses};
use crate::exit::Failure;

/// The least time for one address. A timeout of zero is not allowed.
const SHORTEST: Duration = Duration::from_millis(100);

/// The servers of one chat: one or more. Their text is what the user may type for them.
#[derive(Debug, Clone)]
pub struct Servers {
    /// As the user names them.
    targets: Vec<Target>,
    /// Where the connection was that is lost now.
    lost: Option<SocketAddr>,
}

/// What is still to be done in a round.
enum Step<'a> {
    /// To find the addresses of a server.
    Find(&'a Target),
    /// To try one of them.
    Try(&'a Target, SocketAddr),
}

impl Servers {
    /// The servers that are asked for. Certificates of authorities are read for them.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or the options make no sense together.
    pub fn of(server: &ServerArgs) -> Result<Self, Failure> {
        let tls = server.tls.trust()?.map(|trust| trust.load()).transpose()?;
        let target = |address: &str| Target { address: address.to_owned(), tls: tls.clone() };
        Ok(Self { targets: addresses(&server.server).map(target).collect(), lost: None })
    }

    /// Others, with commas between them, to be connected to in the same way.
    #[must_use]
    pub fn at(&self, list: &str) -> Self {
        let tls = self.targets.first().and_then(|target| target.tls.clone());
        let target = |address: &str| Target { address: address.to_owned(), tls: tls.clone() };
        Self { targets: addresses(list).map(target).collect(), lost: None }
    }

    /// The same servers for a client that has lost its connection to this address, where it had one.
    #[must_use]
    pub fn after(&self, lost: Option<SocketAddr>) -> Self {
        Self { targets: self.targets.clone(), lost }
    }

    /// Whether they are talked to with TLS.
    #[must_use]
    pub fn have_tls(&self) -> bool {
        self.targets.iter().any(|target| target.tls.is_some())
    }

    /// Whether the user named more than one.
    #[must_use]
    pub fn are_several(&self) -> bool {
        self.targets.len() > 1
    }

    /// One round: `attempt` is given one address after the other, each with the time by which it has to be
    /// done, until one succeeds. The round may last until `deadline`, but for a name server that hangs.
    ///
    /// # Errors
    ///
    /// Why nobody lets the user in.
    pub(super) fn try_each<T>(
        &self,
        deadline: Instant,
        mut attempt: impl FnMut(&Target, SocketAddr, Instant) -> Result<T, ConnectError>,
    ) -> Result<T, ConnectError> {
        let mut chance = Rng::new();
        let mut steps: VecDeque<_> =
            self.in_order(&mut chance).into_iter().map(Step::Find).collect();
        let mut failed: Vec<(String, ConnectError)> = Vec::new();
        while let Some(step) = steps.pop_front() {
            let (target, address) = match step {
                Step::Try(target, address) => (target, address),
                Step::Find(target) => {
                    match target.addresses() {
                        Ok(found) => self.plan(target, found, &mut chance, &mut steps),
                        Err(error) => {
                            let server = target.address.clone();
                            failed.push((server.clone(), ConnectError::Address { server, error }));
                        }
                    }
                    continue;
                }
            };
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let tried = match left.is_zero() && !failed.is_empty() {
                true => Err(no_time_left(target)),
                false => attempt(target, address, now + share(left, steps.len())),
            };
            match tried {
                Err(error) if !error.is_for_every_server() => {
                    failed.push((target.address.clone(), error));
                }
                decided => return decided,
            }
        }
        Err(ConnectError::of_round(failed))
    }

    /// In which order their addresses are found.
    fn in_order(&self, chance: &mut Rng) -> Vec<&Target> {
        let mut targets: Vec<_> = self.targets.iter().collect();
        if self.lost.is_some() {
            chance.shuffle(&mut targets);
        }
        targets
    }

    /// Puts the addresses of a server in front of what is still to be done, and one that was lost at its end.
    fn plan<'a>(
        &self,
        target: &'a Target,
        mut found: Vec<SocketAddr>,
        chance: &mut Rng,
        steps: &mut VecDeque<Step<'a>>,
    ) {
        if self.lost.is_some() {
            chance.shuffle(&mut found);
        }
        for address in found.into_iter().rev() {
            match Some(address) == self.lost {
                true => steps.push_back(Step::Try(target, address)),
                false => steps.push_front(Step::Try(target, address)),
            }
        }
    }
}

/// The time for one address, with so many behind it: one that swallows everything leaves enough for the
/// others.
fn share(left: Duration, behind: usize) -> Duration {
    let addresses = u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
    (left / addresses).max(SHORTEST)
}

/// Over plain TCP.
impl From<&str> for Servers {
    fn from(list: &str) -> Self {
        Self { targets: Vec::new(), lost: None }.at(list)
    }
}

/// Over plain TCP.
impl From<&String> for Servers {
    fn from(list: &String) -> Self {
        Self::from(list.as_str())
    }
}

/// Over plain TCP.
impl From<String> for Servers {
    fn from(list: String) -> Self {
        Self::from(list.as_str())
    }
}

impl From<&Servers> for Servers {
    fn from(servers: &Servers) -> Self {
        servers.clone()
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, target) in self.targets.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{target}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
