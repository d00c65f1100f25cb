//! This server against all checks of `chat-check`: one replayer, one truth.

use chat_check::checks::Check;
use chat_check::run::{Options, Outcome, run};
use chat_check::stage::Addresses;
use chat_check::target::{Target, Unreachable};
use chat_check::transcript::Texts;
use tempfile::TempDir;

use crate::support::{TestClient, TestServer, operators_file};

/// A fresh server for each check.
struct Fresh {
    folder: TempDir,
    server: Option<TestServer>,
}

impl Target for Fresh {
    fn ready(&mut self, operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        self.server = None;
        let pairs: Vec<_> =
            operators.iter().map(|(name, password)| (name.as_str(), password.as_str())).collect();
        let file = (!pairs.is_empty()).then(|| operators_file(&self.folder, &pairs));
        let server = self.server.insert(TestServer::with(|config| config.operators = file));
        Ok(Addresses { line: Some(server.address), classic: Some(server.classic) })
    }

    fn has_operators(&self) -> bool {
        true
    }
}

#[test]
fn every_check_passes() {
    let checks = Check::all().unwrap();
    let checks: Vec<_> = checks.iter().collect();
    let mut target = Fresh { folder: TempDir::new().unwrap(), server: None };
    let options = Options { texts: Texts::AsWritten, ..Options::default() };
    let findings = run(&mut target, &checks, options, |finding| {
        if !matches!(finding.outcome, Outcome::Passed) {
            eprint!("{}", chat_check::report::text::finding(finding));
        }
    });
    let not_passed: Vec<_> = findings
        .unwrap()
        .iter()
        .filter(|finding| !matches!(finding.outcome, Outcome::Passed))
        .map(|finding| finding.check.name.clone())
        .collect();
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
