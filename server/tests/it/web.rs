//! The page in a real browser.

use serde_json::json;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::names::users_file;
use crate::support::{TestServer, operators_file};

/// The lines of the log, as a user reads them.
pub const LINES: &str = "[...document.querySelectorAll('#log p')].map((line) => line.textContent)";
pub const IS_IN: &str = "!document.getElementById('chat').hidden \
    && document.getElementById('status').hidden && !client.isCatchingUp && client.users.size > 0";

/// A browser in front of the login window.
pub fn visit(server: &TestServer, language: &str) -> Option<Browser> {
    let browser = Browser::start(language)?;
    browser.open(&format!("http://{}/", server.web));
    browser.wait_for("!document.getElementById('login').hidden");
    Some(browser)
}

/// Fills in the login window.
fn enter(browser: &Browser, name: &str, room: &str) {
    for (field, text) in [("#name", name), ("#room", room)] {
        browser.run("document.querySelector(arguments[0]).value = ''", json!([field]));
        if !text.is_empty() {
            browser.keys(field, text);
        }
    }
    browser.click("#enter");
}

pub fn come_in(browser: &Browser, name: &str, room: &str) {
    enter(browser, name, room);
    browser.wait_for(IS_IN);
}

pub fn say(browser: &Browser, text: &str) {
    browser.keys("#say", &format!("{text}\n"));
}

pub fn lines(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.value(LINES)).unwrap()
}

#[track_caller]
pub fn wait_for_line(browser: &Browser, line: &str) {
    browser.wait_for(&format!("{LINES}.includes({})", json!(line)));
}

#[test]
fn two_people_talk_and_look_around() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    for (name, problem) in [
        ("", "Please give a name."),
        ("a b", "This cannot be a name: a space is not allowed."),
        ("server", "This cannot be a name: reserved."),
    ] {
        enter(&browser, name, "");
        browser.wait_for(&format!(
            "document.getElementById('name-problem').textContent === {}",
            json!(problem)
        ));
    }
    let mut bo = server.login("bo");
    bo.send("say before\ntopic tea\n");
    bo.lines_until_fence();
    enter(&browser, "Bo", "");
    browser.wait_for("document.getElementById('name-problem').textContent.startsWith('Somebody')");
    come_in(&browser, "al", "");
    assert_eq!(bo.line(), "al has entered the room.");
    wait_for_line(&browser, "bo: before");
    // It is asked for behind the lines.
    browser.wait_for("document.getElementById('topic').textContent === 'tea'");
    say(&browser, "hi bo");
    bo.expect("al: hi bo");
    wait_for_line(&browser, "al: hi bo");
    bo.send("say <b>al</b> & \u{202e}x\u{200b}\ty, see http://localhost/a?b.\nmsg al psst\n");
    wait_for_line(&browser, "bo: <b>al</b> & <U+202E>x<U+200B>    y, see http://localhost/a?b.");
    assert_eq!(browser.value("document.querySelectorAll('#log b').length"), json!(0));
    assert_eq!(browser.value("document.querySelector('#log mark').textContent"), json!("al"));
    let link = "[...document.querySelectorAll('#log a')].map((a) => [a.href, a.rel, a.target])";
    let expected = json!([["http://localhost/a?b", "noopener noreferrer", "_blank"]]);
    assert_eq!(browser.value(link), expected);
    browser.wait_for("document.querySelector('#log .answer') !== null");
    browser.click("#log .answer");
    browser.press("you too\u{e007}");
    assert_eq!(bo.lines_until("[from al] you too").len(), 2);
    let mut cy = server.login("cy").join("lobby");
    // Under a name that is the same.
    say(&browser, "/join Lobby");
    cy.expect("al has entered the room.");
    browser.wait_for("document.getElementById('room-name').textContent === 'lobby'");
    browser.wait_for("client.users.size === 2 && client.rooms.size === 2");
    browser.wait_for("document.getElementById('rooms').innerText === 'lobby\\n2\\nmain\\n1'");
    assert_eq!(browser.text("#users").replace('\n', " "), "cy al you");
    say(&browser, "/rename alf");
    wait_for_line(&browser, "al is now known as alf.");
    browser.click("#leave");
    browser.wait_for("document.getElementById('chat').hidden");
    assert_eq!(cy.lines_until("alf has left the room.").len(), 1);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_reload_brings_one_back_and_a_paste_is_asked_for() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    come_in(&browser, "al", "lobby");
    let mut bo = server.login("bo").join("lobby");
    browser.open(browser.value("location.href").as_str().unwrap());
    browser.wait_for(IS_IN);
    assert_eq!(bo.lines_until("al has entered the room."), ["al has left the room."]);
    assert_eq!(browser.text("#room-name"), "lobby");
    let paste = "const data = new DataTransfer(); data.setData('text', arguments[0]); \
        document.getElementById('say').dispatchEvent(\
            new ClipboardEvent('paste', { clipboardData: data, cancelable: true }))";
    let pasted = "\n  one\r\n\r\n/me two\n// three\n";
    browser.run(paste, json!([pasted]));
    assert_eq!(browser.text("#paste-lines"), "  one\n\n/me two\n// three");
    browser.press("\u{e00c}");
    browser.wait_for("!document.getElementById('paste').open");
    // It is said as it is: nothing in it is a command, and no server trims its indentation.
    browser.run(paste, json!([pasted]));
    browser.press("\u{e004}\u{e007}");
    assert_eq!(bo.lines_until("al: // three"), ["al: \u{a0}\u{a0}one", "al: ", "al: /me two"]);
    wait_for_line(&browser, "al: // three");
    wait_for_line(&browser, "al:   one");
    // It takes the place of what is selected, and a password in it is no word of a chat.
    browser.keys("#say", "before");
    browser.run("document.getElementById('say').select()", json!([]));
    browser.run(paste, json!(["/op secret\nfour\n"]));
    assert_eq!(browser.text("#paste-lines"), "/op secret\nfour");
    browser.press("\u{e004}\u{e007}");
    assert_eq!(bo.lines_until("al: four"), [""; 0]);
}

#[test]
fn the_arrow_up_leaves_what_was_begun() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    come_in(&browser, "al", "");
    let value = "document.getElementById('say').value";
    say(&browser, "one");
    say(&browser, "/nick alf");
    wait_for_line(&browser, "al is now known as alf.");
    browser.keys("#say", "half");
    for (keys, shown) in [
        ("\u{e013}", "/rename alf"),
        ("\u{e013}\u{e013}", "one"),
        ("\u{e015}\u{e015}", "half"),
        ("\u{e015}", "half"),
    ] {
        browser.press(keys);
        assert_eq!(browser.value(value), json!(shown));
    }
    say(&browser, "");
    wait_for_line(&browser, "alf: half");
    browser.press("\u{e015}");
    assert_eq!(browser.value(value), json!(""));
}

#[test]
fn text_is_shown_as_it_is_where_nothing_in_it_deceives() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    for same in [
        "👩\u{200d}👩\u{200d}👧 👩🏽\u{200d}🚀 🏳\u{fe0f}\u{200d}🌈 👁\u{fe0f}\u{200d}🗨\u{fe0f}",
        "❤\u{fe0f} ❤\u{fe0e} ⌚\u{fe0f} ⌚\u{fe0e} 1\u{fe0f}\u{20e3}",
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645} \u{628}\u{64e}\u{200c}\u{628}",
        "\u{915}\u{94d}\u{200d}\u{937} \u{915}\u{94d}\u{200c}\u{937} \u{d23}\u{d4d}\u{200d}",
    ] {
        assert_eq!(browser.run("return safe(arguments[0])", json!([same])), json!(same));
    }
    for (text, shown) in [
        ("\u{1b}[2J\u{7f}\u{0}", "␛[2J␡␀"),
        ("\u{202e}txet\u{2066}a\u{2069}", "<U+202E>txet<U+2066>a<U+2069>"),
        ("a\u{200b}b\u{200d}c\u{feff}d\u{ad}", "a<U+200B>b<U+200D>c<U+FEFF>d<U+00AD>"),
        ("a\u{34f}\u{fe0f}b\u{e0100} 1\u{fe0f}", "a<U+034F><U+FE0F>b<U+E0100> 1<U+FE0F>"),
        ("a\u{2028}b\u{2029}\u{fff9}", "a<U+2028>b<U+2029><U+FFF9>"),
        ("👩\u{200d}\u{200d}👩 \u{200d}👩", "👩\u{200d}<U+200D>👩 <U+200D>👩"),
        ("\u{a0}a\tb", " a    b"),
    ] {
        assert_eq!(browser.run("return safe(arguments[0])", json!([text])), json!(shown));
    }
}

#[test]
fn twenty_thousand_lines_are_painted_at_once() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    come_in(&browser, "al", "");
    let mut bo = server.login("bo");
    let before = browser.layouts();
    for number in 0..20_000 {
        bo.send(&format!("say line {number} of many for al\n"));
    }
    wait_for_line(&browser, "bo: line 19999 of many for al");
    // To measure the page after each line would take seconds. It is done once or twice a frame, however long a
    // frame takes on a busy machine.
    let layouts = browser.layouts() - before;
    assert!(layouts < 20_000, "{layouts} layouts");
    assert_eq!(browser.value("document.getElementById('log').childElementCount"), json!(2000));
    assert_eq!(browser.value("document.getElementById('down').hidden"), json!(true));
    let lines = lines(&browser);
    let last = lines.iter().rev().zip((0..20_000).rev());
    for (line, number) in last.take(1000) {
        assert_eq!(*line, format!("bo: line {number} of many for al"));
    }
}

#[test]
fn who_is_put_out_stays_out() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::with(|config| {
        config.operators = Some(operators_file(&folder, &[("bo", "secret")]));
    });
    let Some(browser) = visit(&server, "en") else { return };
    let mut bo = server.login("bo secret");
    bo.send("op secret\n");
    bo.expect("Operator Success");
    come_in(&browser, "al", "");
    bo.expect("al has entered the room.");
    bo.send("kick al <i>enough</i>\n");
    let problem = |text: &str| {
        browser.wait_for(&format!(
            "document.getElementById('name-problem').textContent === {}",
            json!(text)
        ));
    };
    problem("An operator put you out: <i>enough</i>");
    bo.send("ban al 5\n");
    bo.lines_until("Ban Success");
    enter(&browser, "al", "");
    problem("You are kept out for 5 minutes.");
    come_in(&browser, "cy", "");
    // The password goes nowhere but to the server.
    say(&browser, " /OP  secret");
    wait_for_line(&browser, "Password Wrong");
    let kept =
        "JSON.stringify([sessionStorage, typed, document.body.innerText]).includes('secret')";
    assert_eq!(browser.value(kept), json!(false));
}

#[test]
fn a_name_that_belongs_to_somebody_is_asked_for_its_secret() {
    let folder = TempDir::new().unwrap();
    let (users, [secret]) = users_file(&folder, ["al"]);
    let server = TestServer::with(|config| config.users = Some(users));
    let Some(browser) = visit(&server, "en") else { return };
    assert_eq!(browser.value("document.getElementById('password-part').hidden"), json!(true));
    let problem = |text: &str| {
        browser.wait_for(&format!(
            "document.getElementById('password-problem').textContent === {}",
            json!(text)
        ));
    };
    enter(&browser, "al", "");
    problem("This name needs a password here.");
    browser.keys("#password", "wrong");
    browser.click("#enter");
    problem("The password is wrong.");
    browser.run("document.getElementById('password').value = ''", json!([]));
    browser.keys("#password", &secret);
    browser.click("#enter");
    browser.wait_for(IS_IN);
    say(&browser, "hi");
    wait_for_line(&browser, "al: hi");
    // It is kept nowhere that outlives the page.
    let kept = "JSON.stringify([sessionStorage, localStorage, typed, document.body.innerText])";
    assert!(!browser.value(kept).as_str().unwrap().contains(&secret));
    // Whoever comes from elsewhere with it puts the page out, and the page does not come back by itself.
    let mut again = server.login(&format!("al {secret}"));
    browser.wait_for("!document.getElementById('login').hidden");
    again.send("say mine\n");
    again.expect("al: mine");
}
