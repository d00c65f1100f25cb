//! Whatever a server sends, a client reads it and can write it as it came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::ServerLine;

fuzz_target!(|line: &str| {
    assert_eq!(ServerLine::parse(line).to_string(), line);
});
