//! Ports for servers of tests that come later, or come again.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket, sockopt,
};

/// A port of this machine's own that is a test's until this is dropped: nobody who asks for any port is given
/// it, and nobody who connects comes from it. A server that is told the port can listen there all the same,
/// as both ask for `SO_REUSEADDR` and this one does not listen (socket(7)); until then nobody does.
#[derive(Debug)]
pub struct Port {
    address: SocketAddrV4,
    _held: OwnedFd,
}

impl Port {
    pub fn new() -> Self {
        let kind = (AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC);
        let held = socket(kind.0, kind.1, kind.2, None).unwrap();
        setsockopt(&held, sockopt::ReuseAddr, &true).unwrap();
        let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        bind(held.as_raw_fd(), &SockaddrIn::from(any)).unwrap();
        let address = SocketAddrV4::from(getsockname::<SockaddrIn>(held.as_raw_fd()).unwrap());
        Self { address, _held: held }
    }

    pub fn address(&self) -> SocketAddr {
        self.address.into()
    }
}
