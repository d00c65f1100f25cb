//! Servers of the local network: how one is found there, and how one looks for them.
//!
//! It is DNS-SD (RFC 6763) over multicast DNS (RFC 6762), as printers have it, for the service
//! `_chat._tcp` and over IPv4. `avahi-browse` and others of its kind see a server as any other service.
//!
//! Each file may use those that stand below it here, and nothing else:
//!
//! | file | what it is for |
//! |---|---|
//! | [`responder`] | a server's side: its name, and the answers; pure, told what came and what time it is |
//! | [`search`] | a client's side: questions, and what was found; pure |
//! | `answers` | what a server says of itself: records and packets of them |
//! | [`service`] | what there is to tell of a server, as records of DNS |
//! | `packet` | packets, in and out |
//! | [`network`] | the sockets: one for each network that this machine is in |
//!
//! There is no thread here and no global state: who uses it waits at [`network::Group`]. What comes from
//! the network is never trusted. A packet is read by `simple-dns` or dropped, a [`responder::Responder`]
//! keeps nothing of it, and a [`search::Search`] a bounded part.

mod answers;
pub mod network;
mod packet;
pub mod responder;
pub mod search;
pub mod service;
