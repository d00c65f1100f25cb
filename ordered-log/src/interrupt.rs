//! Wakes a thread that waits for a socket, or sleeps until it tries again.

use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// How one thread is told to stop, whatever it waits for. Once interrupted it stays so.
#[derive(Debug, Default)]
pub struct Interrupt {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    is_over: bool,
    /// Whether the next sleep is none.
    is_hurried: bool,
    /// The socket that the thread waits for. Kept when it is closed elsewhere, until the next one.
    socket: Option<TcpStream>,
}

impl Interrupt {
    /// The thread ends what it does: its socket is shut down, and its sleep is over.
    pub fn interrupt(&self) {
        let mut inner = self.inner.lock();
        inner.is_over = true;
        if let Some(socket) = inner.socket.take() {
            // It fails where the peer has closed the connection, and then there is nothing to wake.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }

    /// The thread tries at once what it would have tried after its sleep, or after the next one.
    pub fn hurry(&self) {
        self.inner.lock().is_hurried = true;
        self.changed.notify_all();
    }

    /// Whether it was interrupted.
    pub fn is_over(&self) -> bool {
        self.inner.lock().is_over
    }

    /// From now on the thread waits for this socket. `false` if it shall not, and stops.
    pub fn watch(&self, socket: TcpStream) -> bool {
        let mut inner = self.inner.lock();
        inner.socket = Some(socket);
        !inner.is_over
    }

    /// Sleeps, unless it is interrupted or in a hurry.
    pub fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut inner = self.inner.lock();
        while !inner.is_over
            && !std::mem::take(&mut inner.is_hurried)
            && !self.changed.wait_until(&mut inner, end).timed_out()
        {}
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Nobody waits for this.
    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_sleep_ends_by_a_hurry_before_it_or_in_it_and_by_the_end() {
        let interrupt = Interrupt::default();
        interrupt.hurry();
        interrupt.sleep(LONG);
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| interrupt.sleep(LONG));
            interrupt.hurry();
            sleeper.join().unwrap();
        });
        assert!(!interrupt.is_over());
        interrupt.interrupt();
        interrupt.sleep(LONG);
        interrupt.sleep(LONG);
        assert!(interrupt.is_over());
    }
}
