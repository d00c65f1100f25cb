//! `cargo install`, as the README has it, and what cargo would publish.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::program::outside_of_cargo;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn bash(script: &str, installed: &Path) -> Output {
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]).current_dir(REPOSITORY);
    outside_of_cargo(&mut bash).env("CARGO_INSTALL_ROOT", installed).output().unwrap()
}

/// With the profile of the tests, so that what they built is not built again.
#[test]
fn what_the_readme_installs_chats() {
    let readme = fs::read_to_string(format!("{REPOSITORY}/README.md")).unwrap();
    let command = readme.lines().find(|line| line.starts_with("cargo install --"));
    let command =
        command.expect("a line that installs").replace("install", "install --debug --offline");
    let folder = tempfile::tempdir().unwrap();
    let output = bash(&command, folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let chat = "PATH=$CARGO_INSTALL_ROOT/bin:/usr/bin:/bin
        coproc chat-server --quiet --listen 127.0.0.1:0
        read -r _ _ at <&${COPROC[0]}
        printf 'say installed\n' | chat-client --server $at --name ann
        kill $COPROC_PID";
    let said = bash(chat, folder.path());
    assert_eq!(
        String::from_utf8_lossy(&said.stdout),
        "Connect Success\nLogin Success\nann: installed\n",
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
}

/// The name and the folder of each crate that may go to a registry.
fn crates() -> Vec<(String, String)> {
    let described =
        bash("cargo metadata --format-version 1 --no-deps --offline", Path::new("none"));
    let described: serde_json::Value = serde_json::from_slice(&described.stdout).unwrap();
    let crates = described["packages"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    crates
        // Those of the lab have an empty list of registries.
        .filter(|package| package["publish"].is_null())
        .map(|package| (text(&package["name"]), text(&package["manifest_path"])))
        .map(|(name, manifest)| (name, manifest.trim_end_matches("/Cargo.toml").to_owned()))
        .collect()
}

/// What a crate has that others may use: its source, its licenses and the README, and no more.
#[test]
fn each_crate_has_what_it_should_to_be_published() {
    let crates = crates();
    assert!(crates.len() >= 5, "{crates:?}");
    for (name, folder) in crates {
        let list = format!("cargo package --list --allow-dirty --offline --package {name}");
        let output = bash(&list, Path::new("none"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let list = String::from_utf8(output.stdout).unwrap();
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "Cargo.lock", "src/lib.rs"] {
            assert!(list.lines().any(|line| line == file), "{name}: no {file}\n{list}");
        }
        for file in list.lines() {
            let first = file.split('/').next().unwrap();
            let is_expected = ["src", "examples", "transcripts", "build.rs", "README.md"]
                .contains(&first)
                || ["LICENSE-", "Cargo.", ".cargo_vcs_info"].iter().any(|it| first.starts_with(it));
            assert!(is_expected, "{name}: {file}");
            let size = fs::metadata(format!("{folder}/{file}")).map_or(0, |file| file.len());
            assert!(size < 100_000, "{name}: {file} is large");
        }
        // The one remark is on what only the publisher knows.
        let remarks: Vec<_> = errors.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(remarks, ["warning: manifest has no documentation, homepage or repository"]);
    }
}
