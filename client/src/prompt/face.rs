//! What stands between a user and the chat, whatever kind of terminal it is.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crate::args::secret::Secret;
use crate::discovery::{self, Nearby, Neighbours};
use crate::exit::Failure;
use crate::model::entry::Entry;
use crate::model::names::Names;
use crate::model::vocabulary::Vocabulary;
use crate::net::{Attempted, PATIENCE, Servers, attempt};
use crate::prompt::login_dialog::DialogUser;
use crate::sanitize::Sanitized;
use crate::sys::thread;
use crate::view::display_queue::DisplayQueue;
use crate::view::render::Style;

/// A wait that takes so long is explained.
const LONG: Duration = Duration::from_secs(1);

/// What came from the keys.
#[derive(Debug)]
pub enum Read {
    /// A line, or several when they were pasted.
    Line(String),
    /// Ctrl-C, which threw something away.
    Cleared,
    /// Ctrl-C on an empty line.
    Interrupt,
    /// Ctrl-D, a closed window, or the program is to end.
    End,
}

/// Reads what is typed and shows what is said.
pub trait Face {
    /// The lines that it shows.
    fn queue(&self) -> &Arc<DisplayQueue>;

    /// How they look.
    fn style(&self) -> Style;

    /// Reads a line for the chat. The prompt says where the user is.
    fn read_chat(&mut self) -> Read;

    /// Asks a question of this program's own. `None` when it is not answered.
    fn ask(&mut self, question: &str) -> Option<String>;

    /// The same for an answer that nobody is to read on the screen.
    fn ask_secret(&mut self, question: &str) -> Option<String>;

    /// Shows what waits, between two lines.
    fn show_waiting(&self);

    /// Clears the screen.
    fn clear(&self);

    /// From here on the lines are for the chat, and these names and commands are completed.
    fn chat(&mut self, _names: Names, _vocabulary: Vocabulary) {}

    /// Brings back the lines typed in earlier runs.
    ///
    /// # Errors
    ///
    /// Says why they cannot be read.
    fn load_history(&mut self, _path: &Path) -> Result<(), String> {
        Ok(())
    }

    /// Adds to the lines that the arrow up brings back, now and in later runs.
    ///
    /// # Errors
    ///
    /// Says why it cannot be written.
    fn remember(&mut self, _text: &str, _path: Option<&Path>) -> Result<(), String> {
        Ok(())
    }

    /// Waits for something, with a Ctrl-C that ends the program.
    fn interruptible<T>(&self, wait: impl FnOnce() -> T) -> T {
        wait()
    }

    /// Waits until `look` finds something, and tells the user what for when it takes long. `None` when Ctrl-C
    /// or a signal ends the wait. The thread that makes it findable calls [`DisplayQueue::wake`] after that.
    fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        self.interruptible(|| {
            let soon = Instant::now() + LONG;
            self.queue().wait_for(&mut look, Some(soon)).or_else(|| {
                self.notice(&format!("{what}; Ctrl-C leaves"));
                self.show_waiting();
                self.queue().wait_for(&mut look, None)
            })
        })
    }

    /// Says something in this program's own name.
    fn notice(&self, text: &str) {
        let text = Sanitized::new(text);
        self.queue().show([Entry::Notice(&text).styled("", "", self.style())]);
    }
}

impl<F: Face> DialogUser for F {
    fn ask(&mut self, question: &str) -> Option<String> {
        Face::ask(self, question)
    }

    fn ask_secret(&mut self, question: &str) -> Option<String> {
        Face::ask_secret(self, question)
    }

    fn tell(&mut self, text: &str) {
        self.notice(text);
    }

    fn find(&mut self) -> Result<Option<Vec<Nearby>>, Failure> {
        let (report, reported) = sync_channel(1);
        let queue = Arc::clone(self.queue());
        let thread = thread::spawn("find", move || {
            // It fails when the user did not wait.
            let _ = report.send(discovery::find(discovery::PATIENCE));
            queue.wake();
        })?;
        let Some(found) = self.wait_for("looking for servers", || reported.try_recv().ok()) else {
            return Ok(None);
        };
        thread::join(thread);
        Ok(Some(match found {
            Ok(Neighbours { servers, .. }) => servers,
            Err(failure) => {
                self.notice(&failure.reason);
                Vec::new()
            }
        }))
    }

    fn attempt(
        &mut self,
        servers: &Servers,
        name: &str,
        secret: Option<&Secret>,
    ) -> Result<Option<Attempted>, Failure> {
        let (report, reported) = sync_channel(1);
        let queue = Arc::clone(self.queue());
        let thread = attempt::start(servers, name, secret, PATIENCE, move |attempted| {
            // It fails when the user did not wait.
            let _ = report.send(attempted);
            queue.wake();
        })?;
        let attempted =
            self.wait_for(&format!("connecting to {servers}"), || reported.try_recv().ok());
        if attempted.is_some() {
            thread::join(thread);
        }
        Ok(attempted)
    }
}
