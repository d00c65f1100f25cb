//! What the program writes of its findings: text, JSON, JUnit's XML and points.

use std::process::Command;

use tempfile::TempDir;

use super::{chat_check, check, wrong_python};
use crate::zoo::{Fault, ZooServer};

#[test]
fn a_failure_is_in_every_report() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("rubric"), "# level 1\nlogin-taken 4\nlevel-3 10\n").unwrap();
    let zoo = ZooServer::start(Fault::TakenNameAllowed);
    let address = zoo.address.to_string();
    let only = ["--only", "login-taken", "--only", "look"];
    let files = ["--junit", &path("junit.xml"), "--points", &path("rubric")];
    let text = [
        "begin with login-taken, in level 1",
        "login-taken: 0.0 of 4 points",
        "all: 10.0 of 14 points",
    ];
    check(&[&["server", &address], &only[..], &files[..]].concat(), 1, &text);
    let xml = std::fs::read_to_string(path("junit.xml")).unwrap();
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\""), "{xml}");
    assert!(xml.contains("<testcase name=\"look\" classname=\"level3\""), "{xml}");
    agrees_with_the_schema(&path("junit.xml"));
    let output = chat_check(&[&["server", &address, "--json"], &only[..]].concat());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    let failed = &report["checks"][0]["differences"][0];
    assert_eq!(
        (&failed["expected"], &failed["got"]),
        (&"UserName Exist".into(), &"Login Success".into())
    );
}

/// A report in which every outcome stands, with texts that XML reserves.
#[test]
fn a_report_of_every_outcome_agrees_with_the_schema_of_junit() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("junit.xml");
    let path = path.to_str().unwrap();
    let answer = "self.tell(f\"Unknown command: {command}\")";
    let wrong = wrong_python(&folder, answer, "self.tell(\"<&\\x00\\x1b]]>\" + line)");
    let command = ["--junit", path, "--", "python3", &wrong, "{port}"];
    check(&[&["server", "--level", "1"], &command[..]].concat(), 1, &["FAIL  unknown"]);
    let xml = agrees_with_the_schema(path);
    for part in ["<failure ", "<skipped ", "]]&gt;"] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    let zoo = ZooServer::start(Fault::ClosesAtOnce);
    let address = zoo.address.to_string();
    check(&["server", "--level", "3", "--junit", path, &address], 1, &["not tried: nothing"]);
    assert!(agrees_with_the_schema(path).contains("<error "));
}

/// What is in the report.
#[track_caller]
fn agrees_with_the_schema(path: &str) -> String {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/junit.py");
    let output = Command::new("python3").args([schema, path]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    std::fs::read_to_string(path).unwrap()
}
