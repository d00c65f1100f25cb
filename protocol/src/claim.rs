//! Claims: the name that a user wants, and perhaps the secret that belongs to the name.

use crate::split;

/// The name that a user wants, and perhaps the secret that belongs to the name: `NAME`, or `NAME SECRET`.
///
/// No name has a space. So where no secret is asked for, `NAME SECRET` as a whole is a name that is not
/// valid: [`Claim::whole`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The whole argument.
    whole: &'a str,
}

impl<'a> Claim<'a> {
    /// The claim that an argument of `login` or `rename` makes.
    #[must_use]
    pub fn new(argument: &'a str) -> Self {
        Self { whole: argument }
    }

    /// The whole argument. It may hold a secret.
    #[must_use]
    pub fn whole(&self) -> &'a str {
        self.whole
    }

    /// The name: what stands before the first space.
    #[must_use]
    pub fn name(&self) -> &'a str {
        split(self.whole).0
    }

    /// The secret: what stands behind the first space. `None` when there is nothing.
    #[must_use]
    pub fn secret(&self) -> Option<&'a str> {
        Some(split(self.whole).1).filter(|secret| !secret.is_empty())
    }
}
