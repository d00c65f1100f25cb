//! Threads with names, so that a debugger or `top -H` tells them apart. The module that starts one
//! joins it, except an attempt to connect, or a search, that the user did not wait for.

use std::thread::{Builder, JoinHandle};

use crate::exit::{Exit, Failure};

/// Starts a thread. Linux shows 15 bytes of the name.
///
/// # Errors
///
/// When the system allows no more threads.
pub fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| Failure::new(Exit::Local, format!("cannot start a thread: {error}")))
}

/// Waits for the end of a thread. Its panic goes on here.
pub fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
