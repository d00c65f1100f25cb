//! A socket, with or without TLS, whose every operation ends in time.

use std::io::{self, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::address::Address;
use crate::fault::Fault;
use crate::interrupt::Interrupt;
use crate::resp::{self, Reply};

/// The room for replies that have come.
const BUFFER: usize = 64 * 1024;

/// A connection to the engine: a request, then its reply.
pub struct Link {
    stream: BufReader<Stream>,
    request: Vec<u8>,
}

enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

/// A socket that gives up at the deadline, also when bytes drip in one by one.
struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

impl Link {
    /// Connects. The thread that does so, and all that it waits for here, ends by the interrupt.
    ///
    /// # Errors
    ///
    /// When no address of the host answers within `patience` each.
    pub fn open(
        address: &Address,
        tls: Option<&Arc<ClientConfig>>,
        interrupt: &Interrupt,
        patience: Duration,
    ) -> Result<Self, Fault> {
        let failed = |error: io::Error| Fault::of_io(&error, patience);
        let mut fault = Fault::Unreachable("its name has no address".to_owned());
        let place = (address.host.as_str(), address.port);
        for place in place.to_socket_addrs().map_err(failed)? {
            if interrupt.is_over() {
                return Err(Fault::Stopped);
            }
            match TcpStream::connect_timeout(&place, patience) {
                Ok(socket) => {
                    socket.set_nodelay(true).map_err(failed)?;
                    if !interrupt.watch(socket.try_clone().map_err(failed)?) {
                        return Err(Fault::Stopped);
                    }
                    return Self::over(socket, address, tls);
                }
                Err(error) => fault = failed(error),
            }
        }
        Err(fault)
    }

    fn over(
        socket: TcpStream,
        address: &Address,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Fault> {
        let timed = Timed { socket, deadline: Instant::now() };
        let stream = match tls {
            None => Stream::Plain(timed),
            Some(config) => {
                let unusable = |why: String| Fault::Unusable(format!("TLS is not possible: {why}"));
                let name = ServerName::try_from(address.host.clone())
                    .map_err(|error| unusable(error.to_string()))?;
                let connection = ClientConnection::new(Arc::clone(config), name)
                    .map_err(|error| unusable(error.to_string()))?;
                Stream::Tls(Box::new(StreamOwned::new(connection, timed)))
            }
        };
        Ok(Self { stream: BufReader::with_capacity(BUFFER, stream), request: Vec::new() })
    }

    /// Sends a command and waits for its reply, both together no longer than `patience`.
    ///
    /// # Errors
    ///
    /// When no reply comes. The connection is of no use then. An error that the engine replies is a
    /// [`Reply::Error`].
    pub fn ask(&mut self, command: &[&[u8]], patience: Duration) -> Result<Reply, Fault> {
        self.stream.get_mut().timed().deadline = Instant::now() + patience;
        self.request.clear();
        resp::command(command, &mut self.request);
        let sent = self.stream.get_mut().send(&self.request);
        // A state may be large, and is sent once in a while.
        self.request.shrink_to(1 << 20);
        sent.and_then(|()| resp::read(&mut self.stream))
            .map_err(|error| Fault::of_io(&error, patience))
    }
}

impl Stream {
    fn timed(&mut self) -> &mut Timed {
        match self {
            Self::Plain(timed) => timed,
            Self::Tls(stream) => &mut stream.sock,
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(timed) => timed.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(into)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What TLS needs: who may vouch for the engine.
///
/// # Errors
///
/// When nobody can.
pub fn tls(authorities: Option<&[u8]>) -> Result<Arc<ClientConfig>, Fault> {
    let unusable = |why: &str| Fault::Unusable(format!("TLS is not possible: {why}"));
    let mut roots = RootCertStore::empty();
    match authorities {
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|_| unusable("a certificate is no certificate in PEM"))?;
                roots
                    .add(certificate)
                    .map_err(|error| unusable(&format!("a certificate is not valid: {error}")))?;
            }
        }
    }
    if roots.is_empty() {
        return Err(unusable("there is no certificate of an authority; give that of the engine"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error.to_string()))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
