//! The bytes of a connection to a server, with TLS or without. Two threads share it: one sends, one
//! receives.
//!
//! With TLS both use one state, behind a lock that nobody holds while calling the socket. Records have
//! numbers, so they must be sent in the order in which they were made: the thread that sends has the
//! *turn* until its records are sent. The one that receives never sends: what TLS itself has to answer after the handshake
//! goes with the next bytes that are sent.

use std::io::{self, BufRead, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// A connection, of which any number of handles can be made.
#[derive(Debug, Clone)]
pub struct Wire(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stream: TcpStream,
    tls: Option<Tls>,
}

#[derive(Debug)]
struct Tls {
    connection: Mutex<ClientConnection>,
    /// Locked by who sends, until all of it is sent, and taken before the connection.
    turn: Mutex<()>,
}

impl Wire {
    /// A connection over plain TCP.
    #[must_use]
    pub fn plain(stream: TcpStream) -> Self {
        Self(Arc::new(Inner { stream, tls: None }))
    }

    /// Makes a connection one of TLS, with a server that must be `host`.
    ///
    /// # Errors
    ///
    /// When the server is not trusted, does not speak TLS, or takes longer than until `deadline`.
    pub fn tls(
        stream: TcpStream,
        config: Arc<ClientConfig>,
        host: &str,
        deadline: Instant,
    ) -> io::Result<Self> {
        // An address of IPv6 may name a network of this machine, which no certificate does.
        let host = host.split('%').next().unwrap_or_default().to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(config, name).map_err(invalid)?;
        connection.set_buffer_limit(None);
        let shaken = shake(&mut connection, &stream, deadline);
        // Also after an error, for the server is told why.
        let told = (&stream).write_all(&records(&mut connection)?);
        shaken?;
        told?;
        let tls = Tls { connection: Mutex::new(connection), turn: Mutex::new(()) };
        Ok(Self(Arc::new(Inner { stream, tls: Some(tls) })))
    }

    /// Sends bytes, all of them.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let Inner { stream, tls } = &*self.0;
        let Some(tls) = tls else { return (&mut &*stream).write_all(bytes) };
        let _turn = tls.turn.lock();
        let mut connection = tls.connection.lock();
        connection.writer().write_all(bytes)?;
        let records = records(&mut connection)?;
        drop(connection);
        (&mut &*stream).write_all(&records)
    }

    /// Tells the server that nothing follows.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn finish(&self) -> io::Result<()> {
        let Inner { stream, tls } = &*self.0;
        if let Some(tls) = tls {
            let _turn = tls.turn.lock();
            let mut connection = tls.connection.lock();
            connection.send_close_notify();
            let records = records(&mut connection)?;
            drop(connection);
            (&mut &*stream).write_all(&records)?;
            // The server knows it now, and may have closed already: then there is nothing to shut.
            let _ = stream.shutdown(Shutdown::Write);
            return Ok(());
        }
        stream.shutdown(Shutdown::Write)
    }

    /// Ends both directions at once. This wakes a thread that sends or receives.
    pub fn close(&self) {
        // An error says that it is closed already.
        let _ = self.0.stream.shutdown(Shutdown::Both);
    }

    /// Reads from the socket, once at most. With TLS that may bring nothing yet.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing came yet. An end that the server did not tell of is an error with TLS,
    /// for anybody in between can cause it.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Inner { stream, tls } = &*self.0;
        let Some(tls) = tls else { return read(stream, buffer) };
        match tls.connection.lock().reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            taken => return taken,
        }
        match read(stream, buffer)? {
            0 => Err(cut_off()),
            length => open(&mut tls.connection.lock(), buffer, length),
        }
    }

    /// Whether bytes are here that no `poll` of the socket tells of.
    #[must_use]
    pub fn has_buffered(&self) -> bool {
        let Some(tls) = &self.0.tls else { return false };
        tls.connection.lock().reader().fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    /// How long reading and sending may wait.
    ///
    /// # Errors
    ///
    /// When the time is zero, or the connection is gone.
    pub fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.0.stream.set_read_timeout(time)
    }

    /// The same for sending.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.0.stream.set_write_timeout(time)
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.stream.as_fd()
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "it was cut off")
}

/// All that TLS has to send.
fn records(connection: &mut ClientConnection) -> io::Result<Vec<u8>> {
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records)?;
    }
    Ok(records)
}

/// Gives some of what came to TLS. `false` when it takes no more, for the server has ended its side.
fn feed(connection: &mut ClientConnection, received: &mut &[u8]) -> io::Result<bool> {
    let length = connection.read_tls(received)?;
    connection.process_new_packets().map_err(invalid)?;
    Ok(length > 0)
}

fn shake(
    connection: &mut ClientConnection,
    stream: &TcpStream,
    deadline: Instant,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while connection.is_handshaking() {
        (&mut &*stream).write_all(&records(connection)?)?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let length = match read(stream, &mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            read => read?,
        };
        let mut rest = &buffer[..length];
        while !rest.is_empty() && feed(connection, &mut rest)? {}
    }
    Ok(())
}

/// Opens the first `length` bytes of `bytes`, which were received, and puts their plaintext in their
/// place. What was opened before must have been taken.
///
/// Plaintext is shorter than its records, but for the one record that had come in part before: what
/// that has more stays inside, no more than 16 KiB, to be taken.
fn open(connection: &mut ClientConnection, bytes: &mut [u8], length: usize) -> io::Result<usize> {
    let (mut fed, mut taken) = (0, 0);
    loop {
        let mut rest = &bytes[fed..length];
        let goes_on = feed(connection, &mut rest)?;
        fed = length - rest.len();
        let is_last = !goes_on || fed == length;
        let end = if is_last { bytes.len() } else { fed };
        taken += match connection.reader().read(&mut bytes[taken..end]) {
            // The next read finds the end, or that there is nothing more.
            Ok(0) | Err(_) if taken > 0 => 0,
            Err(error) if is_last => return Err(error),
            Err(_) => 0,
            Ok(length) => length,
        };
        if is_last {
            return Ok(taken);
        }
    }
}

/// Reads what has come. A signal is no reason to fail: a process that was suspended takes up its
/// reads again only where they have no time limit (signal(7)).
fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
