//! Many clients that do the same at the same moment.

use std::thread;

use crate::support::TestClient;

/// Each of them acts in a thread of its own. Gives what came of it, in their order.
pub fn at_once<T: Send>(
    clients: &mut [TestClient],
    act: impl Fn(usize, &mut TestClient) -> T + Sync,
) -> Vec<T> {
    let act = &act;
    thread::scope(|scope| {
        let clients = clients.iter_mut().enumerate();
        let threads: Vec<_> =
            clients.map(|(number, client)| scope.spawn(move || act(number, client))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// All of them, who are `user0` and so on, say so many lines. They see one order, in which all lines stand.
#[track_caller]
pub fn all_see_one_order(clients: &mut [TestClient], lines: usize) {
    let count = clients.len() * lines;
    let said: String = (0..lines).map(|number| format!("say line {number}\n")).collect();
    let seen = at_once(clients, |_, client| {
        client.send(&said);
        let seen: Vec<_> = (0..count).map(|_| client.line()).collect();
        client.expect_nothing_but("done");
        seen
    });
    for (number, other) in seen.iter().enumerate() {
        assert!(*other == seen[0], "user{number} has another order than user0");
        // So many from each are all that there are.
        let own = format!("user{number}: line ");
        let own = seen[0].iter().filter_map(|line| line.strip_prefix(&own)?.parse::<usize>().ok());
        assert!(own.eq(0..lines), "the lines of user{number}");
    }
}
