//! The page goes on at another server of the chat when its own dies.

use std::net::SocketAddr;

use nix::sys::signal::Signal;

use crate::browser::Browser;
use crate::ports::Port;
use crate::program::Program;
use crate::support::TestClient;
use crate::web::{IS_IN, come_in, say, wait_for_line};

/// The two servers of docs/web.md, at other addresses than there.
fn commands(addresses: [SocketAddr; 2]) -> Vec<String> {
    let page = include_str!("../../../docs/web.md");
    let page = page.split("\n## Several servers\n").nth(1).unwrap();
    let commands: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("    chat-server "))
        .map(|options| {
            let options = options.replace("192.0.2.1:8080", &addresses[0].to_string());
            options.replace("192.0.2.2:8080", &addresses[1].to_string())
        })
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    commands
}

fn start(options: &str) -> (Program, SocketAddr) {
    let options = ["--listen", "127.0.0.1:0"].into_iter().chain(options.split(' '));
    let mut program = Program::start(&options.collect::<Vec<_>>());
    let address = program.address().0;
    program.page();
    (program, address)
}

fn come_to_lobby(server: SocketAddr, name: &str) -> TestClient {
    TestClient::connect(server).log_in(name).join("lobby")
}

#[test]
fn the_page_goes_on_at_another_server_under_its_name_and_in_its_room() {
    let Some(browser) = Browser::start("en") else { return };
    let ports = [(); 2].map(|()| Port::new());
    let addresses = ports.each_ref().map(Port::address);
    let commands = commands(addresses);
    let [(first, _), (second, address)] = [0, 1].map(|at: usize| start(&commands[at]));
    browser.open(&format!("http://{}/", addresses[0]));
    come_in(&browser, "al", "lobby");
    let mut bo = come_to_lobby(address, "bo");
    bo.send("say at the second\n");
    bo.expect("bo: at the second");
    first.signal(Signal::SIGKILL);
    first.output();
    bo.expect("al has entered the room.");
    // These two do not know each other, so nobody can tell what was missed.
    wait_for_line(&browser, "Before this there may be more that you missed.");
    wait_for_line(&browser, "bo: at the second");
    browser.wait_for(IS_IN);
    say(&browser, "and here");
    bo.expect("al: and here");
    // And back: its own server lives again when the other one dies.
    let (_first, address) = start(&commands[0]);
    let mut cy = come_to_lobby(address, "cy");
    second.signal(Signal::SIGKILL);
    second.output();
    cy.expect("al has entered the room.");
    let complaints = browser.complaints();
    let refused: Vec<_> =
        complaints.iter().filter(|line| line.contains("Content Security Policy")).collect();
    assert_eq!(refused, [""; 0]);
}
