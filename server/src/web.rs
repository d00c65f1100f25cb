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
pub mod origin;
pub mod page;
pub mod websocket;
