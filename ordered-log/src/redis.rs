//! The few commands that are used, over one connection to Redis or Valkey.
//!
//! A crate for Redis would bring some forty crates more into the programs, and none that was looked at
//! can be woken while it waits for an entry.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::address::Address;
use crate::engine::{Dial, Engine, Stored};
use crate::fault::{Fault, printable};
use crate::format::{FIELD, Place};
use crate::interrupt::Interrupt;
use crate::link::Link;
use crate::options::Options;
use crate::resp::Reply;

/// Entries that are asked for at once.
const ENTRIES: &str = "64";

/// How much longer than an answer a state may take, which can have megabytes.
const STATE: u32 = 10;

/// `KEYS` log, state; `ARGV` epoch, field, batch, state.
const CREATE: &str = "\
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then
  redis.call('XADD', KEYS[1], ARGV[1] .. '-1', ARGV[2], ARGV[3])
  redis.call('SET', KEYS[2], ARGV[4])
end
return 1";

/// `KEYS` log, state; `ARGV` epoch, number, first number to keep, state. The state goes first: when the
/// engine is full this is refused, and nothing is removed.
const SAVE: &str = "\
local head = redis.call('GETRANGE', KEYS[2], 0, 63)
local epoch, number = string.match(head, '^ordered%-log 1 (%d+) (%d+)\\n')
if epoch ~= ARGV[1] then return -1 end
if tonumber(number) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[4])
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1] .. '-' .. ARGV[3])
return 1";

/// Makes connections to one engine, for one thread.
#[derive(Debug)]
pub struct Dialer {
    address: Address,
    tls: Option<Arc<ClientConfig>>,
    keys: Keys,
    patience: Duration,
    interrupt: Arc<Interrupt>,
}

#[derive(Debug, Clone)]
struct Keys {
    log: String,
    state: String,
}

impl Dialer {
    /// For the thread that has this interrupt.
    pub fn new(
        options: &Options,
        tls: Option<Arc<ClientConfig>>,
        interrupt: Arc<Interrupt>,
    ) -> Self {
        let Options { name, address, patience, .. } = options;
        let keys = Keys { log: format!("{name}:log"), state: format!("{name}:state") };
        Self { address: address.clone(), tls, keys, patience: *patience, interrupt }
    }
}

impl Dial for Dialer {
    type Engine = Redis;

    fn dial(&self) -> Result<Redis, Fault> {
        let Self { address, tls, keys, patience, interrupt } = self;
        let link = Link::open(address, tls.as_ref(), interrupt, *patience)?;
        let mut redis = Redis { link, keys: keys.clone(), patience: *patience };
        if let Some(password) = &address.password {
            let user = address.user.as_deref().unwrap_or("default");
            // With a user also where there are none, Redis 6 and later has that one.
            let command = [b"AUTH", user.as_bytes(), password.as_bytes()];
            if let Reply::Error(error) = redis.link.ask(&command, *patience)? {
                return Err(Fault::refused_secret(&error));
            }
        }
        if address.database != 0 {
            redis.ask(&[b"SELECT", address.database.to_string().as_bytes()])?;
        }
        redis.confirm()?;
        Ok(redis)
    }
}

/// A connection.
pub struct Redis {
    link: Link,
    keys: Keys,
    patience: Duration,
}

impl Redis {
    fn ask(&mut self, command: &[&[u8]]) -> Result<Reply, Fault> {
        self.ask_within(command, self.patience)
    }

    fn ask_within(&mut self, command: &[&[u8]], patience: Duration) -> Result<Reply, Fault> {
        match self.link.ask(command, patience)? {
            Reply::Error(error) => Err(Fault::refused(&error)),
            reply => Ok(reply),
        }
    }

    fn range(&mut self, command: &str, from: &str, to: &str) -> Result<Option<Stored>, Fault> {
        let log = self.keys.log.clone();
        let command = [command, &log, from, to, "COUNT", "1"].map(str::as_bytes);
        let entries = stored(self.ask(&command)?)?;
        Ok(entries.into_iter().next())
    }

    fn run(&mut self, script: &str, arguments: &[&[u8]]) -> Result<i64, Fault> {
        let Keys { log, state } = self.keys.clone();
        let mut command =
            vec![&b"EVAL"[..], script.as_bytes(), b"2", log.as_bytes(), state.as_bytes()];
        command.extend(arguments);
        match self.ask_within(&command, self.patience * STATE)? {
            Reply::Integer(number) => Ok(number),
            _ => Err(strange("EVAL")),
        }
    }
}

impl Engine for Redis {
    fn confirm(&mut self) -> Result<(), Fault> {
        let mut text = Vec::new();
        for section in ["server", "replication", "memory", "cluster"] {
            let Reply::Bytes(part) = self.ask(&[b"INFO", section.as_bytes()])? else {
                return Err(strange("INFO"));
            };
            text.extend(part);
        }
        let text = String::from_utf8_lossy(&text);
        let field = |name: &str| {
            let mut fields = text.lines().filter_map(|line| line.split_once(':'));
            fields.find(|(field, _)| *field == name).map_or("", |(_, value)| value.trim())
        };
        // Valkey tells by this which Redis it is like.
        let version = field("redis_version");
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < 7) {
            let version = printable(version.as_bytes());
            let why = format!("it is Redis {version}; Redis 7 or later is needed, or Valkey");
            return Err(Fault::Unusable(why));
        }
        if field("cluster_enabled") == "1" {
            let why = "it is a cluster of Redis; give one engine that is not";
            return Err(Fault::Unusable(why.to_owned()));
        }
        let policy = field("maxmemory_policy");
        if policy.starts_with("allkeys") && field("maxmemory") != "0" {
            let why = "it removes any keys when it is full, also the log; set its maxmemory-policy to \
                       noeviction";
            return Err(Fault::Unusable(why.to_owned()));
        }
        if field("role") != "master" {
            return Err(Fault::refused(b"READONLY"));
        }
        Ok(())
    }

    fn create(&mut self, epoch: u64, birth: &[u8], state: &[u8]) -> Result<(), Fault> {
        let epoch = epoch.to_string();
        self.run(CREATE, &[epoch.as_bytes(), FIELD.as_bytes(), birth, state]).map(drop)
    }

    fn time(&mut self) -> Result<u64, Fault> {
        let Reply::Array(parts) = self.ask(&[b"TIME"])? else { return Err(strange("TIME")) };
        let number = |part: &Reply| match part {
            Reply::Bytes(digits) => str::from_utf8(digits).ok()?.parse::<u64>().ok(),
            _ => None,
        };
        let [seconds, micros] = &parts[..] else { return Err(strange("TIME")) };
        let time = number(seconds).zip(number(micros));
        let time =
            time.and_then(|(seconds, micros)| seconds.checked_mul(1_000_000)?.checked_add(micros));
        time.ok_or_else(|| strange("TIME"))
    }

    fn state(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let state = self.keys.state.clone();
        match self.ask_within(&[b"GET", state.as_bytes()], self.patience * STATE)? {
            Reply::Bytes(state) => Ok(Some(state)),
            Reply::Nil => Ok(None),
            _ => Err(strange("GET")),
        }
    }

    fn save(&mut self, place: Place, keep: u64, state: &[u8]) -> Result<bool, Fault> {
        let [epoch, number, keep] =
            [place.epoch, place.number, keep].map(|number| number.to_string().into_bytes());
        match self.run(SAVE, &[&epoch, &number, &keep, state])? {
            -1 => Err(Fault::Lost("the state there is of another log".to_owned())),
            saved => Ok(saved == 1),
        }
    }

    fn append(&mut self, epoch: u64, batch: &[u8]) -> Result<Option<u64>, Fault> {
        let (log, id) = (self.keys.log.clone(), format!("{epoch}-*"));
        let command =
            [b"XADD", log.as_bytes(), b"NOMKSTREAM", id.as_bytes(), FIELD.as_bytes(), batch];
        match self.ask(&command)? {
            Reply::Bytes(id) => match Place::parse(&id) {
                Some(place) => Ok(Some(place.number)),
                None => Err(strange("XADD")),
            },
            Reply::Nil => Ok(None),
            _ => Err(strange("XADD")),
        }
    }

    fn read(&mut self, after: Place, wait: Duration) -> Result<Vec<Stored>, Fault> {
        let (log, after) = (self.keys.log.clone(), after.to_string());
        // To wait 0 ms would mean to wait for ever.
        let wait_ms = wait.as_millis().max(1).to_string();
        let command = ["XREAD", "COUNT", ENTRIES, "BLOCK", &wait_ms, "STREAMS", &log, &after]
            .map(str::as_bytes);
        match self.ask_within(&command, wait + self.patience)? {
            Reply::Nil => Ok(Vec::new()),
            Reply::Array(streams) => match <[Reply; 1]>::try_from(streams) {
                Ok([Reply::Array(mut stream)]) if stream.len() == 2 => stored(stream.remove(1)),
                _ => Err(strange("XREAD")),
            },
            _ => Err(strange("XREAD")),
        }
    }

    fn entry(&mut self, place: Place) -> Result<Option<Stored>, Fault> {
        let id = place.to_string();
        self.range("XRANGE", &id, &id)
    }

    fn first(&mut self) -> Result<Option<Stored>, Fault> {
        self.range("XRANGE", "-", "+")
    }

    fn last(&mut self) -> Result<Option<Stored>, Fault> {
        self.range("XREVRANGE", "+", "-")
    }
}

/// Reads entries: each an ID, and fields with their values.
fn stored(reply: Reply) -> Result<Vec<Stored>, Fault> {
    let Reply::Array(entries) = reply else { return Err(strange("XRANGE")) };
    let entries = entries.into_iter().map(|entry| {
        let Reply::Array(parts) = entry else { return None };
        let Ok([Reply::Bytes(id), Reply::Array(fields)]) = <[Reply; 2]>::try_from(parts) else {
            return None;
        };
        Some(Stored { place: Place::parse(&id)?, batch: batch(fields) })
    });
    entries.collect::<Option<_>>().ok_or_else(|| strange("XRANGE"))
}

/// The batch of an entry; empty where somebody else has written something, which is no batch; `None`
/// where a later version has.
fn batch(fields: Vec<Reply>) -> Option<Vec<u8>> {
    match <[Reply; 2]>::try_from(fields) {
        Ok([Reply::Bytes(field), Reply::Bytes(value)]) if field == FIELD.as_bytes() => Some(value),
        Ok([Reply::Bytes(field), _]) if is_version(&field) => None,
        _ => Some(Vec::new()),
    }
}

fn is_version(field: &[u8]) -> bool {
    field
        .strip_prefix(b"v")
        .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Nothing that a Redis replies to this command.
fn strange(command: &str) -> Fault {
    Fault::Unreachable(format!("it replies to {command} what no Redis does"))
}
