//! Standard output and standard error, which may be non-blocking: whoever started the program may have set
//! them so, for a pipe is shared with all who have it.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// How long a writer that cannot write rests. There is no way to wait for space that all systems have.
const REST: Duration = Duration::from_millis(5);

/// Writes all that it is given, however long the reader takes.
#[derive(Debug)]
pub struct Patient<W>(pub W);

impl<W: Write> Patient<W> {
    fn retry<T>(&mut self, mut action: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
        loop {
            match action(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(REST),
                done => return done,
            }
        }
    }
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(|output| output.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.retry(Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time, and none every other time.
    #[derive(Default)]
    struct Hesitant {
        bytes: Vec<u8>,
        is_ready: bool,
    }

    impl Write for Hesitant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_ready = !self.is_ready;
            if self.is_ready {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.bytes.extend(&bytes[..bytes.len().min(3)]);
            Ok(bytes.len().min(3))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_takes_little_gets_all_of_it_once() {
        let mut output = Patient(Hesitant::default());
        writeln!(output, "a report of several words").unwrap();
        output.flush().unwrap();
        assert_eq!(output.0.bytes, b"a report of several words\n");
    }
}
