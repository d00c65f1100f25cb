//! A connection of an honest client, which reads it line by line.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::connection::Connection;

/// What is read at once at most.
const READ_BYTES: usize = 64 * 1024;

/// See the module's page.
pub struct Session {
    connection: Connection,
    reader: BufReader<TcpStream>,
    patience: Duration,
}

impl Session {
    /// Connects. A line that takes longer than `patience` to come is an error.
    pub fn new(address: SocketAddr, patience: Duration) -> Result<Self> {
        let connection = Connection::new(address, None)?;
        connection.stream.set_read_timeout(Some(patience))?;
        let reader = BufReader::with_capacity(READ_BYTES, connection.stream.try_clone()?);
        Ok(Self { connection, reader, patience })
    }

    pub fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.connection.send(text.as_bytes())?)
    }

    /// The next line, without its newline. What has none is no line.
    pub fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.with_context(|| format!("nothing came for {:?}", self.patience))?;
        ensure!(line.pop() == Some(b'\n'), "the server closed the connection");
        String::from_utf8(line).context("a line is not UTF-8")
    }

    /// Whether something comes within this time.
    pub fn comes_within(&mut self, time: Duration) -> Result<bool> {
        // The system takes zero for no limit.
        let time = time.max(Duration::from_millis(1));
        self.connection.stream.set_read_timeout(Some(time))?;
        let filled = self.reader.fill_buf().map(<[u8]>::is_empty);
        self.connection.stream.set_read_timeout(Some(self.patience))?;
        match filled {
            Ok(is_end) => {
                ensure!(!is_end, "the server closed the connection");
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the server has closed it, and nothing is left to read.
    pub fn is_at_end(&mut self) -> bool {
        self.reader.fill_buf().is_ok_and(<[u8]>::is_empty)
    }
}
