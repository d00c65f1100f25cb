//! How the program ends when there is no connection: the exit code, and the word for the cause.

use protocol::Reply;

use super::{ConnectError, is_of_this_machine};
use crate::exit::{Exit, Failure};
use crate::sanitize::Sanitized;

/// Of several failures the one that tells most decides how the program ends.
impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let (exit, cause) = match error.furthest() {
            ConnectError::Several(_) => (Exit::CannotConnect, "cannot-connect"),
            ConnectError::Address { .. } => (Exit::CannotConnect, "no-such-host"),
            ConnectError::Refused { error, .. } if is_of_this_machine(error) => {
                (Exit::Local, Exit::Local.word())
            }
            ConnectError::Refused { .. } => (Exit::CannotConnect, "cannot-connect"),
            ConnectError::Stranger => (Exit::CannotConnect, "no-chat-server"),
            ConnectError::Silent(_) => (Exit::CannotConnect, "no-answer"),
            ConnectError::Full => (Exit::CannotConnect, "server-full"),
            ConnectError::Banned(_) => (Exit::KeptOut, "banned"),
            ConnectError::Login(_) if error.is_ban() => (Exit::KeptOut, "banned"),
            ConnectError::Login(answer) if *answer == Reply::UserNameExist.to_string() => {
                (Exit::LoginRefused, "name-taken")
            }
            ConnectError::Login(answer) => match Reply::parse(answer) {
                Some(Reply::PasswordRequired) => (Exit::KeptOut, "password-required"),
                Some(Reply::PasswordWrong) => (Exit::KeptOut, "password-wrong"),
                Some(Reply::PasswordQueueFull) => (Exit::CannotConnect, "password-queue-full"),
                _ => (Exit::KeptOut, "name-not-allowed"),
            },
            ConnectError::WrongProtocol(_) => (Exit::CannotConnect, "wrong-protocol"),
            ConnectError::Untrusted(_) | ConnectError::NoKey => {
                (Exit::CannotConnect, "not-trusted")
            }
            ConnectError::NoTls => (Exit::CannotConnect, "no-tls"),
            ConnectError::Handshake(_) => (Exit::CannotConnect, "tls"),
            ConnectError::Room(_) => (Exit::Refused, "refused"),
            ConnectError::Lost(_) => (Exit::ConnectionLost, "connection-lost"),
        };
        // It may quote the server.
        Failure::new(exit, Sanitized::new(&error.to_string()).to_string()).because(cause)
    }
}
