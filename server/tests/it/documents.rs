//! The documentation says what the program does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::program::Program;

/// The words of a text that are long options.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn the_table_of_options_has_all_of_them_with_their_defaults() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
    let document = fs::read_to_string(file).unwrap();
    let table: Vec<_> = document.lines().filter(|line| line.starts_with("| `--")).collect();
    let help = Program::start(&["--help"]).output();
    let help = String::from_utf8(help.stdout).unwrap();

    let mut expected = BTreeSet::new();
    let mut option = "";
    for line in help.lines().map(str::trim) {
        if let Some(start) = line.find("--").filter(|_| line.starts_with('-')) {
            option = line[start..].split([' ', '.']).next().unwrap();
            expected.insert(option.to_owned());
        }
        if let Some(default) = line.strip_prefix("[default: ") {
            let default = default.trim_end_matches(']');
            let row = table.iter().find(|row| row.starts_with(&format!("| `{option} "))).unwrap();
            assert!(row.contains(&format!(" | {default} | ")), "{option} has {default}: {row}");
        }
    }
    assert!(expected.remove("--help") && expected.remove("--version"));
    let names = table.iter().map(|row| row.split('|').nth(1).unwrap());
    assert_eq!(names.flat_map(options).collect::<BTreeSet<_>>(), expected);
}
