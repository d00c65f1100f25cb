//! An attempt to get in, on a thread of its own: the user must be able to leave while it hangs.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::connect::Connection;
use super::error::ConnectError;
use super::target::Target;
use crate::exit::Failure;
use crate::sys::thread;

/// What an attempt comes to.
pub type Attempted = Result<Connection, ConnectError>;

/// Connects to `server` and logs in as `name`, and tells `report` what came of it.
///
/// Whoever waits for the report joins the thread then. Whoever no longer wants it leaves the thread
/// alone: nothing can hurry a name server that hangs, and the end of the program does not wait for it.
///
/// # Errors
///
/// When the system allows no more threads.
pub fn start(
    server: &Target,
    name: &str,
    patience: Duration,
    report: impl FnOnce(Attempted) + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let (server, name) = (server.clone(), name.to_owned());
    thread::spawn("attempt", move || report(get_in(&server, &name, patience)))
}

/// The same on this thread. All of it may take `patience`, but for a name server that hangs.
///
/// # Errors
///
/// Says why the user is not in.
pub fn get_in(server: &Target, name: &str, patience: Duration) -> Attempted {
    let deadline = Instant::now() + patience;
    let mut connection = Connection::open(server, patience)?;
    connection.set_patience(deadline.saturating_duration_since(Instant::now()));
    connection.log_in(name)?;
    Ok(connection)
}
