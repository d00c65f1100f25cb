//! Who may become an operator, and by which password.
//!
//! The file of operators has a line `NAME:HASH` for each, the hash as Argon2 writes it in the PHC
//! string format. A password is only ever compared; nothing in here keeps or logs one. Comparing
//! takes the memory and the time that the hash asks for: [`crate::moderation`] says when and where.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier};
use protocol::UserName;
use protocol::name::composed;

use crate::files;

/// Memory that one hash may ask for, in KiB. What `hash-password` makes asks for 19 MiB.
const HASH_KIBIBYTES: u32 = 256 * 1024;

/// The operators of a server.
#[derive(Debug)]
pub struct Operators(HashMap<UserName, PasswordHash>);

impl Operators {
    /// The operators in a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a line of it says nothing of an operator.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut operators = HashMap::new();
        let text = files::read_text(path)?;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
            let (name, hash) = parse(line).map_err(|why| files::bad_line(path, number, &why))?;
            if operators.insert(name, hash).is_some() {
                return Err(files::bad_line(path, number, "has a name for the second time"));
            }
        }
        if operators.is_empty() {
            let text = format!(
                "{} names no operator; `chat-server hash-password NAME` makes a line for it",
                path.display()
            );
            return Err(io::Error::other(text));
        }
        Ok(Self(operators))
    }

    /// What the user's password is compared with. `None` when the user cannot be an operator.
    #[must_use]
    pub fn hash_of(&self, name: &UserName) -> Option<&PasswordHash> {
        self.0.get(name)
    }
}

/// Reads `NAME:HASH`. An error says what is wrong with the line.
fn parse(line: &str) -> Result<(UserName, PasswordHash), String> {
    let (name, hash) = line.split_once(':').ok_or("is not NAME:HASH")?;
    let name = UserName::parse(name).map_err(|error| format!("names no user: {error}"))?;
    let no_hash = "has no hash as `chat-server hash-password` makes it";
    let hash = PasswordHash::new(hash.trim_end()).map_err(|_| no_hash)?;
    let is_argon2 = Algorithm::try_from(hash.algorithm.as_str()).is_ok();
    let params = Params::try_from(&hash).map_err(|_| no_hash)?;
    if !is_argon2 || hash.salt.is_none() || hash.hash.is_none() {
        return Err(no_hash.to_owned());
    }
    if params.m_cost() > HASH_KIBIBYTES {
        return Err("has a hash that asks for too much memory".to_owned());
    }
    Ok((name, hash))
}

/// Whether the hash is one of this password. Letters that come in parts are put together: what is typed
/// as `ä` is one character on some systems and two on others.
#[must_use]
pub fn is_password(password: &str, hash: &PasswordHash) -> bool {
    Argon2::default().verify_password(composed(password).as_bytes(), hash).is_ok()
}

/// A new hash of a password, for the file of operators. It is one of the same password in parts, too.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn hash(password: &str) -> io::Result<String> {
    let hash = Argon2::default().hash_password(composed(password).as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_in_whatever_parts_its_letters_come() {
        let forms = ["p\u{e4}ss", "pa\u{308}ss"];
        let hash = hash(forms[1]).unwrap();
        let hash = PasswordHash::new(&hash).unwrap();
        assert!(forms.iter().all(|form| is_password(form, &hash)));
        assert!(!is_password("pass", &hash));
    }
}
