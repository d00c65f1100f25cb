//! The chat for browsers: one page over HTTP, and the same lines as everywhere over a WebSocket.
//!
//! Everything in here turns bytes into values and values into bytes. Nothing knows a socket, a
//! thread or a room: sessions read and couriers write, as for every other client.
//!
//! | module | what it is |
//! |---|---|
//! | `http` | the head of a request, and the answers to it |
//! | `origin` | which web sites may speak for a browser's user |
//! | `page` | the page, and the hashes of its parts |
//! | `websocket` | frames of a browser into text, and lines into frames |

pub mod http;
mod origin;
mod page;
pub mod websocket;

use origin::Names;
pub use origin::Origin;
use page::Page;

/// What a server has for browsers.
#[derive(Debug)]
pub struct Site {
    /// The names that browsers may know it by.
    pub names: Names,
    /// The page.
    pub page: Page,
}

impl Site {
    /// With these names beside those of this machine, and these other servers of the same chat.
    #[must_use]
    pub fn new(names: &[String], others: &[Origin]) -> Self {
        let machine = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        Self { names: Names::new(machine.as_deref(), names, others), page: Page::new(others) }
    }
}
