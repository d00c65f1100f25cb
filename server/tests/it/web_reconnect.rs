//! The page after its connection was lost.

use std::net::SocketAddr;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::ports::Port;
use crate::program::Program;
use crate::support::TestClient;
use crate::web::{IS_IN, LINES, come_in, lines, say, wait_for_line};

/// A server with a page for browsers there, once it listens.
fn start(web: &Port, options: &[&str]) -> (Program, SocketAddr) {
    let web = web.address().to_string();
    let local = ["--listen", "127.0.0.1:0", "--web", &web];
    let mut program = Program::start(&[&local, options].concat());
    let address = program.address().0;
    program.page();
    (program, address)
}

#[test]
fn a_lost_connection_is_found_again() {
    let data = TempDir::new().unwrap();
    let options = ["--data", data.path().to_str().unwrap()];
    let web = Port::new();
    let (program, address) = start(&web, &options);
    let page = format!("http://{}/", web.address());
    let Some(browser) = Browser::start("en") else { return };
    browser.open(&page);
    come_in(&browser, "al", "lobby");
    let enter = |address| TestClient::connect(address).log_in("bo").join("lobby");
    let mut bo = enter(address);
    bo.send("say seen\n");
    wait_for_line(&browser, "bo: seen");
    program.signal(Signal::SIGKILL);
    program.output();
    // In between it tries.
    let status = "document.getElementById('status')";
    browser.wait_for(&format!(
        "!{status}.hidden && {status}.textContent.startsWith('The connection is lost. Trying again in ')"
    ));
    say(&browser, "typed while away");
    say(&browser, "/look");
    wait_for_line(&browser, "Not connected; kept for later: typed while away");
    wait_for_line(&browser, "Not connected; not sent: /look");
    let (_program, address) = start(&web, &options);
    let mut bo = enter(address);
    // A text that was seen before is another line all the same.
    bo.send("say seen\nsay missed\n");
    bo.lines_until("bo: missed");
    wait_for_line(&browser, "bo: missed");
    browser.wait_for("!document.getElementById('unsent').hidden");
    assert!(browser.text("#unsent").starts_with("Perhaps nobody has seen:\ntyped while away"));
    browser.click("#resend");
    bo.lines_until("al: typed while away");
    wait_for_line(&browser, "al: typed while away");
    browser.wait_for("document.getElementById('unsent').hidden");
    let seen =
        lines(&browser).into_iter().filter(|line| line.contains(": ") && !line.contains(';'));
    let expected = ["bo: seen", "bo: seen", "bo: missed", "al: typed while away"];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[test]
fn what_nobody_can_show_any_more_is_said() {
    let web = Port::new();
    let (program, _) = start(&web, &[]);
    let Some(browser) = Browser::start("en") else { return };
    browser.open(&format!("http://{}/", web.address()));
    come_in(&browser, "al", "");
    say(&browser, "twice");
    say(&browser, "twice");
    browser.wait_for(&format!("{LINES}.filter((line) => line === 'al: twice').length === 2"));
    program.signal(Signal::SIGKILL);
    program.output();
    browser.wait_for("!document.getElementById('status').hidden");
    let (_program, _) = start(&web, &[]);
    wait_for_line(&browser, "Before this there may be more that you missed.");
    browser.wait_for(IS_IN);
    say(&browser, "thrice");
    wait_for_line(&browser, "al: thrice");
    let said = lines(&browser).into_iter().filter(|line| line.starts_with("al: "));
    assert_eq!(said.collect::<Vec<_>>(), ["al: twice", "al: twice", "al: thrice"]);
}
