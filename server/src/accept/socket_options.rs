//! How the system treats a client's socket.

use std::io;
use std::net::TcpStream;
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use nix::sys::socket::{setsockopt, sockopt};

use crate::config::Config;

/// A socket tells of space as soon as fewer bytes than this wait in it to be sent (tcp(7),
/// `TCP_NOTSENT_LOWAT`). By itself the system tells when a third of a buffer is free that grows to
/// 4 MiB, and so late that a client which takes megabytes a second is not seen to take anything.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 128 * 1024;

/// Sets what a client's socket needs.
///
/// # Errors
///
/// When the peer is gone again, or the system does not know an option.
pub fn prepare(stream: &TcpStream, config: &Config) -> io::Result<()> {
    // Some systems hand the listener's non-blocking mode on.
    stream.set_nonblocking(false)?;
    // Couriers gather lines themselves; the system shall not wait for more.
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES)?;
        find_dead_peers(stream, config)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = config;
    Ok(())
}

/// Lets the system end connections to machines that are not there any more: see tcp(7). Three
/// probes that stay unanswered are enough.
#[cfg(target_os = "linux")]
fn find_dead_peers(stream: &TcpStream, config: &Config) -> nix::Result<()> {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1);
    if !config.keepalive.is_zero() {
        setsockopt(stream, sockopt::KeepAlive, &true)?;
        setsockopt(stream, sockopt::TcpKeepIdle, &seconds(config.keepalive))?;
        setsockopt(stream, sockopt::TcpKeepInterval, &seconds(config.keepalive / 4))?;
        setsockopt(stream, sockopt::TcpKeepCount, &3)?;
    }
    if !config.user_timeout.is_zero() {
        let milliseconds = u32::try_from(config.user_timeout.as_millis()).unwrap_or(u32::MAX);
        setsockopt(stream, sockopt::TcpUserTimeout, &milliseconds)?;
    }
    Ok(())
}
