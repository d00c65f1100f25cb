//! How many threads the control group of this process may have, and how many it has: see cgroups(7).
//!
//! A container or a service manager sets such a limit (`TasksMax` of systemd). It holds for a group
//! and everything below it, so each group up to the root counts. Other systems have none.

use std::fs;
use std::path::{Path, PathBuf};

/// Threads of a group: the most, and those there are.
pub type Tasks = (u64, u64);

/// The group of this process, or one above it, which leaves least. `None` where nobody has set one.
#[must_use]
pub fn tasks() -> Option<Tasks> {
    tasks_of(&fs::read_to_string("/proc/self/cgroup").ok()?, Path::new("/sys/fs/cgroup"))
}

/// The same for a process whose membership is this text, of lines `NUMBER:CONTROLLERS:PATH`. Version 2
/// of the groups has one tree, and no controllers there; version 1 has a tree for `pids`.
fn tasks_of(membership: &str, mounted: &Path) -> Option<Tasks> {
    let groups = membership.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let tree = match (parts.next(), parts.next()) {
            (Some(""), Some(path)) => Some((mounted.to_owned(), path)),
            (Some("pids"), Some(path)) => Some((mounted.join("pids"), path)),
            _ => None,
        };
        tree.into_iter().flat_map(|(root, path)| up_to_root(&root, path))
    });
    groups.filter_map(|group| limit_of(&group)).min_by_key(|(most, now)| most.saturating_sub(*now))
}

/// The folder of a group, and those of all above it.
fn up_to_root(root: &Path, path: &str) -> Vec<PathBuf> {
    let group = root.join(path.trim_start_matches('/'));
    group.ancestors().take_while(|above| above.starts_with(root)).map(Path::to_owned).collect()
}

/// `None` where the group has no limit, as the topmost one.
fn limit_of(group: &Path) -> Option<Tasks> {
    let number = |file: &str| fs::read_to_string(group.join(file)).ok()?.trim().parse().ok();
    Some((number("pids.max")?, number("pids.current")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(root: &Path, path: &str, most: &str, now: &str) {
        let folder = root.join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("pids.max"), format!("{most}\n")).unwrap();
        fs::write(folder.join("pids.current"), format!("{now}\n")).unwrap();
    }

    #[test]
    fn the_group_that_leaves_least_counts() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        group(root, "system.slice", "1000", "900");
        group(root, "system.slice/chat.service", "500", "20");
        group(root, "user.slice", "max", "7");
        fs::create_dir(root.join("empty")).unwrap();
        let of = |membership| tasks_of(membership, root);
        assert_eq!(of("0::/system.slice/chat.service\n"), Some((1000, 900)));
        assert_eq!(of("0::/user.slice\n"), None);
        assert_eq!(of("0::/empty\n0::/gone\n"), None);
        assert_eq!(of("0::/../../etc\n"), None);
        assert_eq!(of("nonsense"), None);
    }

    #[test]
    fn version_1_has_a_tree_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "pids/docker/7", "100", "3");
        group(root.path(), "memory/docker/7", "1", "1");
        let membership = "9:name=systemd:/docker/7\n8:pids:/docker/7\n4:memory:/docker/7\n0::/\n";
        assert_eq!(tasks_of(membership, root.path()), Some((100, 3)));
    }
}
