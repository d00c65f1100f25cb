//! What the clients of many tests do, by what the protocol says alone.

use std::io::BufRead;

use super::TestClient;

impl TestClient {
    /// Nothing else was owed: the answer to a fence comes next.
    #[track_caller]
    pub fn expect_nothing_but(&mut self, token: &str) {
        self.send(&format!("ping {token}\n"));
        self.expect(&format!("pong {token}"));
    }

    /// All lines up to the answer to a fence.
    pub fn lines_until_fence(&mut self) -> Vec<String> {
        self.send("ping fence\n");
        self.lines_until("pong fence")
    }

    /// The same where there are very many, which nobody looks at.
    pub fn skip_to_fence(&mut self) {
        self.send("ping fence\n");
        let mut end = Vec::new();
        while !end.ends_with(b"\npong fence\n") {
            let bytes = self.reader.fill_buf().unwrap();
            assert!(!bytes.is_empty(), "the server closed the connection");
            end.extend_from_slice(bytes);
            let length = bytes.len();
            self.reader.consume(length);
            end.drain(..end.len().saturating_sub(64));
        }
    }

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
