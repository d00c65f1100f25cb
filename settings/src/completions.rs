//! Completions for shells: a few lines that ask the program itself what a word may become.

use std::env;
use std::ffi::OsString;
use std::io;

use clap::Command;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

/// The lines for a shell. It asks the program of this name, by this variable.
///
/// # Errors
///
/// When the lines cannot be made.
pub fn registration(shell: Shell, program: &str, variable: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(completer) = Shells::builtins().completer(&shell.to_string()) {
        completer.write_registration(variable, program, program, program, &mut text)?;
    }
    Ok(text)
}

/// Answers a shell that asks `arguments` what a word may become on this command line. False when no shell
/// asks by this variable.
///
/// # Errors
///
/// When it asks in a way that nobody understands.
pub fn answer(
    command: impl Fn() -> Command,
    variable: &'static str,
    arguments: Vec<OsString>,
) -> io::Result<bool> {
    let directory = env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(variable)
        .try_complete(arguments, directory.as_deref())
        .map_err(|error| io::Error::other(error.to_string()))
}
