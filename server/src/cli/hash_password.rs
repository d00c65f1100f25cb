//! `chat-server hash-password`: makes a line for the file of operators.

use std::io::{self, IsTerminal};

use anyhow::{Context, ensure};
use protocol::{Request, UserName};

/// Reads a password, without showing it on a terminal, and gives back `NAME:HASH`, or the hash
/// alone when there is no name.
pub fn make_line(name: Option<&UserName>) -> anyhow::Result<String> {
    let password = if io::stdin().is_terminal() { ask()? } else { read_line()? };
    let request = Request::Operator(&password);
    // Whatever else it means to the protocol could never be given to it.
    ensure!(
        Request::parse(&request.to_string()) == Ok(Some(request)),
        "`op` cannot send this password: it must not be empty, begin or end with a space, \
         or have control characters"
    );
    let hash = chat_server::secrets::hash(&password).context("cannot hash the password")?;
    Ok(name.map_or(hash.clone(), |name| format!("{name}:{hash}")))
}

fn ask() -> anyhow::Result<String> {
    let password = rpassword::prompt_password("Password: ").context("cannot ask")?;
    let again = rpassword::prompt_password("Once more: ").context("cannot ask")?;
    ensure!(password == again, "the two are not the same; try again");
    Ok(password)
}

fn read_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("cannot read the password from stdin")?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
