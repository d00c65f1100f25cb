//! What the pages point at is there: other pages, sections of them, and sources. And the way of a line is
//! as long to read as the design says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The folders that have pages or sources.
const FOLDERS: [&str; 9] = [
    "docs",
    "protocol",
    "settings",
    "discovery",
    "ordered-log",
    "server",
    "client",
    "check",
    "lab",
];

/// All files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// A page without its blocks of code, which have brackets of their own.
fn prose(page: &Path) -> String {
    let text = fs::read_to_string(page).unwrap();
    text.split("```").step_by(2).collect()
}

/// The name of a section in an address: its heading in small letters, without punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|heading| anchor(heading.trim_start_matches('#'))).collect()
}

#[test]
fn what_the_pages_point_at_is_there() {
    let root = root();
    let mut all: Vec<_> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)).into();
    FOLDERS.iter().for_each(|folder| files(&root.join(folder), &mut all));
    let pages = all.iter().filter(|path| path.extension().is_some_and(|it| it == "md"));
    let (mut links, mut sources) = (0, 0);
    for page in pages {
        let text = prose(page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, section) = target.split_once('#').unwrap_or((target, ""));
            let to = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            assert!(to.exists(), "{}: no {target}", page.display());
            let is_found = section.is_empty() || anchors(&to).contains(section);
            assert!(is_found, "{}: no section {target}", page.display());
            links += 1;
        }
        for source in text.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs")) {
            assert!(all.iter().any(|it| it.ends_with(source)), "{}: no {source}", page.display());
            sources += 1;
        }
    }
    assert!(links > 150 && sources > 40, "only {links} links and {sources} sources");
}

#[test]
fn the_way_of_a_line_is_as_long_as_the_design_says() {
    let page = fs::read_to_string(root().join("docs/design.md")).unwrap();
    let section = page.split("\n## Reading order\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let told = section.split("Together they have some ").nth(1).unwrap();
    let told: usize = told.split(' ').next().unwrap().replace(',', "").parse().unwrap();
    let items = section.lines().filter(|line| line.starts_with(|it: char| it.is_ascii_digit()));
    let paths: Vec<_> =
        items.map(|item| item.split("](../").nth(1).unwrap().split(')').next().unwrap()).collect();
    assert_eq!(paths.len(), 10, "{paths:?}");
    let lines = |path: &&str| fs::read_to_string(root().join(path)).unwrap().lines().count();
    let lines: usize = paths.iter().map(lines).sum();
    assert!(lines.abs_diff(told) <= told / 20, "the ten files have {lines} lines, not some {told}");
}
