//! Bans of names, addresses and networks, and over restarts.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chat_server::Endpoint;
use tempfile::TempDir;

use crate::moderation::{operator, server};
use crate::support::TestClient;

#[test]
fn a_network_is_banned_and_who_is_in_it_put_out() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |_| {});
    let mut teacher = operator(&server);
    let mut bob = server.connect();
    teacher.send("ban 127.1.2.3/8 5\nban 10.0.0.0/0 5\nban 127.0.0.300 5\nping\n");
    teacher.expect("Ban Success");
    let refusals = teacher.lines_until("pong");
    assert!(refusals.iter().all(|it| it.starts_with("UserName Invalid: ")), "{refusals:?}");
    assert_eq!(bob.rest(), "Banned for 5 minutes\n");
    assert_eq!(TestClient::connect(server.address).rest(), "Banned for 5 minutes\n");
    teacher.send("ban 127.0.0.0/8 0\n");
    teacher.expect("Ban Success");
    server.connect();
}

#[test]
fn an_address_is_banned_over_both_families_and_framings() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |config| {
        config.listeners[0] = Endpoint::line("[::1]:0".parse().unwrap());
        config.listeners[1] = Endpoint::classic("[::ffff:127.0.0.1]:0".parse().unwrap());
    });
    let mut teacher = operator(&server);
    let mut stranger = TestClient::connect(server.classic);
    assert_eq!(stranger.packet(), b"Connect Success");
    let mut bob = server.login_classic("bob");
    teacher.expect("bob has entered the room.");

    teacher.send("ban 127.0.0.1 90\n");
    teacher.expect("Ban Success");
    // Those who have not logged in are meant too.
    assert_eq!(stranger.rest(), "Banned for 90 minutes\n");
    assert_eq!(bob.rest(), "Banned for 90 minutes\n");
    teacher.expect("bob has left the room.");
    assert_eq!(TestClient::connect(server.classic).rest(), "Banned for 90 minutes\n");
    server.connect().expect_nothing_but("the other address is free");

    teacher.send("ban ::ffff:127.0.0.1 0\n");
    teacher.expect("Ban Success");
    assert_eq!(TestClient::connect(server.classic).packet(), b"Connect Success");

    // One's own address is closed to others, and one can open it again.
    teacher.send("ban ::1 5\n");
    teacher.expect("Ban Success");
    assert_eq!(TestClient::connect(server.address).rest(), "Banned for 5 minutes\n");
    teacher.send("ban ::1 0\n");
    teacher.expect("Ban Success");
    server.connect().expect_nothing_but("open again");
}

#[test]
fn bans_outlive_the_server() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let file = data.join("bans");
    let mut first = server(&folder, |config| config.data = Some(data.clone()));
    let mut teacher = operator(&first);
    teacher.send("ban Bob 90\nban ::2 5\nban carl 5\nban carl 0\n");
    for _ in 0..4 {
        teacher.expect("Ban Success");
    }
    // It is there as soon as it is answered.
    let bans = fs::read_to_string(&file).unwrap();
    let targets: Vec<_> = bans.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(targets, ["::2", "Bob"]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    first.stop();
    drop(teacher);

    fs::write(&file, format!("2001-01-01T00:00:00Z carl\n{bans}")).unwrap();
    let second = server(&folder, |config| config.data = Some(data.clone()));
    let mut bob = second.connect();
    bob.send("login bob\nlogin carl\n");
    bob.expect("Banned for 90 minutes");
    bob.expect("Login Success");
    let mut teacher = operator(&second);
    teacher.send("ban bob 0\n");
    teacher.expect("Ban Success");
    assert_eq!(fs::read_to_string(&file).unwrap(), bans.lines().next().unwrap().to_owned() + "\n");
}
