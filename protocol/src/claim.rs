//! What a user wants to be called, and the secret that goes with it.

use crate::split;

/// What a user wants to be called, and why it may.
///
/// No name has a space. So where nothing is asked for a name, the whole argument is one that is not
/// valid: [`Claim::whole`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Everything that was given.
    whole: &'a str,
}

impl<'a> Claim<'a> {
    /// A claim as it stands in a request: `NAME`, or `NAME SECRET`.
    #[must_use]
    pub fn new(argument: &'a str) -> Self {
        Self { whole: argument }
    }

    /// Everything that was given. It may hold a secret.
    #[must_use]
    pub fn whole(&self) -> &'a str {
        self.whole
    }

    /// The name: what stands before the first space.
    #[must_use]
    pub fn name(&self) -> &'a str {
        split(self.whole).0
    }

    /// The secret that goes with it. `None` when none was given.
    #[must_use]
    pub fn secret(&self) -> Option<&'a str> {
        Some(split(self.whole).1).filter(|secret| !secret.is_empty())
    }
}
