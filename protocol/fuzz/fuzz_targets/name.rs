//! A name that is allowed is safe to stand in a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{Event, UserName};

fuzz_target!(|text: &str| {
    let Ok(name) = UserName::parse(text) else { return };
    let shown = name.as_str();
    assert!(!shown.contains(|c: char| c.is_whitespace() || c.is_control() || ":[]/".contains(c)));
    assert_eq!(UserName::parse(shown).as_ref(), Ok(&name));
    let line = Event::Said { name: shown, text: "x" }.to_string();
    assert_eq!(Event::parse(&line), Some(Event::Said { name: shown, text: "x" }));
});
