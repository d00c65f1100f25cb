//! Positions: places in a log.
//!
//! A position counts from the room's beginning and never wraps.

use memchr::memchr_iter;

/// A place between two lines of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Bytes appended before it.
    pub byte: u64,
    /// Lines appended before it.
    pub line: u64,
}

impl Position {
    /// After everything that there will ever be.
    pub const MAX: Self = Self { byte: u64::MAX, line: u64::MAX };

    /// The position after `lines`, which are whole.
    #[must_use]
    pub fn after(self, lines: &[u8]) -> Self {
        Self {
            byte: self.byte + lines.len() as u64,
            line: self.line + memchr_iter(b'\n', lines).count() as u64,
        }
    }
}
