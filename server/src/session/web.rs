//! What a session does with the bytes of a browser: an HTTP request, and then perhaps frames.

use protocol::{LineDecoder, Reply};

use super::input::Input;
use super::{Session, SessionEnd, Step};
use crate::delivery::item::Item;
use crate::log::position::Position;
use crate::trace;
use crate::web::http::{self, Wanted};
use crate::web::websocket::End;

impl Session<'_> {
    /// Takes more of the head of a request, and answers it once it is whole.
    pub(super) fn take_http(
        &mut self,
        bytes: &[u8],
        decoder: &mut LineDecoder,
        received: &mut trace::Received,
    ) -> Step {
        let Input::Http(head) = &mut self.input else { return Ok(()) };
        head.extend_from_slice(bytes);
        match http::read(head, &self.site.names) {
            Ok(None) => Ok(()),
            Ok(Some(Wanted::Page { has_body })) => {
                self.answer_http(http::page(&self.site.page, has_body));
                Err(SessionEnd::Refused("it only wanted the page"))
            }
            Ok(Some(Wanted::WebSocket { accept, head_bytes })) => {
                // What stands behind the head belongs to the WebSocket already.
                let frames = head.split_off(head_bytes);
                self.input = Input::Frames(Box::default());
                self.post_http(http::switch(&accept), true);
                self.reply(Reply::ConnectSuccess);
                self.take_frames(&frames, decoder, received)
            }
            Err(refusal) => {
                self.answer_http(refusal.to_bytes());
                Err(SessionEnd::Refused("its HTTP request was not granted"))
            }
        }
    }

    /// Takes frames, which the network may have cut anywhere.
    pub(super) fn take_frames(
        &mut self,
        mut bytes: &[u8],
        decoder: &mut LineDecoder,
        received: &mut trace::Received,
    ) -> Step {
        let mut pongs = Vec::new();
        let end = loop {
            let Input::Frames(frames) = &mut self.input else { return Ok(()) };
            match frames.next(&mut bytes, &mut pongs) {
                Ok(Some(text)) => self.take_text(text.as_bytes(), decoder, received)?,
                Ok(None) => break None,
                Err(end) => break Some(end),
            }
        };
        if !pongs.is_empty() {
            self.client.post_pongs(pongs);
        }
        match end {
            None => Ok(()),
            Some(End::Closed) => {
                self.take_rest(decoder)?;
                Err(SessionEnd::EndOfInput)
            }
            Some(End::Broken(code)) => {
                self.client.outbox.set_close_code(code);
                Err(SessionEnd::Refused("it breaks the rules of WebSocket"))
            }
        }
    }

    /// The one answer to a request that leads to no WebSocket.
    pub(super) fn answer_http(&mut self, answer: Vec<u8>) {
        self.post_http(answer, false);
    }

    fn post_http(&mut self, bytes: Vec<u8>, is_upgrade: bool) {
        drop(self.client.post(Position::default(), Item::Http { bytes, is_upgrade }));
    }
}
