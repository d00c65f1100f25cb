//! A secret: what proves that a name is one's own. It is never on a command line, for every user of the
//! machine sees those, and it is never shown.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::exit::{Exit, Failure};

/// The variable that may hold a secret.
const VARIABLE: &str = "CHAT_PASSWORD";

/// Longer than any line that a server takes.
const SECRET_BYTES: u64 = 64 * 1024;

/// A secret, which is not empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What somebody has typed. `None` when that is nothing.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// For the server alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The first line of the file, or what the environment has.
    ///
    /// # Errors
    ///
    /// When there is a file and it cannot be read, or has no secret.
    pub fn given(file: Option<&Path>) -> Result<Option<Self>, Failure> {
        let Some(path) = file else {
            return Ok(env::var(VARIABLE).ok().and_then(|text| Self::new(&text)));
        };
        let mut line = String::new();
        let read = File::open(path)
            .and_then(|file| BufReader::new(file.take(SECRET_BYTES)).read_line(&mut line));
        let failed = |why: String| Failure::new(Exit::Local, why);
        read.map_err(|error| failed(format!("cannot read {}: {error}", path.display())))?;
        let empty = || failed(format!("{} has no password in its first line", path.display()));
        Self::new(&line).map(Some).ok_or_else(empty)
    }
}

/// Without the secret, so that no log shows it by mistake.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
