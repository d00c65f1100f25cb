//! Where there are no process groups, a process is ended alone.

use std::process::{Child, Command};

/// Stands for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(u32);

/// There is nothing to do.
pub fn own(_command: &mut Command) {}

impl Group {
    /// Stands for the group of a child.
    pub fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// The child is ended by who owns it.
    pub fn end(self) {}
}
