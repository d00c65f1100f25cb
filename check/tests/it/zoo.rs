//! Wrong servers, one a typical mistake, and the check that must name it.

mod fault;
mod server;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chat_check::checks::Check;
use chat_check::report::text;
use chat_check::run::{Options, Outcome, run};
use chat_check::stage::Addresses;
use chat_check::target::{Target, Unreachable};
use parking_lot::Mutex;

use fault::CAUGHT_BY;
pub use fault::Fault;
pub use server::ZooServer;

/// A fresh one for each check.
struct Cage {
    fault: Fault,
    server: Option<ZooServer>,
}

impl Target for Cage {
    fn ready(&mut self, _operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        self.server = None;
        let server = self.server.insert(ZooServer::start(self.fault));
        Ok(Addresses { line: Some(server.address), classic: None })
    }
}

fn outcome(fault: Fault, check: &Check) -> (Outcome, String) {
    let mut cage = Cage { fault, server: None };
    let options = Options { seed: 7, ..Options::default() };
    let mut findings = run(&mut cage, &[check], options, |_| {}).unwrap();
    let finding = findings.remove(0);
    let text = text::finding(&finding);
    (finding.outcome, text)
}

#[test]
fn each_mistake_is_caught_by_the_check_that_names_it() {
    assert!(CAUGHT_BY.len() >= 40);
    let checks = Check::all().unwrap();
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        // They wait more than they work.
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((fault, name)) = CAUGHT_BY.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let check = checks.iter().find(|check| check.about.name == *name).unwrap();
                    // Without the mistake the same server passes, so it is the mistake that fails.
                    let (right, text) = outcome(Fault::None, check);
                    if !matches!(right, Outcome::Passed) {
                        missed.lock().push(format!("{name} fails a right server\n{text}"));
                    }
                    let (wrong, _) = outcome(*fault, check);
                    if !matches!(wrong, Outcome::Failed { .. }) {
                        missed.lock().push(format!("{fault:?} is not caught by {name}"));
                    }
                }
            });
        }
    });
    let missed = missed.into_inner();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_right_server_passes_up_to_level_5() {
    let checks = Check::all().unwrap();
    let checks: Vec<_> = checks.iter().filter(|check| check.about.level <= 5).collect();
    let mut cage = Cage { fault: Fault::None, server: None };
    let findings = run(&mut cage, &checks, Options::default(), |_| {}).unwrap();
    for finding in &findings {
        let is_well = matches!(finding.outcome, Outcome::Passed | Outcome::Inapplicable(_));
        assert!(is_well, "{}", text::finding(finding));
    }
}

/// The time of all checks ends in the middle of one, before that one's own time.
#[test]
fn a_check_for_which_no_time_is_left_has_not_failed() {
    let checks = Check::all().unwrap();
    let check = checks.iter().find(|check| check.about.name == "greeting").unwrap();
    let mut cage = Cage { fault: Fault::NoGreeting, server: None };
    let options = Options { patience: Duration::from_secs(1), ..Options::default() };
    let findings = run(&mut cage, &[check], options, |_| {}).unwrap();
    let Outcome::GivenUp(why) = &findings[0].outcome else {
        panic!("{}", text::finding(&findings[0]));
    };
    assert_eq!(why, "1 s are over");
}

/// Mistakes whose report does not depend on the time that anything takes.
const GOLDEN: &[Fault] = &[
    Fault::GreetingMisspelt,
    Fault::RepliesWithoutNewline,
    Fault::TakenNameAllowed,
    Fault::UnknownIsSilent,
    Fault::UnknownRepeatsTheLine,
    Fault::PacketIsALine,
    Fault::PacketIsItsFirstLine,
    Fault::KeepsCarriageReturns,
    Fault::NoLimit,
    Fault::ControlsPass,
    Fault::SortsTheList,
    Fault::ListsTheLatestFirst,
    Fault::NobodyLeaves,
    Fault::NameLostAfterLogout,
];

#[test]
fn a_student_reads_what_to_do() {
    let checks = Check::all().unwrap();
    let part = |fault: &Fault| {
        let (_, name) = CAUGHT_BY.iter().find(|(other, _)| other == fault).unwrap();
        let check = checks.iter().find(|check| check.about.name == *name).unwrap();
        let (_, text) = outcome(*fault, check);
        format!("{fault:?}\n{text}\n")
    };
    let report: String = thread::scope(|scope| {
        let parts: Vec<_> = GOLDEN.iter().map(|fault| scope.spawn(|| part(fault))).collect();
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    });
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");
    let found = concat!(env!("CARGO_TARGET_TMPDIR"), "/golden.txt");
    std::fs::write(found, &report).unwrap();
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(report, expected, "{found} differs from {golden}");
}
