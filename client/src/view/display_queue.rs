//! The queue of lines that wait to be shown above the prompt. The threads of a session meet here.
//!
//! Only the thread that reads the keys writes to the terminal: above the prompt while it edits a
//! line, directly between two lines. So lines cannot overtake each other when Enter is pressed.
//! rustyline's own printer would let them: what it took just before Enter, it prints after what is
//! printed just after. So it only makes the editor redraw its prompt, on a thread of its own, because
//! it blocks during completion and search. The prompt then begins with the lines that wait ([`DisplayQueue::take`]).

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustyline::ExternalPrinter;

use crate::exit::Exit;
use crate::view::frame::Frame;
use crate::view::waiting::Waiting;

/// The least time from one batch to the next. Keys typed during a flood are answered in it.
const PACE: Duration = Duration::from_millis(5);

/// What makes the editor redraw. It moves nothing: up, and down again. What the printer is given must end
/// with a newline, or it adds one. In the topmost row it moves the prompt, which [`Frame`] takes back.
const REDRAW: &str = "\x1b[A\n";

/// What the prompt says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptStatus {
    /// The user's name.
    pub name: String,
    /// The room.
    pub room: String,
    /// Whether there is a connection.
    pub is_connected: bool,
}

/// The lines that wait to be shown, and all that the threads of a session wait for.
#[derive(Debug, Default)]
pub struct DisplayQueue {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Waiting,
    /// Counts the batches.
    batches: u64,
    is_editing: bool,
    is_closed: bool,
    leave: Option<Exit>,
    status: PromptStatus,
    frame: Frame,
    /// Whether the frame is to be drawn again.
    is_dirty: bool,
    /// Whether nothing can be pinned, so that it is shown as a line.
    has_lines_alone: bool,
    /// How many inputs of the user the session has dealt with, up to the last answer it awaits.
    settled: u64,
}

impl Inner {
    fn next_batch(&mut self) -> String {
        self.batches += 1;
        self.is_dirty = false;
        self.waiting.take_batch()
    }

    fn is_to_draw(&self) -> bool {
        self.is_dirty || !self.waiting.is_empty()
    }
}

impl DisplayQueue {
    /// Adds lines, each without its end.
    pub fn show(&self, lines: impl IntoIterator<Item = String>) {
        let mut inner = self.inner.lock();
        lines.into_iter().for_each(|line| inner.waiting.push(line));
        self.changed.notify_all();
    }

    /// The next batch of lines, each with its end. Empty when nothing waits.
    pub fn take(&self) -> String {
        let mut inner = self.inner.lock();
        let batch = inner.next_batch();
        if !batch.is_empty() {
            inner.frame.left();
        }
        self.changed.notify_all();
        batch
    }

    /// The same, for where the prompt begins, with what is pinned above it. `is_last`: the prompt is drawn
    /// for the last time, and what comes next stands below it.
    pub fn take_above_prompt(&self, is_last: bool) -> String {
        let mut inner = self.inner.lock();
        let batch = inner.next_batch();
        let Inner { frame, status, .. } = &mut *inner;
        let text = frame.around(&batch, &status.room, is_last);
        self.changed.notify_all();
        text
    }

    /// Pins this row above the prompt, or none. Where there is only room for lines, it is shown as one.
    pub fn pin(&self, pin: Option<String>) {
        let mut inner = self.inner.lock();
        if !inner.frame.pin(pin.clone()) {
            return;
        }
        if !inner.has_lines_alone {
            inner.is_dirty = true;
        } else if let Some(line) = pin {
            inner.waiting.push(line);
        }
        self.changed.notify_all();
    }

    /// From here on nothing is pinned.
    pub fn lines_alone(&self) {
        self.inner.lock().has_lines_alone = true;
    }

    /// So many lines of others came, and so many of them are for this user.
    pub fn count(&self, unread: u64, for_user: u64) {
        self.inner.lock().frame.count(unread, for_user);
    }

    /// A key was pressed, so all was read.
    pub fn read(&self) {
        self.inner.lock().frame.read();
    }

    /// The screen is being cleared, and the prompt drawn in its topmost row.
    pub fn cleared(&self) {
        self.inner.lock().frame.cleared();
    }

    /// Something else stands above the prompt from now on, and perhaps in the title.
    pub fn overdrawn(&self) {
        let mut inner = self.inner.lock();
        inner.frame.left();
        inner.frame.untitled();
    }

    /// The editor is about to read a line. False when the program is to end instead.
    pub fn start_editing(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.is_editing = inner.leave.is_none();
        self.changed.notify_all();
        inner.is_editing
    }

    /// The editor has read its line.
    pub fn stop_editing(&self) {
        self.inner.lock().is_editing = false;
        self.changed.notify_all();
    }

    /// Asks the program to end. The first one who asks says how. True when the editor reads a line
    /// right now and must be woken.
    pub fn leave(&self, exit: Exit) -> bool {
        let mut inner = self.inner.lock();
        inner.leave.get_or_insert(exit);
        self.changed.notify_all();
        inner.is_editing
    }

    /// How the program is to end, when it is.
    pub fn leaving(&self) -> Option<Exit> {
        self.inner.lock().leave
    }

    /// What the prompt is to say.
    pub fn status(&self) -> PromptStatus {
        self.inner.lock().status.clone()
    }

    /// The session tells where it is, after so many inputs.
    pub fn set_status(&self, status: PromptStatus, settled: u64) {
        let mut inner = self.inner.lock();
        inner.status = status;
        inner.settled = settled;
        self.changed.notify_all();
    }

    /// Waits until the session has dealt with so many inputs, or lines wait, or it is late. False
    /// when there is nothing more to wait for.
    pub fn wait_settled(&self, inputs: u64, deadline: Instant) -> bool {
        let mut inner = self.inner.lock();
        let mut is_late = false;
        while inner.settled < inputs
            && inner.waiting.is_empty()
            && !is_late
            && inner.leave.is_none()
        {
            is_late = self.changed.wait_until(&mut inner, deadline).timed_out();
        }
        inner.settled < inputs && !is_late && inner.leave.is_none()
    }

    /// Waits until `look`, which must not use this queue, finds something. `None` at the deadline, or
    /// when the program is to end.
    pub fn wait_for<T>(
        &self,
        mut look: impl FnMut() -> Option<T>,
        deadline: Option<Instant>,
    ) -> Option<T> {
        let mut inner = self.inner.lock();
        loop {
            let found = look();
            if found.is_some() || inner.leave.is_some() {
                return found;
            }
            match deadline {
                None => self.changed.wait(&mut inner),
                Some(deadline) if self.changed.wait_until(&mut inner, deadline).timed_out() => {
                    return look();
                }
                Some(_) => {}
            }
        }
    }

    /// Waits until there are lines to show, or, if `minds_leaving`, until the program has to end. `false` when
    /// nothing will come any more.
    pub fn wait_lines(&self, minds_leaving: bool) -> bool {
        let mut inner = self.inner.lock();
        loop {
            if !inner.waiting.is_empty() || (minds_leaving && inner.leave.is_some()) {
                return true;
            }
            if inner.is_closed {
                return false;
            }
            self.changed.wait(&mut inner);
        }
    }

    /// Waits until somebody has taken all lines.
    pub fn wait_taken(&self) {
        let mut inner = self.inner.lock();
        while !inner.waiting.is_empty() {
            self.changed.wait(&mut inner);
        }
    }

    /// Has [`DisplayQueue::wait_for`] look again.
    pub fn wake(&self) {
        // With the lock, so that it comes before the look or after the waiting has begun.
        let _inner = self.inner.lock();
        self.changed.notify_all();
    }

    /// Ends [`DisplayQueue::redraw_loop`].
    pub fn close(&self) {
        self.inner.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Has the editor show what waits, as long as it reads a line. The body of the printer thread.
    pub fn redraw_loop(&self, printer: &mut impl ExternalPrinter) {
        loop {
            let mut inner = self.inner.lock();
            while !(inner.is_closed || inner.is_editing && inner.is_to_draw()) {
                self.changed.wait(&mut inner);
            }
            if inner.is_closed {
                return;
            }
            let batches = inner.batches;
            drop(inner);
            // It fails when the editor is gone.
            if printer.print(REDRAW.to_owned()).is_err() {
                return;
            }
            let mut inner = self.inner.lock();
            while !inner.is_closed && inner.is_editing && inner.batches == batches {
                self.changed.wait(&mut inner);
            }
            let pause = Instant::now() + PACE;
            while !inner.is_closed && !self.changed.wait_until(&mut inner, pause).timed_out() {}
        }
    }
}
