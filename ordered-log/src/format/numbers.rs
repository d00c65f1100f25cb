//! Numbers of 64 bits as bytes.

/// Takes a number off the front of bytes.
pub fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}
