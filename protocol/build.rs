//! Tells the version of the programs, with the commit where one is known.
//!
//! Only optimized builds are given the commit: otherwise every commit would build everything anew.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let version = env!("CARGO_PKG_VERSION");
    let is_optimized = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if is_optimized { packaged().or_else(checked_out) } else { None };
    let version = match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo:rustc-env=CHAT_VERSION={version}");
}

/// The commit that cargo wrote down when it made a package.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\":")?;
    let commit = rest.trim_start().trim_start_matches('"');
    Some(commit.get(..10)?.to_owned())
}

/// The commit of the working tree, if this is one.
fn checked_out() -> Option<String> {
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        // A path that is not there would build everything anew each time.
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=10", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
