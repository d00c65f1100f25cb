//! Which names belong to somebody, and what is asked of who wants another one.
//!
//! It knows no user and no connection. What is asked does not change while the server runs.

use std::io;

use argon2::password_hash::phc::PasswordHash;
use protocol::UserName;

use super::secrets::{NOTHING, Secrets, digest, read_one};
use crate::config::Config;

/// Who comes in, and under which name.
#[derive(Debug, Default)]
pub struct Door {
    /// Their names are their own too, with the password that makes them operators.
    operators: Secrets,
    users: Secrets,
    /// What everybody else has to know. `None` asks nothing of them.
    password: Option<PasswordHash>,
    members_only: bool,
}

/// What is asked of who wants a name.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// Nothing: the name is free for whoever comes first.
    Nothing,
    /// The secret of the name. Who has it is the owner.
    Own(&'a PasswordHash),
    /// The secret of all who come in.
    Common(&'a PasswordHash),
    /// A secret that nobody has. That there is none is not said: it would tell who has one.
    Impossible,
}

/// What who wants a name has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimant {
    /// Nothing that would make the name its own.
    Anybody,
    /// The secret of the name.
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

    /// What is asked of who comes in under this name.
    #[must_use]
    pub fn asked_at_login(&self, name: &UserName) -> Asked<'_> {
        match (self.asked_for_name(name), &self.password) {
            (Asked::Nothing, Some(password)) => Asked::Common(password),
            (asked, _) => asked,
        }
    }

    /// What is asked of who is in and wants this name.
    #[must_use]
    pub fn asked_for_name(&self, name: &UserName) -> Asked<'_> {
        match self.operators.hash_of(name).or_else(|| self.users.hash_of(name)) {
            Some(hash) => Asked::Own(hash),
            None if self.members_only => Asked::Impossible,
            None => Asked::Nothing,
        }
    }
}
