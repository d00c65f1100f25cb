//! Whether a server can be run as its configuration says.

use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{BACKLOG_BYTES, COURIERS, Config, KEEPALIVE, LINE_BYTES, OWED_BYTES, YEAR};

impl Config {
    /// Looks whether a server can be run like this.
    ///
    /// # Errors
    ///
    /// Names the first value that cannot be used, and its range.
    pub fn validate(&self) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(invalid("listeners: there must be one at least"));
        }
        let has_tls = self.listeners.iter().any(|endpoint| endpoint.is_tls);
        if has_tls && self.credentials.is_none() {
            return Err(invalid("credentials: TLS needs a certificate and its key"));
        }
        if self.log.is_some() && self.data.is_some() {
            // Each room would be recorded by every server, from when it was first entered there.
            return Err(invalid(
                "data: a server that shares its log with others keeps no transcripts",
            ));
        }
        if self.members_only && self.users.is_none() && self.operators.is_none() {
            return Err(invalid("members_only: there must be users or operators"));
        }
        in_range("couriers", self.couriers as u64, &COURIERS)?;
        in_range("max_line", self.max_line as u64, &LINE_BYTES)?;
        in_range("backlog", self.backlog as u64, &BACKLOG_BYTES)?;
        let any = 1..=u64::MAX;
        in_range("max_clients", self.max_clients as u64, &any)?;
        in_range("max_per_address", self.max_per_address as u64, &any)?;
        in_range("max_owed", self.max_owed as u64, &OWED_BYTES)?;
        in_range("max_rooms", self.max_rooms as u64, &any)?;
        in_range("burst", self.burst.into(), &any)?;
        some_time("login_timeout", self.login_timeout, YEAR)?;
        some_time("stall_timeout", self.stall_timeout, YEAR)?;
        if let Some(limit) = self.exit_when_idle {
            some_time("exit_when_idle", limit, YEAR)?;
        }
        // Zero has a meaning of its own here.
        in_range("keepalive", self.keepalive.as_secs(), &(0..=KEEPALIVE))?;
        in_range("user_timeout", self.user_timeout.as_secs(), &(0..=KEEPALIVE))
    }
}

fn in_range(name: &str, value: u64, range: &RangeInclusive<u64>) -> io::Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let wanted = match *range.end() {
        u64::MAX => format!("{} or more", range.start()),
        most => format!("{} to {most}", range.start()),
    };
    Err(invalid(&format!("{name} is {value}, but must be {wanted}")))
}

/// A time may be as short as it likes, but not zero.
fn some_time(name: &str, time: Duration, most: u64) -> io::Result<()> {
    if !time.is_zero() && time.as_secs() <= most {
        return Ok(());
    }
    Err(invalid(&format!("{name} is {time:?}, but must be more than 0 and at most {most} s")))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Endpoint;

    fn error(change: impl FnOnce(&mut Config)) -> String {
        let listeners = vec![Endpoint::line(([127, 0, 0, 1], 0).into())];
        let mut config = Config { listeners, ..Config::default() };
        config.validate().unwrap();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_served_is_named_with_its_range() {
        let nothing = Duration::ZERO;
        let forever = Duration::MAX;
        for (error, expected) in [
            (error(|config| config.listeners.clear()), "listeners: there must be one at least"),
            (
                error(|config| config.listeners[0].is_tls = true),
                "credentials: TLS needs a certificate and its key",
            ),
            (
                error(|config| config.members_only = true),
                "members_only: there must be users or operators",
            ),
            (error(|config| config.couriers = 0), "couriers is 0, but must be 1 to 64"),
            (error(|config| config.couriers = 65), "couriers is 65, but must be 1 to 64"),
            (error(|config| config.max_line = 63), "max_line is 63, but must be 64 to 32768"),
            (
                error(|config| config.max_line = 32_769),
                "max_line is 32769, but must be 64 to 32768",
            ),
            (error(|config| config.backlog = 0), "backlog is 0, but must be 262144 to 1073741824"),
            (error(|config| config.max_clients = 0), "max_clients is 0, but must be 1 or more"),
            (
                error(|config| config.max_per_address = 0),
                "max_per_address is 0, but must be 1 or more",
            ),
            (error(|config| config.max_rooms = 0), "max_rooms is 0, but must be 1 or more"),
            (error(|config| config.burst = 0), "burst is 0, but must be 1 or more"),
            (
                error(|config| config.login_timeout = nothing),
                "login_timeout is 0ns, but must be more than 0 and at most 31536000 s",
            ),
            (
                error(|config| config.exit_when_idle = Some(nothing)),
                "exit_when_idle is 0ns, but must be more than 0 and at most 31536000 s",
            ),
            (
                error(|config| config.keepalive = Duration::from_secs(40_000)),
                "keepalive is 40000, but must be 0 to 32767",
            ),
        ] {
            assert_eq!(error, expected);
        }
        assert!(error(|config| config.stall_timeout = forever).starts_with("stall_timeout is "));
        assert!(error(|config| config.user_timeout = forever).starts_with("user_timeout is "));
    }
}
