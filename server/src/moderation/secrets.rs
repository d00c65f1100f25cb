//! Names and their secrets: the file that has them, how a secret is compared, and how one is made.
//!
//! A file has a line `NAME:HASH` for each name, the hash in the PHC string format. There are two kinds:
//!
//! | kind | for | what a comparison takes |
//! |---|---|---|
//! | Argon2 | passwords that people choose | the memory and the time that the hash asks for |
//! | BLAKE2b | secrets of 80 random bits that [`make`] made | next to nothing |
//!
//! Nobody guesses 80 random bits, so a fast hash is enough for them. A secret is only ever compared;
//! nothing in here keeps or logs one. The module `moderation` says when and where Argon2 is done.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::LazyLock;

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use blake2::{Blake2b256, Digest};
use data_encoding::{Encoding, Specification};
use protocol::UserName;
use protocol::name::composed;

use crate::files;

/// Memory that one hash may ask for, in KiB. What `hash-password` makes asks for 19 MiB.
const HASH_KIBIBYTES: u32 = 256 * 1024;

/// What a hash of a made secret is called in the PHC string format.
const BLAKE2: Ident = Ident::new_unwrap("blake2b");

/// Random bytes of a made secret: 80 bits, which are 16 letters and digits of 5 bits.
const SECRET_BYTES: usize = 10;

/// Letters and digits that stand together in a made secret.
const GROUP: usize = 4;

/// Letters and digits that nobody takes for one another on paper: those of Crockford's base 32.
static LETTERS: LazyLock<Encoding> = LazyLock::new(|| {
    let mut letters = Specification::new();
    letters.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    letters.encoding().expect("32 symbols that differ are an encoding")
});

/// The secrets of names.
#[derive(Debug, Default)]
pub struct Secrets(HashMap<UserName, PasswordHash>);

impl Secrets {
    /// The names in a file, and the hashes of their secrets. `remedy` says how to make a line.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a line of it is not of the form, or there is none.
    pub fn read(path: &Path, remedy: &str) -> io::Result<Self> {
        let mut secrets = HashMap::new();
        let text = files::read_long_text(path)?;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
            let (name, hash) = parse(line).map_err(|why| files::bad_line(path, number, &why))?;
            if secrets.insert(name, hash).is_some() {
                return Err(files::bad_line(path, number, "has a name for the second time"));
            }
        }
        if secrets.is_empty() {
            return Err(io::Error::other(format!("{} names nobody; {remedy}", path.display())));
        }
        Ok(Self(secrets))
    }

    /// What the user's secret is compared with. `None` when the name has none.
    #[must_use]
    pub fn hash_of(&self, name: &UserName) -> Option<&PasswordHash> {
        self.0.get(name)
    }

    /// What hardly any other names and hashes have.
    #[must_use]
    pub fn digest(&self) -> String {
        if self.0.is_empty() {
            return NOTHING.to_owned();
        }
        let mut lines: Vec<_> =
            self.0.iter().map(|(name, hash)| format!("{name}:{hash}\n")).collect();
        lines.sort_unstable();
        digest(&lines.concat())
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &UserName> {
        self.0.keys()
    }
}

/// In place of a digest, where there is nothing.
pub const NOTHING: &str = "-";

/// What hardly any other text has, in eight characters.
#[must_use]
pub fn digest(text: &str) -> String {
    let digest = Blake2b256::new().chain_update(text).finalize();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of the one secret in a file, which is its only line.
///
/// # Errors
///
/// When the file cannot be read, or is something else.
pub fn read_one(path: &Path) -> io::Result<PasswordHash> {
    let text = files::read_text(path)?;
    let wrong = |why: &str| files::bad_line(path, 1, why);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(wrong("has to be the only one, as `chat-server hash-password` makes it"));
    };
    parse_hash(line).map_err(|why| wrong(&why))
}

/// Reads `NAME:HASH`. An error says what is wrong with the line.
fn parse(line: &str) -> Result<(UserName, PasswordHash), String> {
    let (name, hash) = line.split_once(':').ok_or("is not NAME:HASH")?;
    let name = UserName::parse(name).map_err(|error| format!("names no user: {error}"))?;
    Ok((name, parse_hash(hash)?))
}

fn parse_hash(text: &str) -> Result<PasswordHash, String> {
    let no_hash = "has no hash as `chat-server hash-password` or `make-users` makes it";
    let hash = PasswordHash::new(text.trim_end()).map_err(|_| no_hash)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(no_hash.to_owned());
    }
    if is_fast(&hash) {
        return Ok(hash);
    }
    let is_argon2 = Algorithm::try_from(hash.algorithm.as_str()).is_ok();
    let params = Params::try_from(&hash).map_err(|_| no_hash)?;
    if !is_argon2 {
        return Err(no_hash.to_owned());
    }
    if params.m_cost() > HASH_KIBIBYTES {
        return Err("has a hash that asks for too much memory".to_owned());
    }
    Ok(hash)
}

/// Whether a comparison takes neither memory nor time.
#[must_use]
pub fn is_fast(hash: &PasswordHash) -> bool {
    hash.algorithm == BLAKE2
}

/// The memory in which passwords are hashed, some megabytes. It is kept for the next one: given back each
/// time by another thread, it would stay with the allocator once for each arena.
#[derive(Debug, Default)]
pub struct Memory(Vec<Block>);

/// Whether the hash is one of this secret. Letters that come in parts are put together: what is typed
/// as `ä` is one character on some systems and two on others.
#[must_use]
pub fn is_secret(secret: &str, hash: &PasswordHash, memory: &mut Memory) -> bool {
    if !is_fast(hash) {
        return slow_hash(&composed(secret), hash, memory)
            .is_some_and(|made| hash.hash == Some(made));
    }
    // The time of this comparison helps nobody: the salt is not known, so nobody can choose what his
    // guess becomes.
    hash.salt.is_some_and(|salt| hash.hash == fast_hash(secret, salt).hash)
}

/// The hash that a password makes as `like` was made. `None` when `like` is none of Argon2.
fn slow_hash(password: &str, like: &PasswordHash, memory: &mut Memory) -> Option<Output> {
    let algorithm = Algorithm::try_from(like.algorithm.as_str()).ok()?;
    let version = like.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(like).ok()?);
    memory.0.resize(argon2.params().block_count(), Block::default());
    let mut output = vec![0; like.hash.as_ref()?.len()];
    let salt = like.salt?;
    let made = argon2.hash_password_into_with_memory(
        password.as_bytes(),
        &salt,
        &mut output,
        &mut memory.0[..],
    );
    made.ok().and_then(|()| Output::new(&output).ok())
}

/// A new hash of a password that somebody has chosen. It is one of the same password in parts, too.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn hash(password: &str) -> io::Result<String> {
    let hash = Argon2::default().hash_password(composed(password).as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| io::Error::other(error.to_string()))
}

/// A new secret, and a hash of it for a file.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn make() -> io::Result<(String, String)> {
    let mut random = [0; SECRET_BYTES + Salt::RECOMMENDED_LENGTH];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let (secret, salt) = random.split_at(SECRET_BYTES);
    let letters = LETTERS.encode(secret);
    // They are ASCII, so each byte is one of them.
    let groups: Vec<_> = letters.as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect();
    let secret = groups.join("-");
    let salt = Salt::new(salt).map_err(|error| io::Error::other(error.to_string()))?;
    let hash = fast_hash(&secret, salt).to_string();
    Ok((secret, hash))
}

fn fast_hash(secret: &str, salt: Salt) -> PasswordHash {
    let digest = Blake2b256::new().chain_update(&*salt).chain_update(as_made(secret)).finalize();
    PasswordHash {
        algorithm: BLAKE2,
        version: None,
        params: ParamsString::new(),
        salt: Some(salt),
        hash: Output::new(&digest).ok(),
    }
}

/// A made secret as it was before somebody typed it: in capitals, with other spaces, or with letters
/// that stand for a digit they look like.
fn as_made(typed: &str) -> String {
    let letters = typed.chars().filter(|letter| !matches!(letter, '-' | ' '));
    letters
        .map(|letter| match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_secret_is_known_again_however_it_is_typed() {
        let (secret, line) = make().unwrap();
        let hash = parse_hash(&line).unwrap();
        assert_eq!(hash.to_string(), line);
        assert!(is_fast(&hash));
        assert_eq!(secret.len(), 19, "{secret}");
        let sloppy = secret.to_uppercase().replace('-', " ").replace('0', "O").replace('1', "l");
        for typed in [secret.clone(), sloppy, secret.replace('-', "")] {
            assert!(is_secret(&typed, &hash, &mut Memory::default()), "{typed} for {secret}");
        }
        let (other, _) = make().unwrap();
        for wrong in ["", &secret[1..], &other] {
            assert!(!is_secret(wrong, &hash, &mut Memory::default()), "{wrong} for {secret}");
        }
    }

    #[test]
    fn a_password_fits_in_whatever_parts_its_letters_come() {
        let forms = ["p\u{e4}ss", "pa\u{308}ss"];
        let hash = hash(forms[1]).unwrap();
        let hash = PasswordHash::new(&hash).unwrap();
        let mut memory = Memory::default();
        assert!(forms.iter().all(|form| is_secret(form, &hash, &mut memory)));
        assert!(!is_secret("pass", &hash, &mut memory));
    }

    #[test]
    fn a_hash_is_of_a_kind_that_is_known() {
        assert!(parse(&format!("al:{}", make().unwrap().1)).is_ok());
        for line in [
            "al",
            "al:",
            "al:open",
            "al:$blake2b$c2FsdA",
            "al:$blake2s$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
            "a b:$blake2b$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
