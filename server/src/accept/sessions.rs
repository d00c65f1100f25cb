//! The threads of clients: first that of the handshake, where there is TLS, then that of the session.

use std::io;
use std::sync::Arc;
use std::thread::{self, Scope};

use protocol::Reply;

use crate::accept::handshake;
use crate::accept::threads::{STACK_BYTES, Threads};
use crate::chat::Chat;
use crate::config::Config;
use crate::delivery::client::Client;
use crate::delivery::closer::Closer;
use crate::delivery::item::Item;
use crate::log::position::Position;
use crate::session;
use crate::web::Site;

/// A handshake calculates on its stack, in a build for debugging much more.
///
/// The C library keeps stacks of threads that have ended, with the pages that were used, and gives one
/// to the next thread that wants no less than a quarter of it. This one is more than four times as large
/// as a session's: else most sessions would have one that a handshake has used, and all its pages.
const HANDSHAKE_STACK_BYTES: usize = 1024 * 1024;
const _: () = assert!(HANDSHAKE_STACK_BYTES > 5 * STACK_BYTES);

/// Starts sessions. This is what each of them needs beside its client.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'scope> {
    /// Where all clients talk.
    pub chat: &'scope Chat,
    /// What the server was told.
    pub config: &'scope Config,
    /// The page for browsers.
    pub site: &'scope Site,
    /// Closes connections at their end.
    pub closer: &'scope Closer,
}

impl<'scope> Sessions<'scope> {
    /// Starts the session of a client, which may send `burst` lines at once at first.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn begin(
        self,
        client: &Arc<Client>,
        burst: u32,
        threads: &Arc<Threads<'scope>>,
        scope: &'scope Scope<'scope, '_>,
    ) -> io::Result<()> {
        let Self { chat, config, site, closer } = self;
        let client = Arc::clone(client);
        threads.run(scope, move || session::run(chat, &client, config, site, closer, burst))
    }

    /// The same once the handshake is done, which has a thread of its own.
    ///
    /// # Errors
    ///
    /// When there is none for the handshake. When there is none for the session later, the client is told.
    pub fn begin_with_handshake(
        self,
        client: &Arc<Client>,
        burst: u32,
        threads: Arc<Threads<'scope>>,
        scope: &'scope Scope<'scope, '_>,
    ) -> io::Result<()> {
        let client = Arc::clone(client);
        let builder = thread::Builder::new().name(format!("handshake-{}", client.id));
        let shake = move || match handshake::shake(&client) {
            Ok(()) => {
                if let Err(error) = self.begin(&client, burst, &threads, scope) {
                    log::warn!("{} is refused: {error}; see `ulimit -u`", client.address);
                    self.let_go(client);
                }
            }
            Err(failure) => {
                drop(client.post(Position::default(), Item::Close));
                let delivery = session::disconnect(self.chat, &client, self.closer, true);
                log::info!("{} (nobody) is gone: {failure}; {delivery}", client.address);
            }
        };
        builder.stack_size(HANDSHAKE_STACK_BYTES).spawn_scoped(scope, shake).map(drop)
    }

    /// Tells a client that there is no thread for it.
    pub fn let_go(self, client: Arc<Client>) {
        client.reply(Position::default(), Reply::ServerFull);
        drop(client.post(Position::default(), Item::Close));
        // A new socket takes so short a text at once, so this is no long wait.
        client.outbox.wait_for_end();
        self.chat.disconnect(&client);
        self.closer.close(client);
    }
}
