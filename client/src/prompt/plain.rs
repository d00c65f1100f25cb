//! The mode for terminals that cannot move their cursor, and for those who have a screen read out: whole
//! lines in both directions, and no escape sequence.
//!
//! The terminal itself echoes and edits what is typed. A thread writes the lines of the chat when they
//! come; questions and the prompt are lines as well, so nobody else writes. The prompt comes again when it
//! says something else, and after an empty line.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use crate::exit::Failure;
use crate::prompt::face::{Face, Read};
use crate::sys::poll::{self, Interest};
use crate::sys::stdout::{print, unbuffered};
use crate::sys::thread;
use crate::view::display_queue::DisplayQueue;
use crate::view::render::Style;

/// Bytes that are read at a time. A terminal gives a line, which has fewer.
const CHUNK_BYTES: usize = 4096;

/// Lines from standard input, lines to standard output.
pub struct Plain {
    queue: Arc<DisplayQueue>,
    style: Style,
    stdin: File,
    /// Ends when the program is to end.
    woken: UnixStream,
    /// What was read and is not a whole line yet, or not asked for.
    typed: Vec<u8>,
    /// The prompt that was shown last.
    prompt: String,
}

impl Plain {
    /// Starts the thread that writes what waits in `queue`, until that is closed. The caller joins it
    /// after that.
    ///
    /// # Errors
    ///
    /// When this machine lacks a thread or a file descriptor.
    pub fn start(
        queue: Arc<DisplayQueue>,
        style: Style,
    ) -> Result<(Self, JoinHandle<()>), Failure> {
        let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(Failure::local)?;
        let (wake, woken) = UnixStream::pair().map_err(Failure::local)?;
        queue.lines_alone();
        let (written, stdout) = (Arc::clone(&queue), unbuffered()?);
        let printer = thread::spawn("printer", move || write_lines(&written, stdout, wake))?;
        let (stdin, typed) = (File::from(stdin), Vec::new());
        Ok((Self { queue, style, stdin, woken, typed, prompt: String::new() }, printer))
    }

    fn line(&mut self) -> Read {
        let mut chunk = [0; CHUNK_BYTES];
        loop {
            if let Some(end) = self.typed.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.typed.drain(..=end).collect();
                let Ok(line) = String::from_utf8(line) else {
                    self.notice("what was typed is not UTF-8");
                    return Read::Cleared;
                };
                return Read::Line(line.trim_end_matches(['\n', '\r']).to_owned());
            }
            if !poll::wait_unless(&self.stdin, Interest::Read, &self.woken).unwrap_or(false) {
                return Read::End;
            }
            match self.stdin.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return Read::End,
                Ok(length) => self.typed.extend_from_slice(&chunk[..length]),
            }
        }
    }
}

impl Face for Plain {
    fn queue(&self) -> &Arc<DisplayQueue> {
        &self.queue
    }

    fn style(&self) -> Style {
        self.style
    }

    fn read_chat(&mut self) -> Read {
        let status = self.queue.status();
        let prompt = format!("{}@{}>", status.name, status.room);
        if self.prompt != prompt {
            self.queue.show([prompt.clone()]);
            self.prompt = prompt;
        }
        let read = self.line();
        if matches!(&read, Read::Line(text) if text.trim().is_empty()) {
            self.prompt.clear();
        }
        read
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        self.queue.show([question.trim_end().to_owned()]);
        match self.line() {
            Read::Line(answer) => Some(answer),
            Read::Cleared | Read::Interrupt | Read::End => None,
        }
    }

    fn ask_secret(&mut self, question: &str) -> Option<String> {
        let shown = tcgetattr(io::stdin()).ok();
        if let Some(shown) = &shown {
            let mut hidden = shown.clone();
            hidden.local_flags.remove(LocalFlags::ECHO);
            // What is no terminal shows nothing either.
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &hidden);
        }
        let answer = self.ask(question);
        if let Some(shown) = &shown {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, shown);
        }
        answer
    }

    fn show_waiting(&self) {
        self.queue.wait_taken();
    }

    fn clear(&self) {
        self.notice("a terminal in line mode is not cleared");
    }
}

/// The body of the thread that writes. It lets go of `wake` when the program is to end, and goes on writing.
fn write_lines(queue: &DisplayQueue, mut stdout: File, wake: UnixStream) {
    let mut wake = Some(wake);
    while queue.wait_lines(wake.is_some()) {
        // Nothing can be done for an output that is gone: the keys still end the program.
        let _ = print(&mut stdout, queue.take().as_bytes());
        if queue.leaving().is_some() {
            wake = None;
        }
    }
}
