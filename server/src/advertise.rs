//! Tells the local network that the server is here, so that `chat-client find` and programs as
//! `avahi-browse` find it.
//!
//! It does so only where somebody can come in by what it tells: the server listens for clients at an
//! address of IPv4 that is not this machine's alone. What is told is the name of the machine, its
//! addresses there, and the ports. With `--hidden` the server tells nothing.
//!
//! A thread of its own, `advertise`, waits at the sockets. It has no lock, knows no client, and keeps
//! nothing of what the network says ([`Responder`]). When it fails the chat goes on, and the log says so.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use chat_discovery::network::{Event, Group, Interface, NETWORKS, PACKET_BYTES, interfaces};
use chat_discovery::responder::Responder;
use chat_discovery::service::Service;
use fastrand::Rng;
use nix::unistd::gethostname;
use protocol::Framing;

use crate::config::{Endpoint, Transport};

/// How often it is looked which networks this machine is in: a laptop is carried about.
const LOOK: Duration = Duration::from_secs(10);

/// Descriptors that the thread may take at any time: one a network.
pub const DESCRIPTORS: u64 = NETWORKS as u64;

/// What a server is called whose machine has no name of its own.
const NAMELESS: &str = "chat";

/// The thread that tells the network. Dropped, it says that the server is gone, and is joined.
#[derive(Debug)]
pub struct Advertiser {
    /// `None` once the thread is to end.
    end: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Advertiser {
    /// Starts to tell of a server that listens there. `None` when nobody else could come in.
    ///
    /// # Errors
    ///
    /// When the system has no thread or descriptor to give.
    pub fn start(endpoints: &[Endpoint]) -> io::Result<Option<Self>> {
        let Some(way) = Way::of(endpoints) else { return Ok(None) };
        let service = Service::new(&machine(), way.port, way.tls);
        let (end, ended) = UnixStream::pair()?;
        let group = Group::default();
        let telling =
            Telling { service, way, group, responders: Vec::new(), told: None, has_warned: false };
        let builder = Builder::new().name("advertise".to_owned());
        let thread = builder.spawn(move || telling.run(&ended))?;
        Ok(Some(Self { end: Some(end), thread: Some(thread) }))
    }
}

impl Drop for Advertiser {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that tells the local network has panicked");
        }
    }
}

/// The name of this machine, without its domain.
fn machine() -> String {
    let name = gethostname().unwrap_or_default().to_string_lossy().into_owned();
    let first = name.split('.').next().unwrap_or_default();
    if first.is_empty() || first == "localhost" { NAMELESS.to_owned() } else { first.to_owned() }
}

/// Whether others could come in to a server that listens there, so that it is of use to tell them.
#[must_use]
pub fn is_of_use(endpoints: &[Endpoint]) -> bool {
    Way::of(endpoints).is_some()
}

/// How others come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    /// At which address of this machine. `0.0.0.0` is each.
    at: Ipv4Addr,
    port: u16,
    tls: Option<u16>,
}

impl Way {
    /// The first way without TLS, and the one with TLS at the same address, or that one alone.
    fn of(endpoints: &[Endpoint]) -> Option<Self> {
        let ways = |is_tls| {
            let meant = endpoints.iter().filter(move |endpoint| {
                endpoint.transport == Transport::Tcp
                    && endpoint.framing == Framing::Line
                    && endpoint.is_tls == is_tls
            });
            meant.filter_map(|endpoint| {
                Some((reachable(endpoint.address.ip())?, endpoint.address.port()))
            })
        };
        let Some((at, port)) = ways(false).next() else {
            let (at, port) = ways(true).next()?;
            return Some(Self { at, port, tls: Some(port) });
        };
        let tls = ways(true).find(|(there, _)| there.is_unspecified() || *there == at);
        Some(Self { at, port, tls: tls.map(|(_, port)| port) })
    }
}

/// The address as others reach it. `None` when they do not, over IPv4.
fn reachable(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) if address.is_loopback() => None,
        IpAddr::V4(address) => Some(address),
        // It takes IPv4 as well.
        IpAddr::V6(address) if address.is_unspecified() => Some(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => None,
    }
}

/// What the thread has.
struct Telling {
    service: Service,
    way: Way,
    group: Group,
    /// One for each network of the group.
    responders: Vec<Responder>,
    /// The name that the log has said last.
    told: Option<String>,
    /// Whether the log has said why there is none.
    has_warned: bool,
}

impl Telling {
    fn run(mut self, ended: &UnixStream) {
        let mut packet = vec![0; PACKET_BYTES];
        let mut look = Instant::now();
        loop {
            if look <= Instant::now() {
                if let Err(error) = self.look()
                    && !std::mem::replace(&mut self.has_warned, true)
                {
                    log::warn!("the local network is not told of this server: {error}");
                }
                look = Instant::now() + LOOK;
            }
            self.send();
            let due = self.responders.iter().filter_map(Responder::due);
            let deadline = due.chain([look]).min().unwrap_or(look);
            match self.group.wait(&mut packet, Some(ended.as_fd()), deadline) {
                Ok(Event::Woken) => return self.leave(),
                Ok(Event::Late) => {}
                Ok(Event::Packet { network, from, length }) => {
                    let responder = &mut self.responders[network];
                    let answer = responder.heard(&packet[..length], from, Instant::now());
                    // A program that does not get the answer asks again.
                    let _ = answer.map(|answer| self.group.send_to(network, &answer, from));
                }
                Err(error) if self.responders.is_empty() => {
                    return log::error!("the local network is told nothing any more: {error}");
                }
                Err(error) => {
                    log::debug!("a network is gone: {error}");
                    self.responders.clear();
                    self.group = Group::default();
                }
            }
        }
    }

    /// Looks which networks there are. In those that have stayed, all goes on.
    fn look(&mut self) -> io::Result<()> {
        let is_way = |address: &Ipv4Addr| self.way.at.is_unspecified() || *address == self.way.at;
        let mut found = interfaces()?;
        found.iter_mut().for_each(|interface| interface.addresses.retain(is_way));
        found.retain(|interface| !interface.addresses.is_empty());
        if self.group.interfaces().eq(&found) {
            return Ok(());
        }
        let before: Vec<Interface> = self.group.interfaces().cloned().collect();
        let mut before: Vec<_> = before.into_iter().zip(self.responders.drain(..)).collect();
        // The old sockets go first, so that there are never more than one a network.
        self.group = Group::default();
        self.group = Group::join(found)?;
        for interface in self.group.interfaces() {
            let stayed = before.iter().position(|(known, _)| known == interface);
            self.responders.push(match stayed {
                Some(at) => before.swap_remove(at).1,
                None => {
                    let addresses = interface.addresses.clone();
                    Responder::new(self.service.clone(), addresses, Rng::new(), Instant::now())
                }
            });
        }
        Ok(())
    }

    /// Sends what is due, and says in the log under which name the server is known.
    fn send(&mut self) {
        for (network, responder) in self.responders.iter_mut().enumerate() {
            for packet in responder.packets(Instant::now()) {
                if let Err(error) = self.group.send(network, &packet) {
                    log::debug!("a network takes no packet: {error}");
                }
            }
            if let Some(name) = responder.name()
                && self.told.as_deref() != Some(name)
            {
                log::info!("the local network finds this server as {name}, unless it is --hidden");
                self.told = Some(name.to_owned());
            }
        }
    }

    fn leave(&self) {
        for (network, responder) in self.responders.iter().enumerate() {
            // A program that does not hear it finds out in two minutes.
            let _ = responder.goodbye().map(|packet| self.group.send(network, &packet));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_can_come_in_is_told() {
        let line = |address: &str| Endpoint::line(address.parse().unwrap());
        let tls = |address: &str| Endpoint::tls(address.parse().unwrap());
        let classic = Endpoint::classic("0.0.0.0:9".parse().unwrap());
        let web = Endpoint::web("0.0.0.0:8".parse().unwrap());
        for (endpoints, expected) in [
            (vec![line("127.0.0.1:1"), line("[::1]:2"), classic, web], None),
            (vec![line("127.0.0.1:1"), line("0.0.0.0:2")], Some(("0.0.0.0", 2, None))),
            (vec![line("10.0.0.7:1"), line("0.0.0.0:2")], Some(("10.0.0.7", 1, None))),
            (vec![line("[::]:1")], Some(("0.0.0.0", 1, None))),
            (vec![line("[fd00::1]:1")], None),
            (vec![line("127.0.0.1:1"), tls("0.0.0.0:2")], Some(("0.0.0.0", 2, Some(2)))),
            (vec![line("0.0.0.0:1"), tls("0.0.0.0:2")], Some(("0.0.0.0", 1, Some(2)))),
            (vec![line("10.0.0.7:1"), tls("10.0.0.7:2")], Some(("10.0.0.7", 1, Some(2)))),
            (vec![line("10.0.0.7:1"), tls("10.0.0.8:2")], Some(("10.0.0.7", 1, None))),
        ] {
            let expected =
                expected.map(|(at, port, tls)| Way { at: at.parse().unwrap(), port, tls });
            assert_eq!(Way::of(&endpoints), expected, "{endpoints:?}");
        }
    }
}
