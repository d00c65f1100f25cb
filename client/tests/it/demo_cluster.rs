//! `scripts/demo-cluster`: a chat of three servers goes on when one of them dies.

use std::process::{Command, Stdio};

use crate::program::not_run;

/// The exit code for what cannot be tried here.
const SKIPPED: i32 = 77;

#[test]
fn the_demo_of_several_servers_shows_what_it_says() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/demo-cluster");
    let output = Command::new(script).stdin(Stdio::null()).output().unwrap();
    if output.status.code() == Some(SKIPPED) {
        return not_run("scripts/demo-cluster: install redis-server");
    }
    let (shown, errors) =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{shown}");
    // Ann was away when this was said.
    let missed = "bob: Ann, are you still there?\n";
    assert_eq!(shown.matches(missed).count(), 3, "{shown}");
    assert!(shown.contains("\nAll three heard the same, in "), "{shown}");
}
