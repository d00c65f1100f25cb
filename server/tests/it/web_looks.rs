//! How the page looks: by day and by night, on a desk and on a telephone.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::browser::Browser;
use crate::support::TestServer;
use crate::web::{come_in, say, visit, wait_for_line};

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
    let _dora = server.login("Dora").join("lab");
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

/// The keyboard of a telephone comes, or somebody turns it round.
#[test]
fn the_last_line_stays_in_sight_unless_one_reads_further_up() {
    let server = TestServer::start();
    let Some(browser) = visit(&server, "en") else { return };
    browser.look(600, 600, "light");
    let mut bo = server.login("Bob");
    come_in(&browser, "Ann", "");
    for number in 0..60 {
        bo.send(&format!(
            "say {number} and a few words more, which take two rows on a telephone\n"
        ));
    }
    let last = "[...document.querySelectorAll('#log p')].at(-1)";
    let is_seen = format!(
        "{last}.getBoundingClientRect().bottom \
         <= document.getElementById('log').getBoundingClientRect().bottom"
    );
    let number = |number| format!("{last}.textContent.startsWith('Bob: {number} ')");
    browser.wait_for(&format!("{} && {is_seen}", number(59)));
    browser.look(320, 300, "light");
    browser.wait_for(&format!("innerHeight === 300 && {is_seen}"));
    bo.send("say 60 comes\n");
    browser.wait_for(&format!("{} && {is_seen}", number(60)));
    assert_eq!(browser.value("document.getElementById('down').hidden"), json!(true));
    browser.run("document.getElementById('log').scrollTop = 100", json!([]));
    browser.wait_for("!isAtEnd");
    browser.look(320, 400, "light");
    bo.send("say 61 comes\n");
    browser.wait_for(&format!("innerHeight === 400 && {}", number(61)));
    browser.wait_for("!document.getElementById('down').hidden");
    assert_eq!(browser.value(&is_seen), json!(false));
    browser.click("#down");
    browser.wait_for(&format!("document.getElementById('down').hidden && {is_seen}"));
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
