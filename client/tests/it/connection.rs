//! The library's connection, for those who build other modes on it.

use std::time::Duration;

use chat_client::net::{ConnectError, Connection, LineReader};
use protocol::Framing;

use crate::real_server::RealServer;

#[test]
fn a_refused_name_can_be_followed_by_another_on_the_same_connection() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    for (address, framing) in [(server.address, Framing::Line), (server.classic, Framing::Classic)]
    {
        let mut connection =
            Connection::open(address.to_string(), Duration::from_secs(10)).unwrap();
        for (name, answer) in
            [("bob", "UserName Exist"), ("", "UserName Empty"), ("BOB", "UserName Exist")]
        {
            let refused = connection.log_in(name, None);
            assert!(
                matches!(&refused, Err(ConnectError::Login(text)) if text == answer),
                "{refused:?}"
            );
        }
        assert_eq!(connection.log_in("al", None).unwrap(), framing);
        let (mut sender, receiver) = connection.split().unwrap();
        sender.send(b"say hi\nping x\nlogout\n").unwrap();
        let mut lines = LineReader::new(receiver);
        let mut received = Vec::new();
        while let Some(batch) = lines.next_batch().unwrap() {
            received.extend(batch.into_iter().map(Result::unwrap));
        }
        assert_eq!(received, ["al: hi", "pong x"]);
        bob.read_to("al has left the room.");
    }
}
