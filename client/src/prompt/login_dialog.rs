//! The login dialog: asks for the server and the name until the server lets the user in, and after a
//! refused name only for another one.
//!
//! It says what the dialogs of the course's client say, with the reason. How to ask and to tell is
//! the caller's business.

use protocol::Reply;

use crate::exit::Failure;
use crate::net::{Attempted, ConnectError, Connection, Target};

/// A user who is in.
pub struct LoggedIn {
    /// The server that was named.
    pub server: Target,
    /// The name that it took.
    pub name: String,
    /// The connection.
    pub connection: Connection,
}

/// The user, who answers the questions.
pub trait DialogUser {
    /// Asks. `None` when there is no answer.
    fn ask(&mut self, question: &str) -> Option<String>;

    /// Says what went wrong.
    fn tell(&mut self, text: &str);

    /// Waits for an attempt to get in. `None` when the user does not want to wait for it.
    ///
    /// # Errors
    ///
    /// When this machine lacks a thread.
    fn attempt(&mut self, server: &Target, name: &str) -> Result<Option<Attempted>, Failure>;
}

/// Asks until it works. `None` when the user does not answer, or not wait.
///
/// # Errors
///
/// When this machine lacks a thread.
pub fn log_in(target: &Target, user: &mut impl DialogUser) -> Result<Option<LoggedIn>, Failure> {
    let mut default = target.address.clone();
    loop {
        let Some(answer) = user.ask(&format!("server [{default}]: ")) else { return Ok(None) };
        let server = if answer.trim().is_empty() { &default } else { answer.trim() };
        let server = target.at(server);
        loop {
            let Some(name) = user.ask("user name: ") else { return Ok(None) };
            let name = name.trim().to_owned();
            if name.is_empty() {
                // The way back to the first question.
                user.tell("UserName Empty!");
                break;
            }
            match user.attempt(&server, &name)? {
                None => return Ok(None),
                Some(Ok(connection)) => return Ok(Some(LoggedIn { server, name, connection })),
                Some(Err(error)) => {
                    user.tell(&text_of(&error));
                    if !matches!(error, ConnectError::Login(_)) {
                        break;
                    }
                    // The server is there, so only the name was wrong.
                    server.address.clone_into(&mut default);
                }
            }
        }
    }
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
