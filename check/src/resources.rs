//! What the processes of a group use, where the system tells: on Linux.

use std::collections::HashMap;
use std::fs;

/// Whether the system tells anything.
#[must_use]
pub fn are_known() -> bool {
    cfg!(target_os = "linux")
}

/// How many threads of a group's processes run or wait for a processor now. `None` when the group
/// is empty. Unlike the time that they got, it does not depend on what else the machine does.
#[must_use]
pub fn runnable(group: u32) -> Option<u64> {
    sum(group, |process| {
        let threads = fs::read_dir(format!("/proc/{}/task", process.id)).ok()?;
        let is_running = |stat: &String| {
            // The state follows the name, as in proc_pid_stat(5).
            stat.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('R'))
        };
        let stats =
            threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("stat")).ok());
        Some(stats.filter(is_running).count() as u64)
    })
}

/// Bytes of memory that the processes of a group have in use. `None` when there are none.
#[must_use]
pub fn memory(group: u32) -> Option<u64> {
    sum(group, |process| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    })
}

/// How long each thread of a group's processes, and of this one, has waited for a processor since it
/// began: nanoseconds by the thread's id. Nothing where the system does not tell.
/// (`/proc/PID/schedstat`, proc(5) and the kernel's scheduler/sched-stats)
#[must_use]
pub fn waited(group: Option<u32>) -> HashMap<u32, u64> {
    let group = group.and_then(processes).into_iter().flatten().map(|process| process.id);
    let threads = group.chain([std::process::id().to_string()]).filter_map(|process| {
        // A process may end while it is read; the others still count.
        fs::read_dir(format!("/proc/{process}/task")).ok()
    });
    let waited_of = |thread: fs::DirEntry| {
        let id = thread.file_name().into_string().ok()?.parse().ok()?;
        let times = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        Some((id, times.split_whitespace().nth(1)?.parse().ok()?))
    };
    threads.flatten().filter_map(|thread| waited_of(thread.ok()?)).collect()
}

struct Process {
    id: String,
    /// What follows the name in `/proc/ID/stat`: fields 3 and up.
    fields: Vec<String>,
}

impl Process {
    fn read(id: String) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The second field is a name in parentheses, in which anything may stand.
        let fields = stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect();
        Some(Self { id, fields })
    }

    /// A field by its number in proc_pid_stat(5), 3 or more.
    fn field(&self, number: usize) -> Option<u64> {
        self.fields.get(number - 3)?.parse().ok()
    }
}

fn sum(group: u32, of: impl Fn(&Process) -> Option<u64>) -> Option<u64> {
    // A process may end while it is read; the others still count.
    processes(group)?.filter_map(|process| of(&process)).reduce(|a, b| a + b)
}

fn processes(group: u32) -> Option<impl Iterator<Item = Process>> {
    let ids = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
    });
    // Field 5 is the process group.
    let is_of_the_group = move |process: &Process| process.field(5) == Some(u64::from(group));
    Some(ids.filter_map(Process::read).filter(is_of_the_group))
}
