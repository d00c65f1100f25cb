//! The end of a session: why it ends, and what is done then.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use crate::chat::Chat;
use crate::delivery::client::Client;
use crate::delivery::closer::{Closer, Connection, LINGER};
use crate::delivery::phase::{DeliveryEnd, Removal};

/// Why a session came to its end. The text is for the server's log.
#[derive(Debug, thiserror::Error)]
pub enum SessionEnd {
    #[error("logged out")]
    LoggedOut,
    #[error("ended its input")]
    EndOfInput,
    #[error("closed by the server")]
    Closed,
    #[error("refused, for {0}")]
    Refused(&'static str),
    #[error("lost: {0}")]
    Lost(io::Error),
    #[error("removed, with `{}`", .0.reply())]
    Removed(Removal),
}

/// Waits until a client was sent everything up to its [`Item::Close`], frees its name, and hands its
/// connection to the closer.
pub fn disconnect(
    chat: &Chat,
    client: &Arc<Client>,
    closer: &Closer,
    is_in_login_room: bool,
) -> DeliveryEnd {
    chat.deliver(client);
    if is_in_login_room && !client.outbox.has_ended_until(Instant::now() + LINGER) {
        // A client that has not logged in shall not stay by taking its replies slowly. When the socket is
        // shut the courier finds that nothing can be sent any more, and ends the delivery.
        client.socket.shut_write();
    }
    let delivery = client.outbox.wait_for_end();
    chat.disconnect(client);
    if delivery == DeliveryEnd::Delivered && client.is_open() {
        closer.close(Arc::clone(client) as Arc<dyn Connection>);
    }
    delivery
}
