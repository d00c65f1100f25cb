//! The sockets: one for each network that this machine is in, at the group of multicast DNS.
//!
//! They share port 5353 with everybody else who speaks it on this machine. They are bound to the address
//! of the group, so they take nothing that was sent to another program.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

/// The port of multicast DNS (RFC 6762, section 3).
pub const PORT: u16 = 5353;

/// The group of multicast DNS.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// Bytes of a packet at most (section 17).
pub const PACKET_BYTES: usize = 9000;

/// Networks that are used. A machine with many containers may be in more.
pub const NETWORKS: usize = 16;

/// A network that this machine is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// What the system calls it.
    pub name: String,
    /// The addresses of this machine in it.
    pub addresses: Vec<Ipv4Addr>,
}

/// The networks that have many machines and are up, the first of them if there are very many.
///
/// # Errors
///
/// When the system does not say.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let (needed, unwanted) = (
        InterfaceFlags::IFF_UP | InterfaceFlags::IFF_MULTICAST,
        InterfaceFlags::IFF_LOOPBACK | InterfaceFlags::IFF_POINTOPOINT,
    );
    let mut interfaces: Vec<Interface> = Vec::new();
    for entry in getifaddrs()? {
        let address = entry.address.and_then(|address| Some(address.as_sockaddr_in()?.ip()));
        let Some(address) = address else { continue };
        if !entry.flags.contains(needed) || entry.flags.intersects(unwanted) {
            continue;
        }
        let name = entry.interface_name;
        match interfaces.iter_mut().find(|interface| interface.name == name) {
            Some(interface) => interface.addresses.push(address),
            None => interfaces.push(Interface { name, addresses: vec![address] }),
        }
    }
    interfaces.truncate(NETWORKS);
    Ok(interfaces)
}

/// The group of multicast DNS in some networks.
#[derive(Debug, Default)]
pub struct Group {
    networks: Vec<(Interface, UdpSocket)>,
    /// Which is looked at first, so that a flood in one network does not hide the others.
    first: usize,
}

/// What a [`Group`] was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A packet came, from one of the networks, and has so many bytes.
    Packet {
        /// The place of the network among those that were joined.
        network: usize,
        /// Who sent it.
        from: SocketAddrV4,
        /// Its bytes.
        length: usize,
    },
    /// The deadline came.
    Late,
    /// The other end of what wakes is closed.
    Woken,
}

impl Group {
    /// Joins the group in these networks, or in those of them where it can be joined.
    ///
    /// # Errors
    ///
    /// When that is none, although there is one.
    pub fn join(interfaces: Vec<Interface>) -> io::Result<Self> {
        let (mut networks, mut failed) = (Vec::new(), Ok(()));
        for interface in interfaces {
            match join(&interface) {
                Ok(socket) => networks.push((interface, socket)),
                Err(error) => failed = Err(error),
            }
        }
        if networks.is_empty() {
            failed?;
        }
        Ok(Self { networks, first: 0 })
    }

    /// The networks. Their places here are what all others of these functions count by.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.networks.iter().map(|(interface, _)| interface)
    }

    /// Sends a packet to everybody in a network.
    ///
    /// # Errors
    ///
    /// When the network does not take it. It may take the next one.
    pub fn send(&self, network: usize, packet: &[u8]) -> io::Result<()> {
        self.send_to(network, packet, SocketAddrV4::new(GROUP, PORT))
    }

    /// Sends a packet to one machine of a network.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn send_to(&self, network: usize, packet: &[u8], to: SocketAddrV4) -> io::Result<()> {
        loop {
            match self.networks[network].1.send_to(packet, to) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent.map(drop),
            }
        }
    }

    /// Waits for a packet of somebody, which is put into `packet`, as far as it fits. The deadline comes,
    /// and `woken` is heard, also while packets come without a pause.
    ///
    /// # Errors
    ///
    /// When the system cannot watch the sockets, or one of the networks is gone.
    pub fn wait(
        &mut self,
        packet: &mut [u8],
        woken: Option<BorrowedFd<'_>>,
        deadline: Instant,
    ) -> io::Result<Event> {
        loop {
            let ready = self.ready(woken, deadline)?;
            if woken.is_some() && ready.last() == Some(&true) {
                return Ok(Event::Woken);
            }
            if deadline <= Instant::now() {
                return Ok(Event::Late);
            }
            let count = self.networks.len();
            for network in (self.first..self.first + count).map(|at| at % count) {
                if !ready[network] {
                    continue;
                }
                match self.networks[network].1.recv_from(packet) {
                    Ok((length, SocketAddr::V4(from))) => {
                        self.first = network + 1;
                        return Ok(Event::Packet { network, from, length });
                    }
                    Ok(_) => {}
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                        ) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Which of the sockets, and of what wakes behind them, are ready.
    fn ready(&self, woken: Option<BorrowedFd<'_>>, deadline: Instant) -> io::Result<Vec<bool>> {
        let sockets = self.networks.iter().map(|(_, socket)| socket.as_fd());
        let mut watched: Vec<_> =
            sockets.chain(woken).map(|file| PollFd::new(file, PollFlags::POLLIN)).collect();
        let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut watched, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        // A state that the library has no name for is one to look at.
        Ok(watched.iter().map(|file| file.any().unwrap_or(true)).collect())
    }
}

/// A socket at the group in one network.
fn join(interface: &Interface) -> io::Result<UdpSocket> {
    let index = if_nametoindex(interface.name.as_str())?;
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Both, since systems differ in which of them lets programs share a port.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddrV4::new(GROUP, PORT).into())?;
    socket.join_multicast_v4_n(&GROUP, &InterfaceIndexOrAddress::Index(index))?;
    // Else it would hear the networks that other sockets of this machine have joined.
    #[cfg(target_os = "linux")]
    socket.set_multicast_all_v4(false)?;
    if let Some(address) = interface.addresses.first() {
        socket.set_multicast_if_v4(address)?;
    }
    // Whoever gets a packet with less knows that it comes from another network (section 11).
    socket.set_multicast_ttl_v4(255)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
