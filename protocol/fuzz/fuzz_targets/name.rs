//! A name that is allowed is equal to itself in another case, and safe to stand in a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{Event, UserName};

fuzz_target!(|text: &str| {
    let Ok(name) = UserName::parse(text) else { return };
    assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control() || ":[]/".contains(c)));
    let line = Event::Said { name: name.as_str(), text: "x" }.to_string();
    assert_eq!(Event::parse(&line), Some(Event::Said { name: text, text: "x" }));
});
