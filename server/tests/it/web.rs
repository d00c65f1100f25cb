//! The page in a real browser.

use std::fs;
use std::net::TcpStream;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::names::users_file;
use crate::program::Program;
use crate::support::{TestClient, TestServer, operators_file};

/// The lines of the log, as a user reads them.
const LINES: &str = "[...document.querySelectorAll('#log p')].map((line) => line.textContent)";
const IS_IN: &str = "!document.getElementById('chat').hidden \
    && document.getElementById('status').hidden && !client.isCatchingUp && client.users.size > 0";

/// A browser in front of the login window.
fn visit(server: &TestServer, language: &str) -> Option<Browser> {
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

fn come_in(browser: &Browser, name: &str, room: &str) {
    enter(browser, name, room);
    browser.wait_for(IS_IN);
}

fn say(browser: &Browser, text: &str) {
    browser.keys("#say", &format!("{text}\n"));
}

fn lines(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.value(LINES)).unwrap()
}

#[track_caller]
fn wait_for_line(browser: &Browser, line: &str) {
    browser.wait_for(&format!("{LINES}.includes({})", json!(line)));
}

fn come_to(server: &TestServer, name: &str, room: &str) -> TestClient {
    let mut client = server.login(name);
    client.send(&format!("join {room}\n"));
    client.expect("Join Success");
    client
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
    assert_eq!(browser.text("#topic"), "tea");
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
    let mut cy = come_to(&server, "cy", "lobby");
    say(&browser, "/join lobby");
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
    let mut bo = come_to(&server, "bo", "lobby");
    browser.open(browser.value("location.href").as_str().unwrap());
    browser.wait_for(IS_IN);
    assert_eq!(bo.lines_until("al has entered the room."), ["al has left the room."]);
    assert_eq!(browser.text("#room-name"), "lobby");
    let paste = "const data = new DataTransfer(); data.setData('text', arguments[0]); \
        document.getElementById('say').dispatchEvent(\
            new ClipboardEvent('paste', { clipboardData: data, cancelable: true }))";
    browser.run(paste, json!(["one\r\n\r\n/me two\nthree\n"]));
    assert_eq!(browser.text("#paste-lines"), "one\n/me two\nthree");
    browser.press("\u{e00c}");
    browser.wait_for("!document.getElementById('paste').open");
    browser.run(paste, json!(["one\ntwo"]));
    browser.press("\u{e004}\u{e007}");
    assert_eq!(bo.lines_until("al: two"), ["al: one"]);
}

#[test]
fn twenty_thousand_lines_are_painted_at_once() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    come_in(&browser, "al", "");
    let mut bo = server.login("bo");
    browser.run(
        "window.longest = 0; let last = performance.now(); \
         const look = (now) => { \
             longest = Math.max(longest, now - last); last = now; requestAnimationFrame(look) \
         }; requestAnimationFrame(look); return ''",
        json!([]),
    );
    for number in 0..20_000 {
        bo.send(&format!("say line {number} of many for al\n"));
    }
    wait_for_line(&browser, "bo: line 19999 of many for al");
    let longest = browser.value("Math.round(longest)").as_u64().unwrap();
    // It is 100 to 400 ms on a machine that does nothing else.
    assert!(longest < 5000, "a frame took {longest} ms");
    assert_eq!(browser.value("document.getElementById('log').childElementCount"), json!(2000));
    assert_eq!(browser.value("document.getElementById('down').hidden"), json!(true));
    let lines = lines(&browser);
    let last = lines.iter().rev().zip((0..20_000).rev());
    for (line, number) in last.take(1000) {
        assert_eq!(*line, format!("bo: line {number} of many for al"));
    }
}

#[test]
fn a_lost_connection_is_found_again() {
    let data = TempDir::new().unwrap();
    let folder = data.path().to_str().unwrap();
    let local = "127.0.0.1:0";
    let mut program = Program::start(&["--listen", local, "--web", local, "--data", folder]);
    let address = program.address().0;
    let page = program.page();
    let Some(browser) = Browser::start("en") else { return };
    browser.open(&page);
    come_in(&browser, "al", "lobby");
    let enter = |name: &str| {
        let mut client = TestClient::connect(address);
        client.send(&format!("login {name}\njoin lobby\n"));
        client.lines_until("Join Success");
        client
    };
    let mut bo = enter("bo");
    bo.send("say seen\n");
    wait_for_line(&browser, "bo: seen");
    program.signal(Signal::SIGKILL);
    program.output();
    browser.wait_for("!document.getElementById('status').hidden");
    assert!(browser.text("#status").starts_with("The connection is lost. Trying again in "));
    say(&browser, "typed while away");
    say(&browser, "/look");
    wait_for_line(&browser, "Not connected; kept for later: typed while away");
    wait_for_line(&browser, "Not connected; not sent: /look");
    let (listen, web) = (address.to_string(), page["http://".len()..page.len() - 1].to_owned());
    let _program = Program::start(&["--listen", &listen, "--web", &web, "--data", folder]);
    let mut bo = loop {
        // Until it listens.
        if TcpStream::connect(address).is_ok() {
            break enter("bo");
        }
    };
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
    let local = "127.0.0.1:0";
    let mut program = Program::start(&["--listen", local, "--web", local]);
    let address = program.address().0;
    let page = program.page();
    let Some(browser) = Browser::start("en") else { return };
    browser.open(&page);
    come_in(&browser, "al", "");
    say(&browser, "twice");
    say(&browser, "twice");
    browser.wait_for(&format!("{LINES}.filter((line) => line === 'al: twice').length === 2"));
    program.signal(Signal::SIGKILL);
    program.output();
    browser.wait_for("!document.getElementById('status').hidden");
    let (listen, web) = (address.to_string(), page["http://".len()..page.len() - 1].to_owned());
    let _program = Program::start(&["--listen", &listen, "--web", &web]);
    wait_for_line(&browser, "Before this there may be more that you missed.");
    browser.wait_for(IS_IN);
    say(&browser, "thrice");
    wait_for_line(&browser, "al: thrice");
    let said = lines(&browser).into_iter().filter(|line| line.starts_with("al: "));
    assert_eq!(said.collect::<Vec<_>>(), ["al: twice", "al: twice", "al: thrice"]);
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

/// Keeps a picture for `docs/web.md` in the folder of the environment variable `PICTURES`. Nothing is
/// kept when there is none.
fn keep(browser: &Browser, name: &str) {
    let Some(folder) = std::env::var_os("PICTURES") else { return };
    let png = data_encoding::BASE64.decode(browser.picture().as_bytes()).unwrap();
    fs::write(Path::new(&folder).join(name), png).unwrap();
}

#[test]
fn a_lively_room_by_day() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    browser.look(1000, 560, "light");
    let mut bo = server.login("Bob");
    let mut carl = server.login("Carl");
    bo.send("topic Weekly meeting, Thursday at four\nsay Hello, is anybody here?\n");
    carl.send("say I am. Ann said she would come too.\n");
    carl.lines_until("Carl: I am. Ann said she would come too.");
    bo.lines_until_fence();
    come_in(&browser, "Ann", "");
    say(&browser, "Good afternoon!");
    carl.lines_until("Ann: Good afternoon!");
    carl.send("say Hello Ann! The slides are at https://example.org/slides.\n");
    carl.lines_until_fence();
    bo.send("me waves\nmsg Ann Shall we begin with your part?\n");
    carl.lines_until("* Bob waves");
    let _dora = come_to(&server, "Dora", "lab");
    wait_for_line(&browser, "Bob to you alone: Shall we begin with your part?Answer");
    say(&browser, "/msg Bob Yes, gladly.");
    wait_for_line(&browser, "You to Bob alone: Yes, gladly.");
    browser.run("client.askRooms()", json!([]));
    browser.wait_for("document.getElementById('rooms').innerText === 'lab\\n1\\nmain\\n3'");
    assert_eq!(browser.value("document.querySelectorAll('#log .before').length"), json!(5));
    let ends = "[...document.querySelectorAll('header, #places, #log, #say-form')]\
        .every((part) => part.getBoundingClientRect().bottom <= innerHeight)";
    assert_eq!(browser.value(ends), json!(true), "something is out of sight");
    keep(&browser, "web.png");
}

#[test]
fn it_speaks_chinese_and_fits_a_telephone_by_night() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "zh-CN") else { return };
    browser.look(320, 600, "dark");
    assert_eq!(browser.text("h1"), "聊天室");
    let fits = "document.documentElement.scrollWidth <= 320";
    assert_eq!(browser.value(fits), json!(true));
    let mut bo = server.login("小明");
    bo.send("say 大家好\n");
    bo.lines_until_fence();
    come_in(&browser, "小红", "");
    wait_for_line(&browser, "小明: 大家好");
    say(&browser, "你好！今天有人用手机吗？");
    assert_eq!(bo.line(), "小红 has entered the room.");
    bo.send("say 小红，我在用。字体大小正合适，一行放不下也会自动换行。\nmsg 小红 晚上好\n");
    wait_for_line(&browser, "小明 只对你说：晚上好回复");
    assert_eq!(browser.value("document.querySelector('#log mark').textContent"), json!("小红"));
    keep(&browser, "web-narrow.png");
    bo.send(&format!("say {}\n", "x".repeat(300)));
    wait_for_line(&browser, &format!("小明: {}", "x".repeat(300)));
    assert_eq!(browser.value(fits), json!(true));
    browser.click("#places-button");
    assert!(browser.text("#users").contains("小明"));
    browser.click("#users button");
    assert_eq!(browser.value("document.getElementById('say').value"), json!("/msg 小明 "));
}
