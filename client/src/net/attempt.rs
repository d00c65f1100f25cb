//! An attempt to get in, on a thread of its own: the user must be able to leave while it hangs.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::connect::Connection;
use super::error::ConnectError;
use super::servers::Servers;
use super::target::Target;
use super::watch::Watched;
use crate::args::secret::Secret;
use crate::exit::Failure;
use crate::sys::thread;

/// What an attempt comes to.
pub type Attempted = Result<Connection, ConnectError>;

/// Connects to one of `servers` and logs in as `name`, with its secret where the server asks for one, and
/// tells `report` what came of it.
///
/// A caller that has waited for the report joins the thread then. One that no longer wants it leaves the
/// thread alone: nothing can hurry a name server that hangs, and the end of the program does not wait.
///
/// # Errors
///
/// When the system allows no more threads.
pub fn start(
    servers: &Servers,
    name: &str,
    secret: Option<&Secret>,
    patience: Duration,
    report: impl FnOnce(Attempted) + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let (servers, name, secret) = (servers.clone(), name.to_owned(), secret.cloned());
    thread::spawn("attempt", move || report(get_in(&servers, &name, secret.as_ref(), patience)))
}

/// Connects to one of `servers` to read `room` without a name. Where it does not know that, logs in as `name`.
/// The report has besides whether it reads without one.
///
/// # Errors
///
/// When the system allows no more threads.
pub fn start_reading(
    servers: &Servers,
    room: Option<&str>,
    name: &str,
    secret: Option<&Secret>,
    patience: Duration,
    report: impl FnOnce(Result<(Connection, Watched), ConnectError>) + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let (servers, name, room) = (servers.clone(), name.to_owned(), room.map(str::to_owned));
    let secret = secret.cloned();
    thread::spawn("attempt", move || {
        report(servers.try_each(Instant::now() + patience, |target, address, deadline| {
            let user = (name.as_str(), secret.as_ref());
            get_in_reading(target, address, deadline, room.as_deref(), user)
        }));
    })
}

fn get_in_reading(
    target: &Target,
    address: SocketAddr,
    deadline: Instant,
    room: Option<&str>,
    (name, secret): (&str, Option<&Secret>),
) -> Result<(Connection, Watched), ConnectError> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let mut connection = Connection::open_at(target, address, deadline)?;
    connection.set_patience(left());
    let watched = connection.watch(room)?;
    match watched {
        Watched::Reads => return Ok((connection, watched)),
        Watched::Unknown => {}
        Watched::Unclear => {
            drop(connection);
            connection = Connection::open_at(target, address, deadline)?;
        }
    }
    connection.set_patience(left());
    connection.log_in(name, secret)?;
    Ok((connection, watched))
}

/// The same as [`start`] on this thread. All of it may take `patience`, but for a name server that hangs.
///
/// # Errors
///
/// Says why the user is not in.
pub fn get_in(
    servers: &Servers,
    name: &str,
    secret: Option<&Secret>,
    patience: Duration,
) -> Attempted {
    servers.try_each(Instant::now() + patience, |target, address, deadline| {
        let mut connection = Connection::open_at(target, address, deadline)?;
        connection.set_patience(deadline.saturating_duration_since(Instant::now()));
        connection.log_in(name, secret)?;
        Ok(connection)
    })
}
