//! Which server is tried when, with answers that a table gives instead of a network.

use std::collections::BTreeMap;
use std::io;

use protocol::Reply;

use super::*;

/// The addresses that a round tries, and what it comes to. `answer` says what each of them does.
fn round(
    servers: &Servers,
    mut answer: impl FnMut(u16) -> Result<u16, ConnectError>,
) -> (Vec<u16>, Result<u16, ConnectError>) {
    let mut tried = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    let result = servers.try_each(deadline, |_, address, _| {
        tried.push(address.port());
        answer(address.port())
    });
    (tried, result)
}

fn refused(port: u16) -> ConnectError {
    let error = io::Error::from(io::ErrorKind::ConnectionRefused);
    ConnectError::Refused { server: format!("127.0.0.1:{port}"), error }
}

const THREE: &str = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3";

#[test]
fn an_address_that_swallows_everything_leaves_time_for_the_others() {
    let ten = Duration::from_secs(10);
    assert_eq!(share(ten, 0), ten);
    assert_eq!(share(ten, 1), ten / 2);
    assert_eq!(share(ten, 4), ten / 5);
    assert_eq!(share(Duration::ZERO, 1), SHORTEST);
}

#[test]
fn they_are_tried_in_the_order_of_the_user_until_one_lets_in() {
    let servers = Servers::from(THREE);
    let (tried, result) = round(&servers, |port| match port {
        2 => Ok(port),
        _ => Err(refused(port)),
    });
    assert_eq!((tried, result.unwrap()), (vec![1, 2], 2));
    let (tried, result) = round(&servers, |port| Err(refused(port)));
    assert_eq!(tried, [1, 2, 3]);
    let all = "none of 3 servers lets you in: connection refused (127.0.0.1:1, 127.0.0.1:2, \
               127.0.0.1:3); are they running?";
    assert_eq!(result.unwrap_err().to_string(), all);
}

#[test]
fn an_answer_that_all_would_give_ends_the_round() {
    let taken = || ConnectError::Login(Reply::UserNameExist.to_string());
    for error in [taken as fn() -> _, || ConnectError::Banned(5)] {
        let (tried, result) = round(&Servers::from(THREE), |_| Err(error()));
        assert_eq!((tried, result.unwrap_err().cause()), (vec![1], error().cause()));
    }
    // One that is busy may leave it to another.
    let busy = || ConnectError::Login(Reply::PasswordQueueFull.to_string());
    let (tried, _) = round(&Servers::from(THREE), |_| Err(busy()));
    assert_eq!(tried, [1, 2, 3]);
}

#[test]
fn who_loses_the_same_server_spreads_over_all_others_and_tries_it_last() {
    let servers = Servers::from(THREE).after(Some("127.0.0.1:2".parse().unwrap()));
    let mut first = BTreeMap::<_, u32>::new();
    for _ in 0..300 {
        let (tried, _) = round(&servers, |port| Err(refused(port)));
        assert_eq!((tried.len(), tried[2]), (3, 2), "{tried:?}");
        *first.entry(tried[0]).or_default() += 1;
    }
    // That one of two has less than a third of 300 is a matter of one in a hundred million.
    assert!(first.len() == 2 && first.values().all(|&count| count > 100), "{first:?}");
}

#[test]
fn a_round_that_is_out_of_time_says_so_of_who_is_left() {
    let servers = Servers::from(THREE);
    let mut tried = 0;
    let result = servers.try_each(Instant::now(), |_, address, _| {
        tried += 1;
        Err::<(), _>(refused(address.port()))
    });
    assert_eq!(tried, 1);
    let text = result.unwrap_err().to_string();
    assert!(text.contains("no time was left for it (127.0.0.1:2, 127.0.0.1:3)"), "{text}");
}

#[test]
fn one_server_fails_as_it_always_has() {
    let (_, result) = round(&Servers::from("127.0.0.1:1"), |port| Err(refused(port)));
    let text = "cannot connect to 127.0.0.1:1: connection refused; is the server running there?";
    assert_eq!(result.unwrap_err().to_string(), text);
}

/// The ports of the addresses that are to be tried now.
fn planned(servers: &Servers, found: &[u16]) -> Vec<u16> {
    let found = found.iter().map(|&port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
    let mut steps = VecDeque::from([Step::Find(&servers.targets[0])]);
    servers.plan(&servers.targets[0], found, &mut Rng::new(), &mut steps);
    let planned = steps.iter().map(|step| match step {
        Step::Find(_) => 0,
        Step::Try(_, address) => address.port(),
    });
    planned.collect()
}

#[test]
fn each_address_of_a_name_is_a_server_of_its_own() {
    let servers = Servers::from("chat.example");
    // As the system has them, and before the servers that stand behind the name in the list.
    assert_eq!(planned(&servers, &[1, 2, 3]), [1, 2, 3, 0]);
    let servers = servers.after(Some("127.0.0.1:2".parse().unwrap()));
    for _ in 0..20 {
        let mut order = planned(&servers, &[1, 2, 3]);
        assert_eq!(order.split_off(2), [0, 2], "the one that was lost comes behind all others");
        order.sort_unstable();
        assert_eq!(order, [1, 3]);
    }
}
