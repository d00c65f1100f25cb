//! What a program is told at its start, by all kinds of engines.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use ordered_log::Options;
use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::engine::Engine;
use crate::ports::Port;
use crate::seen::{Node, start};

pub fn said(options: &Options) -> String {
    let said = start(options).unwrap_err().to_string();
    assert!(!said.contains("secret") && !said.contains('\n'), "{said}");
    said
}

pub fn at(address: &str, options: Options) -> Options {
    Options { address: address.parse().unwrap(), ..options }
}

#[test]
fn a_wrong_password_is_said_and_not_shown() {
    let Some(engine) = Engine::start(&["--requirepass", "secret word"]) else { return };
    let with = |who: &str| at(&format!("redis://{who}127.0.0.1:{}", engine.port), engine.options());
    let refused = said(&with(""));
    assert!(
        refused.contains("(NOAUTH ") && refused.contains("give the right password"),
        "{refused}"
    );
    for who in [":secret%20wort@", "al:secret%20word@"] {
        let refused = said(&with(who));
        assert!(refused.contains("(WRONGPASS): give the right password"), "{refused}");
    }
    Node::start(&with(":secret%20word@")).say("in");
    Node::start(&with("default:secret word@")).say("in");
}

#[test]
fn a_password_that_changes_meanwhile_is_said_until_it_is_right() {
    let Some(engine) = Engine::start(&["--requirepass", "secret"]) else { return };
    let options = at(&format!("redis://:secret@127.0.0.1:{}", engine.port), engine.options());
    let node = Node::start(&options);
    let ask = |password: &str, command: &[&str]| {
        engine.ask(&[&["--no-auth-warning", "-a", password], command].concat())
    };
    ask("secret", &["CONFIG", "SET", "requirepass", "other"]);
    ask("other", &["CLIENT", "KILL", "TYPE", "normal"]);
    node.wait_away("refused (WRONGPASS): give the right password, and the user if it has users");
    ask("other", &["CONFIG", "SET", "requirepass", "secret"]);
    node.wait_connected();
    node.say("again");
}

#[test]
fn something_else_at_the_keys_is_left_alone() {
    let Some(engine) = Engine::start(&[]) else { return };
    engine.ask(&["SET", "chat:log", "mine"]);
    let why = said(&engine.options());
    assert!(why.contains("one of its two keys is missing") || why.contains("(WRONGTYPE "), "{why}");
    assert_eq!(engine.ask(&["GET", "chat:log"]), "mine");
    engine.ask(&["SET", "chat:state", "mine too"]);
    let why = said(&engine.options());
    assert!(why.contains("(WRONGTYPE "), "{why}");

    engine.ask(&["FLUSHALL"]);
    drop(Node::start(&engine.options()));
    engine.ask(&["SET", "chat:state", "ordered-log 2 something"]);
    let why = said(&engine.options());
    assert!(why.contains("the state is of a later version"), "{why}");
    engine.ask(&["DEL", "chat:state"]);
    let why = said(&engine.options());
    assert!(why.contains("one of its two keys is missing; to begin anew "), "{why}");
}

#[test]
fn what_others_write_into_the_stream_is_left_out() {
    let Some(engine) = Engine::start(&[]) else { return };
    let node = Node::start(&engine.options());
    node.say("one");
    let epoch = engine.ask(&["XREVRANGE", "chat:log", "+", "-", "COUNT", "1"]);
    let id = format!("{}-*", epoch.split('-').next().unwrap());
    engine.ask(&["XADD", "chat:log", &id, "hello", "world"]);
    engine.ask(&["XADD", "chat:log", &id, "v1", "world"]);
    node.say("two");
    node.say("three");
    assert_eq!(node.log.counts().foreign, 2);
    // What a later version writes is not left out, for it means something.
    engine.ask(&["XADD", "chat:log", &id, "v2", "world"]);
    let why = node.wait_lost();
    assert!(why.contains("is of a later version; update this program"), "{why}");
}

#[test]
fn a_cluster_and_a_replica_are_not_what_is_needed() {
    let Some(cluster) = Engine::start(&["--cluster-enabled", "yes"]) else { return };
    let why = said(&cluster.options());
    assert!(why.contains("it is a cluster of Redis; give one engine that is not"), "{why}");
    let port = cluster.port.to_string();
    let Some(replica) = Engine::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let why = said(&replica.options());
    assert!(why.contains("(READONLY): it is a replica; give the address of "), "{why}");
}

#[test]
fn an_engine_that_may_remove_the_log_is_refused() {
    let Some(engine) = Engine::start(&["--maxmemory-policy", "allkeys-lru"]) else { return };
    // It never does, as long as it may use all memory.
    drop(Node::start(&engine.options()));
    engine.ask(&["CONFIG", "SET", "maxmemory", "100mb"]);
    let why = said(&engine.options());
    assert!(why.ends_with("set its maxmemory-policy to noeviction"), "{why}");
    engine.ask(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    drop(Node::start(&engine.options()));
}

/// What answers each connection with these texts, one for each thing that it is asked.
fn answers(answers: &'static [&'static str], options: Options) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        for answer in answers {
            let asked = socket.read(&mut [0; 1024]).unwrap();
            assert_ne!(asked, 0);
            socket.write_all(answer.as_bytes()).unwrap();
        }
    });
    let said = said(&at(&format!("redis://127.0.0.1:{port}"), options));
    thread.join().unwrap();
    said
}

#[test]
fn what_is_no_redis_or_an_old_one_is_said() {
    let options = Options::new("redis://localhost".parse().unwrap());
    for (texts, expected) in [
        (
            &[
                "$22\r\nredis_version:6.2.14\r\n\r\n",
                "$11\r\nrole:master\r\n",
                "$0\r\n\r\n",
                "$0\r\n\r\n",
            ][..],
            "it is Redis 6.2.14; Redis 7 or later is needed, or Valkey",
        ),
        (&["HTTP/1.1 400 Bad Request\r\n\r\n"], "this is no reply of Redis or Valkey"),
        (&[], "cannot be reached ("),
    ] {
        let said = answers(texts, options.clone());
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn an_engine_that_says_nothing_is_waited_for_no_longer_than_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let options = Options::new(address.parse().unwrap());
    let said = said(&Options { patience: Duration::from_millis(50), ..options });
    assert!(said.contains("no answer for 50 ms"), "{said}");
}

#[test]
fn all_goes_through_tls_where_the_address_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let CertifiedKey { cert, signing_key } = made;
    let certificate = Engine::file(&folder, "certificate", &cert.pem());
    let key = Engine::file(&folder, "key", &signing_key.serialize_pem());
    let held = Port::new();
    let port = held.address().port();
    let Some(engine) = Engine::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]) else {
        return;
    };
    let options = at(&format!("rediss://localhost:{port}"), engine.options());
    let stranger = said(&options);
    assert!(stranger.contains("certificate"), "{stranger}");
    let options = Options { authorities: Some(cert.pem().into_bytes()), ..options };
    let node = Node::start(&options);
    node.say(&"x".repeat(1_000_000));
    engine.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    node.say("again");
    // An address that the certificate is not for.
    let other = said(&at(&format!("rediss://127.0.0.1:{port}"), options.clone()));
    assert!(other.contains("certificate"), "{other}");
    // An engine without TLS waits for the end of the line.
    let options = Options { patience: Duration::from_millis(200), ..options };
    let plain = said(&at(&format!("rediss://localhost:{}", engine.port), options));
    assert!(plain.contains("no answer for 200 ms") || plain.contains("cannot be"), "{plain}");
    let nonsense = Options { authorities: Some(b"nonsense".to_vec()), ..engine.options() };
    let nonsense = said(&at("rediss://localhost", nonsense));
    assert!(nonsense.contains("give that of the engine"), "{nonsense}");
}
