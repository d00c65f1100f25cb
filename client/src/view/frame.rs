//! What is drawn round the lines of the chat: the row that is pinned above the prompt, and the title of the
//! window.
//!
//! Pure: it gives what is to be written, to be drawn where the prompt begins, in a row that is empty.

/// What is drawn round the lines.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// The text of the pinned row.
    pin: Option<String>,
    /// Whether a pinned row stands on the screen, right above the prompt.
    is_pinned: bool,
    /// Whether the prompt begins in the topmost row of a screen that was cleared.
    is_at_top: bool,
    /// Lines that came since a key was pressed, and how many of them are for this user.
    unread: u64,
    for_user: u64,
    /// The title that was written last.
    title: String,
}

impl Frame {
    /// Pins this row above the prompt, or none. Whether that is another one than before.
    pub(super) fn pin(&mut self, pin: Option<String>) -> bool {
        let is_new = self.pin != pin;
        self.pin = pin;
        is_new
    }

    /// Lines have come.
    pub(super) fn count(&mut self, unread: u64, for_user: u64) {
        self.unread += unread;
        self.for_user += for_user;
    }

    /// A key was pressed, so all was read.
    pub(super) fn read(&mut self) {
        (self.unread, self.for_user) = (0, 0);
    }

    /// The screen is being cleared.
    pub(super) fn cleared(&mut self) {
        (self.is_at_top, self.is_pinned) = (true, false);
    }

    /// The row above the prompt is another one now.
    pub(super) fn left(&mut self) {
        (self.is_at_top, self.is_pinned) = (false, false);
    }

    /// Somebody else wrote the title.
    pub(super) fn untitled(&mut self) {
        self.title.clear();
    }

    /// These whole lines, which may be none, with what belongs round them. The prompt follows, unless it is
    /// never drawn again: then nothing is pinned above it.
    pub(super) fn around(&mut self, lines: &str, room: &str, is_last: bool) -> String {
        let mut text = match (self.is_at_top, self.is_pinned) {
            // The editor has left the topmost row to make room: it is the first of these lines.
            (true, _) if !lines.is_empty() => "\x1b[H\x1b[J",
            (_, true) => "\x1b[A\r\x1b[2K",
            _ => "",
        }
        .to_owned();
        text.push_str(lines);
        self.is_at_top &= lines.is_empty();
        self.is_pinned = false;
        if let Some(pin) = self.pin.as_ref().filter(|_| !is_last) {
            // It is cut where the row ends, so that it is one row whatever becomes of the window.
            text.push_str(&format!("\x1b[?7l{pin}\x1b[?7h\n"));
            self.is_pinned = true;
        }
        let title = self.title_of(room);
        if self.title != title {
            text.push_str(&format!("\x1b]2;{title}\x1b\\"));
            self.title = title;
        }
        text
    }

    fn title_of(&self, room: &str) -> String {
        match (self.unread, self.for_user) {
            (0, _) => room.to_owned(),
            (unread, 0) => format!("({unread}) {room}"),
            (unread, for_user) => format!("({unread}, {for_user} for you) {room}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_row_is_taken_back_before_anything_else_is_drawn() {
        let mut frame = Frame::default();
        frame.untitled();
        assert_eq!(frame.around("", "", false), "");
        assert!(frame.pin(Some("late".into())) && !frame.pin(Some("late".into())));
        assert_eq!(frame.around("bo: hi\n", "", false), "bo: hi\n\x1b[?7llate\x1b[?7h\n");
        let (back, pin) = ("\x1b[A\r\x1b[2K", "\x1b[?7llate\x1b[?7h\n");
        assert_eq!(frame.around("bo: ho\n", "", false), format!("{back}bo: ho\n{pin}"));
        assert_eq!(frame.around("", "", true), back, "the row that was typed is its place now");
        assert_eq!(frame.around("", "", true), "");
        assert_eq!(frame.around("", "", false), pin);
        frame.left();
        frame.pin(None);
        assert_eq!(frame.around("", "", false), "");
    }

    #[test]
    fn the_first_line_on_a_cleared_screen_is_at_its_top() {
        let mut frame = Frame::default();
        frame.cleared();
        assert_eq!(frame.around("", "", false), "");
        assert_eq!(frame.around("bo: hi\n", "", false), "\x1b[H\x1b[Jbo: hi\n");
        assert_eq!(frame.around("bo: hi\n", "", false), "bo: hi\n");
        frame.cleared();
        frame.left();
        assert_eq!(frame.around("al: hi\n", "", false), "al: hi\n", "below a line that was typed");
    }

    #[test]
    fn the_title_counts_what_came_since_a_key_was_pressed() {
        let mut frame = Frame::default();
        let titled = |text: &str| format!("\x1b]2;{text}\x1b\\");
        assert_eq!(frame.around("", "main", false), titled("main"));
        frame.count(2, 0);
        assert_eq!(frame.around("", "main", false), titled("(2) main"));
        frame.count(1, 1);
        assert_eq!(frame.around("", "main", false), titled("(3, 1 for you) main"));
        assert_eq!(frame.around("", "main", false), "");
        frame.read();
        assert_eq!(frame.around("", "den", false), titled("den"));
        frame.untitled();
        assert_eq!(frame.around("", "den", false), titled("den"));
    }
}
