//! What the processes of a group use, where the system tells: on Linux.

use std::fs;
use std::time::Duration;

/// Clock ticks a second in `/proc`, which Linux fixes for programs (proc(5), `USER_HZ`).
const TICKS_A_SECOND: u64 = 100;

/// Whether the system tells anything.
#[must_use]
pub fn are_known() -> bool {
    cfg!(target_os = "linux")
}

/// Processor time that the processes of a group have used. `None` when there are none.
#[must_use]
pub fn processor_time(group: u32) -> Option<Duration> {
    // utime and stime of proc_pid_stat(5).
    sum(group, |process| Some(process.field(14)? + process.field(15)?))
        .map(|ticks| Duration::from_millis(ticks * 1000 / TICKS_A_SECOND))
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
    let ids = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
    });
    // Field 5 is the process group.
    let of_the_group =
        ids.filter_map(Process::read).filter(|process| process.field(5) == Some(u64::from(group)));
    // A process may end while it is read; the others still count.
    of_the_group.filter_map(|process| of(&process)).reduce(|a, b| a + b)
}
