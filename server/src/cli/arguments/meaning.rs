//! What the command line means to the server.

use std::env;
use std::time::Duration;

use chat_server::config::{Config, Credentials, Endpoint, PULSE, SharedLog};

use super::Arguments;

/// The variable of the environment that has the password of the log's engine.
const LOG_PASSWORD: &str = "CHAT_LOG_PASSWORD";

impl From<Arguments> for Config {
    fn from(arguments: Arguments) -> Self {
        let default = Self::default();
        let line = arguments.listen.into_iter().map(Endpoint::line);
        let classic = arguments.classic.into_iter().map(Endpoint::classic);
        let web = arguments.web.into_iter().map(Endpoint::web);
        let tls = arguments.tls.into_iter().map(Endpoint::tls);
        let web_tls = arguments.web_tls.into_iter().map(Endpoint::web_tls);
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        let log = arguments.log.map(|address| SharedLog {
            address: match env::var(LOG_PASSWORD) {
                Ok(password) => address.with_password(password),
                Err(_) => address,
            },
            password: arguments.log_password,
            authorities: arguments.log_authorities,
            pulse: PULSE,
        });
        Self {
            listeners: line.chain(classic).chain(web).chain(tls).chain(web_tls).collect(),
            credentials: arguments
                .certificate
                .zip(arguments.key)
                .map(|(certificate, key)| Credentials { certificate, key }),
            web_names: arguments.web_name,
            web_also: arguments.web_also,
            couriers: arguments.couriers.map_or(default.couriers, |couriers| couriers as usize),
            max_line: arguments.max_line as usize,
            backlog: arguments.backlog as usize,
            max_clients: arguments.max_clients as usize,
            max_per_address: arguments.max_per_address as usize,
            max_arrivals: arguments.max_arrivals,
            exempt: arguments.exempt,
            max_owed: arguments.max_owed as usize,
            max_rooms: arguments.max_rooms as usize,
            watchers: !arguments.no_watchers,
            login_timeout: Duration::from_secs(arguments.login_timeout),
            rate: arguments.rate,
            burst: arguments.burst,
            stall_timeout: Duration::from_secs(arguments.stall_timeout),
            keepalive: seconds(arguments.keepalive, default.keepalive),
            user_timeout: seconds(arguments.user_timeout, default.user_timeout),
            log,
            data: arguments.data,
            sync: arguments.sync,
            motd: arguments.motd,
            operators: arguments.operators,
            users: arguments.users,
            password: arguments.password,
            members_only: arguments.members_only,
            hidden: arguments.hidden,
            exit_when_idle: arguments.exit_when_idle.map(Duration::from_secs),
        }
    }
}
