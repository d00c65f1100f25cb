//! The checks of `chat-check`, each against a fresh server of this project.

use std::net::SocketAddr;

use chat_check::checks::{Check, Kind};
use chat_check::run::{Options, Outcome, run};
use chat_check::stage::Addresses;
use chat_check::target::{Target, Unreachable};
use chat_check::transcript::Texts;
use chat_server::Config;
use tempfile::TempDir;

use crate::support::{TestServer, operators_file};

/// A fresh server for each check: how it is configured, and where its clients connect.
struct Fresh<C, R> {
    folder: TempDir,
    server: Option<TestServer>,
    configure: C,
    reach: R,
}

impl<C: Fn(&mut Config), R: Fn(&TestServer) -> SocketAddr> Target for Fresh<C, R> {
    fn ready(&mut self, operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        self.server = None;
        let pairs: Vec<_> =
            operators.iter().map(|(name, password)| (name.as_str(), password.as_str())).collect();
        let file = (!pairs.is_empty()).then(|| operators_file(&self.folder, &pairs));
        let server = self.server.insert(TestServer::with(|config| {
            config.operators = file;
            (self.configure)(config);
        }));
        Ok(Addresses { line: Some((self.reach)(server)), classic: Some(server.classic) })
    }

    fn has_operators(&self) -> bool {
        true
    }
}

/// The names of those of `checks` that did not pass. Why is on stderr.
pub fn not_passed(
    checks: &[&Check],
    configure: impl Fn(&mut Config),
    reach: impl Fn(&TestServer) -> SocketAddr,
) -> Vec<String> {
    let mut target = Fresh { folder: TempDir::new().unwrap(), server: None, configure, reach };
    let options = Options { texts: Texts::AsWritten, ..Options::default() };
    let mut names = Vec::new();
    let findings = run(&mut target, checks, options, |finding| {
        if !matches!(finding.outcome, Outcome::Passed) {
            eprint!("{}", chat_check::report::text::finding(finding));
            names.push(finding.check.name.clone());
        }
    });
    assert_eq!(findings.unwrap().len(), checks.len());
    names
}

/// Those of `checks` that are conversations, but for these.
pub fn conversations<'a>(checks: &'a [Check], but: &[&str]) -> Vec<&'a Check> {
    let is_one = |check: &&Check| {
        matches!(check.kind, Kind::Transcript(_)) && !but.contains(&check.about.name.as_str())
    };
    let checks: Vec<_> = checks.iter().filter(is_one).collect();
    assert!(checks.len() >= 50, "only {} conversations", checks.len());
    checks
}
