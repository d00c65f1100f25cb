//! This server against all checks of `chat-check`: one replayer, one truth.

use chat_check::checks::Check;

use crate::fresh::not_passed;
use crate::support::{TestClient, TestServer};

#[test]
fn every_check_passes() {
    let checks = Check::all().unwrap();
    let checks: Vec<_> = checks.iter().collect();
    let not_passed = not_passed(&checks, |_| {}, |server| server.address);
    // These two look at a process, and this server has none of its own.
    assert_eq!(not_passed, ["no-spin-when-idle", "memory-is-bounded"], "why is above");
}

#[test]
fn bare_replies_leave_whole() {
    let server = TestServer::start();
    let mut ann = TestClient::connect(server.classic);
    assert_eq!(ann.packet(), b"Connect Success");
    ann.send("login\n");
    assert_eq!(ann.packet(), b"UserName Empty");
    ann.send("login ann\n");
    assert_eq!(ann.packet(), b"Login Success");
    let mut eve = TestClient::connect(server.classic);
    assert_eq!(eve.packet(), b"Connect Success");
    eve.send("login ann\n");
    assert_eq!(eve.packet(), b"UserName Exist");
}
