//! The manual page, as the programs that show it see it.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::program::{command, not_run};

#[test]
fn mandoc_finds_nothing_to_complain_about() {
    let page = command(&["man"]).output().unwrap().stdout;
    let mut mandoc = Command::new("mandoc");
    mandoc.args(["-T", "lint"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut lint) = mandoc.spawn() else {
        return not_run("the manual page: there is no mandoc");
    };
    lint.stdin.take().unwrap().write_all(&page).unwrap();
    let lint = lint.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&lint.stdout), "");
    assert!(lint.status.success(), "{lint:?}");
}
