//! The login dialog: asks for the server and the name until the server lets the user in.
//!
//! It says what the dialogs of the course's client say, with the reason. How to ask and to tell is
//! the caller's business.

use protocol::Reply;

use crate::connection::{ConnectError, Connection, PATIENCE};

/// A user who is in.
pub struct LoggedIn {
    /// The server that was named.
    pub server: String,
    /// The name that it took.
    pub name: String,
    /// The connection.
    pub connection: Connection,
}

/// Whoever answers the questions.
pub trait User {
    /// Asks. `None` when there is no answer.
    fn ask(&mut self, question: &str) -> Option<String>;

    /// Says what went wrong.
    fn tell(&mut self, text: &str);
}

/// Asks until it works. `None` when the user does not answer.
pub fn log_in(default_server: &str, user: &mut impl User) -> Option<LoggedIn> {
    let mut server = default_server.to_owned();
    loop {
        let answer = user.ask(&format!("server [{server}]: "))?;
        if !answer.trim().is_empty() {
            answer.trim().clone_into(&mut server);
        }
        let name = user.ask("user name: ")?.trim().to_owned();
        if name.is_empty() {
            user.tell("UserName Empty!");
            continue;
        }
        let opened = Connection::open(&server, PATIENCE).and_then(|mut connection| {
            connection.log_in(&name)?;
            Ok(connection)
        });
        match opened {
            Ok(connection) => return Some(LoggedIn { server, name, connection }),
            Err(error) => user.tell(&text_of(&error)),
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
