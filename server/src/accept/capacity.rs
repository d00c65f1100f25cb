//! For how many clients the machine has what they need, as of the start.
//!
//! Without descriptors or threads a newcomer can be refused when it is there; but some must be left for
//! other work. Without memory maps or address space that is too late: a thread that has begun cannot get
//! its signal stack, and the language ends the whole process. So clients are counted against all of them
//! before.
//!
//! Where the system does not say what it has (other systems than Linux), it is taken to be enough.

use std::fmt;
use std::fs;
use std::thread;

use nix::sys::resource::{Resource, getrlimit};

use crate::accept::cgroup;

/// Memory maps of a process by default: see the documentation of Linux, `sysctl/vm.rst`.
const USUAL_MAPS: u64 = 65_530;

/// Memory maps of a thread: its stack, its signal stack, and a guard page for each. See `proc(5)`,
/// `/proc/PID/maps`.
const MAPS_A_CLIENT: u64 = 4;

/// One in so many maps is left to the heap, which takes and gives back maps of its own.
const MAPS_SHARE_LEFT: u64 = 16;

/// Threads that are left to other work than clients': couriers, the check of a password, and what else
/// shares the control group.
const OTHER_THREADS: u64 = 80;

/// Address space of a client: the stacks, and the 256 KiB of `docs/operating.md`.
const BYTES_A_CLIENT: u64 = (160 + 256) * 1024;

/// Address space that the GNU C library takes for a heap of a thread, and how many of those a
/// processor: see mallopt(3), `M_ARENA_MAX`.
const ARENA_BYTES: u64 = 64 * 1024 * 1024;
const ARENAS_A_CORE: u64 = 8;

/// Connections at most that wait for their peers to close, and their share of the descriptors.
const CLOSING: u64 = 256;
const CLOSING_SHARE: u64 = 16;

/// Descriptors that are taken for a moment: the next connection, and a new pipe for the interrupt.
const MOMENTARY: u64 = 3;

/// What a server can take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// Clients at once.
    pub clients: usize,
    /// From this descriptor on they are left to others than clients.
    pub reserved_from: u64,
    /// What is least, and what to do about that. `None` when the wish is.
    limit: Option<Limit>,
}

/// What the machine has, and what is used of it already. `None` is enough.
#[derive(Debug, Clone, Copy)]
struct Machine {
    descriptors: Option<(u64, u64)>,
    maps: Option<(u64, u64)>,
    threads: Option<(u64, u64)>,
    address_space: Option<(u64, u64)>,
    arenas: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Descriptors,
    Maps,
    Threads,
    AddressSpace,
}

/// The line for the log.
impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is room for {} clients", self.clients)?;
        f.write_str(match self.limit {
            None => ", as many as are allowed",
            Some(Limit::Descriptors) => {
                ", fewer than are allowed: raise the limit of open files, see `ulimit -Hn`"
            }
            Some(Limit::Maps) => {
                ", fewer than are allowed: raise the limit of memory maps, see `sysctl vm.max_map_count`"
            }
            Some(Limit::Threads) => {
                ", fewer than are allowed: raise the limit of threads, `TasksMax` or that of the container"
            }
            Some(Limit::AddressSpace) => {
                ", fewer than are allowed: raise the limit of address space, see `ulimit -v`, or start \
                 with MALLOC_ARENA_MAX=2"
            }
        })
    }
}

impl Capacity {
    /// What there is for a server that wants `wish` clients, leaves `kept` descriptors to its files,
    /// and may owe its clients `owed` bytes. To be asked once its own descriptors are open.
    #[must_use]
    pub fn of_this_machine(wish: usize, kept: u64, owed: usize) -> Self {
        Self::of(Machine::now(), wish, kept, owed)
    }

    /// Whether the machine has less than was wished for.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.limit.is_some()
    }

    fn of(machine: Machine, wish: usize, kept: u64, owed: usize) -> Self {
        let (limit, open) = machine.descriptors.unwrap_or((u64::MAX, 0));
        let closing = closing_of(limit);
        let reserved_from = limit - (kept + MOMENTARY).min(limit / 4) - closing.min(limit / 4);
        let mut capacity = Self { clients: wish, reserved_from, limit: None };
        capacity.bound(reserved_from.saturating_sub(open), Limit::Descriptors);
        if let Some((limit, used)) = machine.maps {
            let left = limit.saturating_sub(used + limit / MAPS_SHARE_LEFT);
            capacity.bound(left / MAPS_A_CLIENT, Limit::Maps);
        }
        if let Some((limit, used)) = machine.threads {
            let left = limit.saturating_sub(used + OTHER_THREADS.min(limit / 4));
            capacity.bound(left, Limit::Threads);
        }
        if let Some((limit, used)) = machine.address_space {
            let others = used + machine.arenas * ARENA_BYTES + owed as u64;
            let left = limit.saturating_sub(others);
            capacity.bound(left / BYTES_A_CLIENT, Limit::AddressSpace);
        }
        capacity
    }

    /// There is enough of something for so many clients. One is always tried.
    fn bound(&mut self, clients: u64, limit: Limit) {
        let clients = usize::try_from(clients).unwrap_or(usize::MAX).max(1);
        if clients < self.clients {
            self.clients = clients;
            self.limit = Some(limit);
        }
    }
}

/// How many connections may wait at once for their peers to close.
#[must_use]
pub fn closing() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    usize::try_from(closing_of(limit)).unwrap_or(usize::MAX)
}

fn closing_of(limit: u64) -> u64 {
    (limit / CLOSING_SHARE).clamp(1, CLOSING)
}

impl Machine {
    fn now() -> Self {
        let limit = |resource| getrlimit(resource).ok().map(|(soft, _)| soft);
        let open = fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() as u64);
        let maps = fs::read_to_string("/proc/self/maps").map(|maps| maps.lines().count() as u64);
        // Where the system does not show it, as in the unit, it is what Linux has by itself.
        let most_maps = number("/proc/sys/vm/max_map_count").or(Some(USUAL_MAPS));
        // In pages, of 4 KiB at least.
        let size = number("/proc/self/statm").map(|pages| pages * 4096);
        let address_space = limit(Resource::RLIMIT_AS).filter(|limit| *limit < u64::MAX / 2);
        let cores = thread::available_parallelism().map_or(1, usize::from) as u64;
        let arenas = std::env::var("MALLOC_ARENA_MAX").ok().and_then(|most| most.parse().ok());
        Self {
            descriptors: limit(Resource::RLIMIT_NOFILE).map(|limit| (limit, open)),
            maps: most_maps.zip(maps.ok()),
            threads: cgroup::tasks(),
            address_space: address_space.zip(size),
            arenas: arenas.unwrap_or(ARENAS_A_CORE * cores),
        }
    }
}

/// The first number in a file of the system's.
fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: Machine =
        Machine { descriptors: None, maps: None, threads: None, address_space: None, arenas: 16 };

    #[test]
    fn what_is_least_counts() {
        let descriptors = |limit, open| Machine { descriptors: Some((limit, open)), ..ENOUGH };
        let maps = |limit, used| Machine { maps: Some((limit, used)), ..ENOUGH };
        let threads = |limit, used| Machine { threads: Some((limit, used)), ..ENOUGH };
        let space =
            |limit, arenas| Machine { address_space: Some((limit, 20_000_000)), arenas, ..ENOUGH };
        let gibibyte = 1 << 30;
        for (machine, wish, kept, expected) in [
            (ENOUGH, 10_000, 48, 10_000),
            (descriptors(20_000, 20), 10_000, 48, 10_000),
            (descriptors(1024, 20), 10_000, 0, 1024 - 64 - 3 - 20),
            (descriptors(1024, 20), 10_000, 48, 1024 - 64 - 51 - 20),
            (descriptors(16, 15), 10_000, 48, 1),
            (descriptors(4, 15), 10_000, 48, 1),
            (maps(65_530, 100), 10_000, 0, 10_000),
            (maps(65_530, 100), 20_000, 0, 15_333),
            (maps(65_530, 65_530), 20_000, 0, 1),
            (threads(12_000, 5), 10_000, 0, 10_000),
            (threads(512, 5), 10_000, 0, 512 - 5 - 80),
            (threads(40, 5), 10_000, 0, 25),
            (space(gibibyte, 16), 10_000, 0, 1),
            (space(gibibyte, 2), 10_000, 0, 1_528),
        ] {
            let capacity = Capacity::of(machine, wish, kept, 1 << 28);
            assert_eq!(capacity.clients, expected, "{machine:?}");
            assert_eq!(capacity.is_short(), expected < wish);
        }
    }

    #[test]
    fn a_shortage_is_explained() {
        let machine = Machine { descriptors: Some((1024, 20)), ..ENOUGH };
        let text = Capacity::of(machine, 10_000, 0, 0).to_string();
        assert!(
            text.starts_with("there is room for 937 clients, fewer than are allowed: "),
            "{text}"
        );
        let text = Capacity::of(machine, 10, 0, 0).to_string();
        assert_eq!(text, "there is room for 10 clients, as many as are allowed");
    }

    #[test]
    fn this_machine_has_something() {
        let machine = Machine::now();
        assert!(machine.descriptors.is_some());
        #[cfg(target_os = "linux")]
        assert!(machine.maps.is_some_and(|(limit, used)| used > 0 && limit > 0));
    }
}
