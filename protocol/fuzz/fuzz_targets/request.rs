//! What a request is written as reads back as the same request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::Request;

fuzz_target!(|line: &str| {
    let Ok(Some(request)) = Request::parse(line) else { return };
    match request {
        // Their argument is not kept: there is nothing to do with it.
        Request::Malformed(_) | Request::Unknown(_) => {}
        _ => assert_eq!(Request::parse(&request.to_string()), Ok(Some(request))),
    }
});
