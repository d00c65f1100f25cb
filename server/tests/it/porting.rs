//! docs/porting.md names every file that is not for all systems.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The paths in a part of the page.
fn named(part: &str) -> BTreeSet<&str> {
    part.split('`').filter(|word| word.contains("/src/")).collect()
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The files of the programs that have one of `words`, but for their tests.
fn having(words: &[&str]) -> BTreeSet<String> {
    let root = Path::new(REPOSITORY).canonicalize().unwrap();
    let mut files = Vec::new();
    for entry in fs::read_dir(&root).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut files);
        }
    }
    assert!(files.len() > 100, "{files:?}");
    files.retain(|file| !file.ends_with("tests.rs") && !file.ends_with("simulator.rs"));
    files.retain(|file| {
        let text = fs::read_to_string(file).unwrap();
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        words.iter().any(|word| text.contains(word))
    });
    let names = files.iter().map(|file| file.strip_prefix(&root).unwrap());
    names.map(|name| name.to_str().unwrap().to_owned()).collect()
}

#[test]
fn the_page_names_each_file_that_is_only_for_linux_or_unix() {
    let page = fs::read_to_string(format!("{REPOSITORY}/docs/porting.md")).unwrap();
    let (linux, unix) = page.split_once("\n## What Unix has").expect("two parts");
    for (part, words) in [
        (linux, &["target_os = \"linux\"", "\"/proc/", "\"/sys/"][..]),
        // A type of descriptors is not yet a system call.
        (unix, &["nix::", "os::unix"]),
    ] {
        let (named, found) = (named(part), having(words));
        let is_named = |file: &str| named.iter().any(|name| file.starts_with(name));
        let missing: Vec<_> = found.iter().filter(|file| !is_named(file)).collect();
        assert!(missing.is_empty(), "the page does not name {missing:?}");
        let is_found = |name: &str| found.iter().any(|file| file.starts_with(name));
        let gone: Vec<_> = named.iter().filter(|name| !is_found(name)).collect();
        assert!(gone.is_empty(), "the page names {gone:?} in vain");
    }
}
