//! Requests and replies of Redis as bytes: [RESP 2](https://redis.io/docs/latest/develop/reference/protocol-spec/).
//!
//! A reply may be wrong or come from something that is no Redis. So its depth and its sizes have
//! limits, and little memory is taken for what has not come.

use std::io::{self, BufRead, Read};

/// The longest line of a reply.
const LINE: u64 = 64 * 1024;
/// The longest string of a reply, as Redis itself has it by default.
const STRING: u64 = 512 << 20;
/// Bytes that are reserved at most for a string that has not come yet.
const AHEAD: u64 = 256 * 1024;
/// The most items of an array.
const ITEMS: u64 = 1 << 20;
/// Arrays within arrays. Those of `XREAD` are four.
const DEPTH: u8 = 6;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A string, of either kind.
    Bytes(Vec<u8>),
    /// An error.
    Error(Vec<u8>),
    Integer(i64),
    Nil,
    Array(Vec<Reply>),
}

/// Adds a command to `into`.
pub fn command(arguments: &[&[u8]], into: &mut Vec<u8>) {
    let count = |sign: char, number: usize| format!("{sign}{number}\r\n").into_bytes();
    into.extend(count('*', arguments.len()));
    for argument in arguments {
        into.extend(count('$', argument.len()));
        into.extend_from_slice(argument);
        into.extend_from_slice(b"\r\n");
    }
}

/// Reads a reply.
///
/// # Errors
///
/// `InvalidData` when this is none, `UnexpectedEof` when it ends before.
pub fn read(from: &mut impl BufRead) -> io::Result<Reply> {
    read_within(from, DEPTH)
}

fn read_within(from: &mut impl BufRead, depth: u8) -> io::Result<Reply> {
    let line = read_line(from)?;
    let (sign, rest) = line.split_first().ok_or_else(invalid)?;
    match sign {
        b'+' => Ok(Reply::Bytes(rest.to_vec())),
        b'-' => Ok(Reply::Error(rest.to_vec())),
        b':' => Ok(Reply::Integer(number(rest)?)),
        b'$' | b'*' if rest == b"-1" => Ok(Reply::Nil),
        b'$' => read_string(from, size(rest, STRING)?).map(Reply::Bytes),
        b'*' => {
            let inner = depth.checked_sub(1).ok_or_else(invalid)?;
            let items = (0..size(rest, ITEMS)?).map(|_| read_within(from, inner));
            // Collected through `Result`, which reserves nothing ahead.
            Ok(Reply::Array(items.collect::<io::Result<_>>()?))
        }
        _ => Err(invalid()),
    }
}

/// A line without its end.
fn read_line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.by_ref().take(LINE).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        let is_long = line.len() as u64 == LINE;
        return Err(if is_long { invalid() } else { io::ErrorKind::UnexpectedEof.into() });
    }
    line.truncate(line.len() - 1);
    line.pop_if(|byte| *byte == b'\r').map(|_| line).ok_or_else(invalid)
}

fn read_string(from: &mut impl BufRead, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(AHEAD) as usize);
    from.by_ref().take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut end = [0; 2];
    from.read_exact(&mut end)?;
    if end == *b"\r\n" { Ok(bytes) } else { Err(invalid()) }
}

fn number(digits: &[u8]) -> io::Result<i64> {
    let text = str::from_utf8(digits).map_err(|_| invalid())?;
    text.parse().map_err(|_| invalid())
}

fn size(digits: &[u8], limit: u64) -> io::Result<u64> {
    let size = u64::try_from(number(digits)?).map_err(|_| invalid())?;
    if size <= limit { Ok(size) } else { Err(invalid()) }
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "this is no reply of Redis or Valkey")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(bytes: &[u8]) -> Result<Reply, io::ErrorKind> {
        read(&mut &*bytes).map_err(|error| error.kind())
    }

    #[test]
    fn replies_are_read() {
        let bytes = |text: &str| Reply::Bytes(text.into());
        for (wire, expected) in [
            ("+OK\r\n", bytes("OK")),
            ("-ERR no\r\n", Reply::Error(b"ERR no".to_vec())),
            (":-7\r\n", Reply::Integer(-7)),
            ("$-1\r\n", Reply::Nil),
            ("*-1\r\n", Reply::Nil),
            ("$0\r\n\r\n", bytes("")),
            ("$4\r\na\r\nb\r\n", bytes("a\r\nb")),
            ("*2\r\n*0\r\n:1\r\n", Reply::Array(vec![Reply::Array(vec![]), Reply::Integer(1)])),
        ] {
            assert_eq!(reply(wire.as_bytes()), Ok(expected), "{wire:?}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for wire in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            "+OK\n",
            ":x\r\n",
            "$-2\r\n",
            "$2\r\nabc\r\n",
            "$536870913\r\n",
            "*1048577\r\n",
            &"*1\r\n".repeat(100),
            &"+".repeat(70_000),
        ] {
            assert_eq!(reply(wire.as_bytes()), Err(io::ErrorKind::InvalidData), "{wire:.40?}");
        }
        for wire in ["", "+O", "$3\r\nab", "$536870912\r\nab", "*1048576\r\n:1\r\n"] {
            assert_eq!(reply(wire.as_bytes()), Err(io::ErrorKind::UnexpectedEof), "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_harm_nobody(bytes: Vec<u8>) {
            let _ = reply(&bytes);
        }

        #[test]
        fn a_command_is_an_array_of_its_arguments(arguments: Vec<Vec<u8>>) {
            let parts: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
            let mut wire = Vec::new();
            command(&parts, &mut wire);
            let expected = arguments.into_iter().map(Reply::Bytes).collect();
            prop_assert_eq!(reply(&wire), Ok(Reply::Array(expected)));
        }
    }
}
