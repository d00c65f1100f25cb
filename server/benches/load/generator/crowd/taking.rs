//! Takes what comes: all sockets polled by one thread, and each read compared.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use super::{Crowd, Member, OnLines, PATIENCE, Stage};
use crate::generator::member::Inside;
use crate::generator::transcript::Transcript;

impl Crowd {
    /// Takes what comes until all are where they are going.
    pub(super) fn wait_for_all(&mut self, on_lines: &mut OnLines<'_>) -> Result<()> {
        while self.awaited > 0 {
            self.pump_or_fail(on_lines)?;
        }
        Ok(())
    }

    /// Takes what is there, for which it waits no longer than for a server that works.
    pub(super) fn pump_or_fail(&mut self, on_lines: &mut OnLines<'_>) -> Result<()> {
        if !self.pump(PATIENCE, on_lines)? {
            let progress = self.transcripts.iter().map(Transcript::progress).next();
            bail!(
                "nothing came for {PATIENCE:?}; {} clients still wait; in the first room {}",
                self.awaited,
                progress.unwrap_or_default()
            );
        }
        Ok(())
    }

    /// Takes what is there. `false` when nothing came.
    pub(super) fn pump(&mut self, timeout: Duration, on_lines: &mut OnLines<'_>) -> Result<bool> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for client in &ready {
            self.drain(*client, &mut buffer, on_lines)
                .with_context(|| format!("client {client}"))?;
        }
        self.buffer = buffer;
        Ok(!ready.is_empty())
    }

    fn drain(
        &mut self,
        client: usize,
        buffer: &mut [u8],
        on_lines: &mut OnLines<'_>,
    ) -> Result<()> {
        loop {
            let descriptor = self.members[client].link.stream.as_raw_fd();
            let count = match recv(descriptor, buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => count,
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error).context("the connection broke"),
            };
            let mut plain = std::mem::take(&mut self.plain);
            plain.clear();
            if self.members[client].link.open(&buffer[..count], &mut plain)? {
                self.take(client, &plain, on_lines)?;
                self.plain = plain;
                if count < buffer.len() {
                    return Ok(());
                }
                continue;
            }
            self.plain = plain;
            let kept = match &mut self.members[client].unframer {
                Some(unframer) => unframer.take(&mut buffer[..count]),
                None => count,
            };
            self.take(client, &buffer[..kept], on_lines)?;
            // Events tell of changes only; but a read that is not full has emptied the socket.
            if count < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, client: usize, bytes: &[u8], on_lines: &mut OnLines<'_>) -> Result<()> {
        let room = self.shape.room(client);
        let Member { link, stage, .. } = &mut self.members[client];
        match stage {
            Stage::Entering(entering) => {
                let rest = entering.take(bytes, self.dialect, room, link)?;
                if let Some(rest) = rest {
                    self.entering.record(entering.elapsed().as_micros() as u64)?;
                    let mut inside = Inside::default();
                    inside.take(&rest);
                    *stage = Stage::Inside(inside);
                    self.awaited -= 1;
                }
            }
            Stage::Inside(inside) => {
                let before = inside.fence();
                inside.take(bytes);
                if before < 2 && inside.fence() == 2 {
                    self.awaited -= 1;
                }
            }
            Stage::Listening { position } => {
                let transcript = &mut self.transcripts[room.unwrap_or(0)];
                let numbers = transcript.take(*position, bytes)?;
                *position += bytes.len();
                if transcript.is_all(*position) {
                    self.awaited -= 1;
                }
                if !numbers.is_empty() {
                    on_lines(client, transcript.lines(numbers))?;
                }
            }
            Stage::Counting { missing } => {
                let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
                *missing = missing.checked_sub(lines).context("it got more than was said")?;
                if *missing == 0 {
                    self.awaited -= 1;
                }
            }
            Stage::Stalled => {}
        }
        Ok(())
    }
}
