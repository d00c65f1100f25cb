//! What a program has started, and what those have started: on Linux it can all be found and ended.
//!
//! A process that loses its parent is given to another one. This one asks to be that, so whatever its
//! descendants leave behind becomes a child of it (prctl(2), `PR_SET_CHILD_SUBREAPER`).

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How often it is looked whether they have ended.
const TICK: Duration = Duration::from_millis(5);

/// From now on this process is given what its descendants leave behind. Elsewhere than on Linux it is not.
pub fn adopt() {
    #[cfg(target_os = "linux")]
    // It fails on no kernel since 3.4, and then what is left behind is left alone.
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// Ends every descendant but this child, which somebody else waits for. Gives up after so long.
pub fn end_all_but(child: Pid, patience: Duration) {
    let deadline = Instant::now() + patience;
    loop {
        let others: Vec<_> = children().into_iter().filter(|&other| other != child).collect();
        if others.is_empty() || Instant::now() >= deadline {
            return;
        }
        for other in others {
            // Both fail when it has ended already.
            let _ = kill(other, Signal::SIGKILL);
            let _ = waitpid(other, Some(WaitPidFlag::WNOHANG));
        }
        sleep(TICK);
    }
}

/// The children of all threads of this process (proc(5)).
fn children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids = lists.flat_map(|list| {
        let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
        pids.map(Pid::from_raw).collect::<Vec<_>>()
    });
    pids.collect()
}
