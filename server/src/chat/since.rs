//! The answer to `since`: what a client was not sent, by its position.

use jiff::Timestamp;
use protocol::Reply;
use protocol::limits::HISTORY_MOST_LINES;

use super::Seat;
use crate::delivery::client::Client;
use crate::delivery::item::Item;

impl Seat {
    /// Answers `since`. Without a position, with the present one. With a position, with the lines between
    /// it and the client's entry into the room: the client got all later ones as they were said.
    pub fn since(&self, client: &Client, position: Option<protocol::Position<'_>>) {
        let log = self.log.lock();
        let end = log.end();
        let Some(position) = position else {
            let (time, lines) = log.stamp_of_end();
            let time = format!("{time:.3}");
            let position = protocol::Position { time: &time, lines }.to_string();
            return client.reply(end, Reply::Position(&position));
        };
        let oldest = log.start_of_last(HISTORY_MOST_LINES);
        let time = position.time.parse::<Timestamp>().ok();
        let from = time.and_then(|time| log.position_at(time, position.lines));
        let from = match from.filter(|from| *from >= oldest) {
            Some(from) => from,
            None => {
                client.reply(end, Reply::PositionGone(&position.to_string()));
                oldest
            }
        };
        drop(client.post(end, Item::History { from, end: from.max(self.entered) }));
    }
}
