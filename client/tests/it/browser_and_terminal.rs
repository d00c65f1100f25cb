//! Somebody at the page and somebody with chat-client, in one room.

use serde_json::json;

use crate::browser::Browser;
use crate::program::Program;
use crate::real_server::RealServer;

#[test]
fn they_hear_each_other() {
    let server = RealServer::start();
    let Some(browser) = Browser::start("en") else { return };
    browser.open(&format!("http://{}/", server.web));
    browser.keys("#name", "ann");
    browser.click("#enter");
    browser.wait_for("client.state === 'in' && !client.isCatchingUp");
    let mut bob = Program::start(&["--server", &server.address.to_string(), "--name", "bob"]);
    bob.send("say Hello, 你好 & <b>so on</b>\nmsg ann psst\n".as_bytes());
    for line in ["bob: Hello, 你好 & <b>so on</b>", "bob to you alone: psstAnswer"] {
        let lines = "[...document.querySelectorAll('#log p')].map((line) => line.textContent)";
        browser.wait_for(&format!("{lines}.includes({})", json!(line)));
    }
    browser.keys("#say", "/me waves\n");
    browser.keys("#say", "/msg bob and you\n");
    bob.read_to("* ann waves\n");
    bob.read_to("[from ann] and you\n");
    browser.click("#leave");
    bob.read_to("ann has left the room.\n");
    assert_eq!(bob.finish().code, Some(0));
}
