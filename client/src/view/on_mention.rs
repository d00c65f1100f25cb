//! `--on-mention`: a command that is run when the user is named or written to alone.
//!
//! What was said reaches it in the environment and never in the command itself, so nobody in the chat can
//! have anything run. It has no part of the terminal.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// The variable with the line.
const LINE: &str = "CHAT_LINE";

/// The command, and the run of it that may not have ended. There is one at a time: what comes meanwhile
/// starts none.
#[derive(Debug)]
pub struct OnMention {
    command: String,
    running: Option<Child>,
}

impl OnMention {
    /// For a command of the shell.
    #[must_use]
    pub fn new(command: String) -> Self {
        Self { command, running: None }
    }

    /// Runs it for this line, and does not wait for its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or has failed the last time.
    pub fn run(&mut self, line: &str) -> io::Result<()> {
        if let Some(child) = &mut self.running {
            match child.try_wait()? {
                None => return Ok(()),
                Some(status) if status.success() => {}
                Some(status) => return Err(io::Error::other(status.to_string())),
            }
        }
        let child = Command::new("sh")
            .args(["-c", &self.command])
            .env(LINE, line)
            // Not of this job: Ctrl-Z suspends the chat alone.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.running = Some(child);
        Ok(())
    }
}
