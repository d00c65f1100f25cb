//! Which names belong to somebody, and which secret is asked for a name.
//!
//! This module knows no user and no connection. What is asked does not change while the server runs.

use std::io;

use argon2::password_hash::phc::PasswordHash;
use protocol::UserName;

use super::secrets::{NOTHING, Secrets, digest, read_one};
use crate::config::Config;

/// The secrets of a server: those of names, and the one that all need to come in.
#[derive(Debug, Default)]
pub struct Door {
    /// The names of operators, each with the password that makes its owner an operator. It is the secret of
    /// the name too.
    operators: Secrets,
    /// The names of users, each with its secret.
    users: Secrets,
    /// The secret for all other names. `None` where they are free.
    password: Option<PasswordHash>,
    /// Whether nobody may have another name than these.
    members_only: bool,
}

/// The secret that is asked of a client that wants some name.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// None: whoever comes first may have the name.
    Nothing,
    /// The secret of the name, which shows that the client is its owner.
    Own(&'a PasswordHash),
    /// The secret that all need to come in.
    Common(&'a PasswordHash),
    /// A secret that nobody has: the name is not to be had. The client is asked all the same, since
    /// another reply would tell which names have a secret.
    Impossible,
}

/// What a client that wants a name has proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimant {
    /// Nothing.
    Anybody,
    /// That it has the secret of the name.
    Owner,
}

impl Door {
    /// The door of a server with this configuration.
    ///
    /// # Errors
    ///
    /// Says what is wrong with which file.
    pub fn read(config: &Config) -> io::Result<Self> {
        let read = |path: Option<_>, remedy| {
            path.map(|path| Secrets::read(path, remedy)).transpose().map(Option::unwrap_or_default)
        };
        let operators = read(
            config.operators.as_deref(),
            "`chat-server hash-password NAME` makes a line for it",
        )?;
        let users =
            read(config.users.as_deref(), "`chat-server make-users NAME` makes lines for it")?;
        if let Some(name) = users.names().find(|name| operators.hash_of(name).is_some()) {
            let text =
                format!("{name} is an operator and has a secret already; remove it from the users");
            return Err(io::Error::other(text));
        }
        let password = config.password.as_deref().map(read_one).transpose()?;
        Ok(Self { operators, users, password, members_only: config.members_only })
    }

    /// All of it as words `--OPTION=VALUE `. Of a file there is a digest of its hashes, which have a salt
    /// each: so two files are known to be different, and no secret can be tried.
    #[must_use]
    pub fn settings(&self) -> String {
        let Self { operators, users, password, members_only } = self;
        let (operators, users) = (operators.digest(), users.digest());
        let password =
            password.as_ref().map_or(NOTHING.to_owned(), |hash| digest(&hash.to_string()));
        format!(
            "--operators={operators} --users={users} --password={password} \
             --members-only={members_only} "
        )
    }

    /// Whether there are operators.
    #[must_use]
    pub fn has_operators(&self) -> bool {
        self.operators.names().next().is_some()
    }

    /// What an operator's password is compared with. `None` when there is no operator of this name.
    #[must_use]
    pub fn operator(&self, name: &UserName) -> Option<&PasswordHash> {
        self.operators.hash_of(name)
    }

    /// The secret that is asked of a client that logs in under this name.
    #[must_use]
    pub fn asked_at_login(&self, name: &UserName) -> Asked<'_> {
        match (self.asked_for_name(name), &self.password) {
            (Asked::Nothing, Some(password)) => Asked::Common(password),
            (asked, _) => asked,
        }
    }

    /// The secret that is asked of a user who wants to be renamed to this.
    #[must_use]
    pub fn asked_for_name(&self, name: &UserName) -> Asked<'_> {
        match self.operators.hash_of(name).or_else(|| self.users.hash_of(name)) {
            Some(hash) => Asked::Own(hash),
            None if self.members_only => Asked::Impossible,
            None => Asked::Nothing,
        }
    }
}
