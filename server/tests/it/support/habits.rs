//! What the clients of many tests do.

use super::TestClient;

impl TestClient {
    /// Logs in one that has connected, and of which nothing was read yet.
    #[track_caller]
    pub fn log_in(mut self, name: &str) -> Self {
        self.expect("Connect Success");
        self.send(&format!("login {name}\n"));
        self.expect("Login Success");
        self
    }

    /// Goes to another room.
    #[track_caller]
    pub fn join(mut self, room: &str) -> Self {
        self.send(&format!("join {room}\n"));
        self.lines_until("Join Success");
        self
    }

    /// Writes to a user who takes nothing, until the mailbox has been full for so long that it stays so.
    #[track_caller]
    pub fn fill_mailbox(&mut self, name: &str, text: &str) {
        let mut full = 0;
        while full < 1000 {
            self.send(&format!("msg {name} {text}\n"));
            full = if self.line() == format!("Mailbox Full: {name}") { full + 1 } else { 0 };
        }
    }
}
