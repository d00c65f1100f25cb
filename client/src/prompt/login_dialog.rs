//! The login dialog: asks for the server and the name until the server lets the user in, after a
//! refused name only for another one, and for a password where the name needs one.
//!
//! It says what the dialogs of the course's client say, with the reason. How to ask and to tell is
//! the caller's business.

use protocol::Reply;

use crate::args::secret::Secret;
use crate::args::server::DEFAULT_SERVER;
use crate::discovery::Nearby;
use crate::exit::Failure;
use crate::net::{Attempted, ConnectError, Connection, Servers};

/// A user who is in.
pub struct LoggedIn {
    /// The servers that were named.
    pub servers: Servers,
    /// The name that the server has accepted.
    pub name: String,
    /// The secret that goes with the name, where there is one.
    pub secret: Option<Secret>,
    /// The connection.
    pub connection: Connection,
}

/// The user, who answers the questions.
pub trait DialogUser {
    /// Asks. `None` when there is no answer.
    fn ask(&mut self, question: &str) -> Option<String>;

    /// Asks for what nobody is to read on the screen.
    fn ask_secret(&mut self, question: &str) -> Option<String>;

    /// Says what went wrong.
    fn tell(&mut self, text: &str);

    /// Looks for servers on the local network. `None` when the user does not want to wait for it.
    ///
    /// # Errors
    ///
    /// When this machine lacks a thread.
    fn find(&mut self) -> Result<Option<Vec<Nearby>>, Failure>;

    /// Waits for an attempt to get in. `None` when the user does not want to wait for it.
    ///
    /// # Errors
    ///
    /// When this machine lacks a thread.
    fn attempt(
        &mut self,
        servers: &Servers,
        name: &str,
        secret: Option<&Secret>,
    ) -> Result<Option<Attempted>, Failure>;
}

/// Asks until it works. `None` when the user does not answer, or not wait.
///
/// # Errors
///
/// When this machine lacks a thread.
pub fn log_in(
    servers: &Servers,
    known: Option<&Secret>,
    user: &mut impl DialogUser,
) -> Result<Option<LoggedIn>, Failure> {
    let mut default = servers.to_string();
    loop {
        let Some(answer) = user.ask(&format!("server [{default}]: ")) else { return Ok(None) };
        let servers = match answer.trim() {
            "" => servers.at(&default),
            named => servers.at(named),
        };
        loop {
            let Some(name) = user.ask("user name: ") else { return Ok(None) };
            let name = name.trim().to_owned();
            if name.is_empty() {
                // The way back to the first question.
                user.tell("UserName Empty!");
                break;
            }
            match log_in_as(&servers, &name, known, user)? {
                None => return Ok(None),
                Some(Ok(logged_in)) => return Ok(Some(logged_in)),
                Some(Err(error)) => {
                    user.tell(&text_of(&error));
                    if !matches!(error, ConnectError::Login(_)) {
                        let is_nobody = matches!(error, ConnectError::Refused { .. });
                        if is_nobody && servers.to_string() == DEFAULT_SERVER {
                            match look_around(servers.have_tls(), user)? {
                                None => return Ok(None),
                                Some(found) => default = found.unwrap_or(default),
                            }
                        }
                        break;
                    }
                    // The server is there, so only the name was wrong.
                    default = servers.to_string();
                }
            }
        }
    }
}

/// Offers to look for servers on the local network, for who has named none, and shows what was found.
/// Gives the first one that can be talked to in the same way. `None` when the user does not answer.
fn look_around(
    with_tls: bool,
    user: &mut impl DialogUser,
) -> Result<Option<Option<String>>, Failure> {
    let Some(answer) = user.ask("look for servers on this network? [y/N] ") else {
        return Ok(None);
    };
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(Some(None));
    }
    let Some(found) = user.find()? else { return Ok(None) };
    for Nearby { name, address, is_tls } in &found {
        user.tell(&format!("{name} is at {address}{}", if *is_tls { " with --tls" } else { "" }));
    }
    if found.is_empty() {
        user.tell("no server has answered");
    }
    let fits = found.iter().find(|nearby| nearby.is_tls == with_tls);
    Ok(Some(fits.map(|nearby| nearby.address.to_string())))
}

/// Logs in, and asks for the password of the name, where it needs one that is not known. An empty answer
/// gives the name up.
///
/// # Errors
///
/// When this machine lacks a thread.
pub fn log_in_as(
    servers: &Servers,
    name: &str,
    known: Option<&Secret>,
    user: &mut impl DialogUser,
) -> Result<Option<Result<LoggedIn, ConnectError>>, Failure> {
    match user.attempt(servers, name, known)? {
        Some(Err(refusal)) if refusal.wants_password() => {
            if known.is_some() {
                user.tell(&text_of(&refusal));
            }
            log_in_with_password(servers, name, refusal, user)
        }
        attempted => Ok(attempted.map(|it| logged_in(servers, name, known.cloned(), it))),
    }
}

/// The same for a name that was refused without its password: asks for it until it is right.
///
/// # Errors
///
/// When this machine lacks a thread.
pub fn log_in_with_password(
    servers: &Servers,
    name: &str,
    mut refusal: ConnectError,
    user: &mut impl DialogUser,
) -> Result<Option<Result<LoggedIn, ConnectError>>, Failure> {
    loop {
        let Some(answer) = user.ask_secret(&format!("password of {name}: ")) else {
            return Ok(None);
        };
        let Some(secret) = Secret::new(&answer) else { return Ok(Some(Err(refusal))) };
        match user.attempt(servers, name, Some(&secret))? {
            Some(Err(error)) if error.wants_password() => {
                user.tell(&text_of(&error));
                refusal = error;
            }
            attempted => return Ok(attempted.map(|it| logged_in(servers, name, Some(secret), it))),
        }
    }
}

fn logged_in(
    servers: &Servers,
    name: &str,
    secret: Option<Secret>,
    attempted: Attempted,
) -> Result<LoggedIn, ConnectError> {
    let (servers, name) = (servers.clone(), name.to_owned());
    attempted.map(|connection| LoggedIn { servers, name, secret, connection })
}

fn text_of(error: &ConnectError) -> String {
    let ConnectError::Login(answer) = error else {
        return format!("Connect Fail! {error}");
    };
    match Reply::parse(answer) {
        Some(Reply::UserNameEmpty) => "UserName Empty!".into(),
        Some(Reply::UserNameExist) => "UserName Exist! Somebody here has this name".into(),
        Some(Reply::UserNameInvalid(why)) => format!("UserName Invalid! {why}"),
        _ => format!("Login Fail! {answer}"),
    }
}
