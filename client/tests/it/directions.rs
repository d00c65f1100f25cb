//! Which folder may use which: the sources are read, and what they use is compared with an order.
//!
//! [`violations`] knows no crate. It takes sources and an order, so another crate can use it as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The place of a file among the modules: `["net", "lines"]` for `net/lines.rs`.
type Module = Vec<String>;

/// A text for each module.
type Sources = BTreeMap<Module, String>;

/// Reads the sources of a crate, without the roots: `main.rs` uses everything, and nothing uses it.
pub fn read(folder: &Path) -> Sources {
    let mut sources = Sources::new();
    let mut folders = vec![(folder.to_owned(), Module::new())];
    while let Some((folder, module)) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let inner = [module.clone(), vec![name.clone()]].concat();
            if path.is_dir() {
                folders.push((path, inner));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let module = if name == "mod" { module.clone() } else { inner };
                sources.insert(module, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    for root in ["main", "lib"] {
        sources.remove(&vec![root.to_owned()]);
    }
    sources
}

/// What is wrong. A folder, or a file beside the folders, uses only those behind it in `order`; and no
/// file uses itself through others.
pub fn violations(sources: &Sources, order: &[&str]) -> Vec<String> {
    let uses: BTreeMap<_, _> =
        sources.iter().map(|(module, text)| (module, used(module, text, sources))).collect();
    let place = |module: &Module| order.iter().position(|folder| *folder == module[0]);
    let mut wrong = Vec::new();
    for (module, targets) in &uses {
        if place(module).is_none() {
            wrong.push(format!("{} has no place in the order", module.join("::")));
        }
        for target in targets {
            if module[0] != target[0] && place(module) >= place(target) {
                wrong.push(format!("{} uses {}", module.join("::"), target.join("::")));
            }
        }
        if reaches(module, &uses) {
            wrong.push(format!("{} uses itself through others", module.join("::")));
        }
    }
    wrong
}

/// Whether a way of uses leads from `start` back to it.
fn reaches(start: &Module, uses: &BTreeMap<&Module, BTreeSet<Module>>) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(module) = open.pop() {
        for target in &uses[module] {
            if target == start {
                return true;
            }
            if seen.insert(target) {
                open.push(target);
            }
        }
    }
    false
}

/// The modules that a module uses, but for its tests.
fn used(module: &Module, text: &str, sources: &Sources) -> BTreeSet<Module> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let code: Vec<_> = code.lines().map(|line| line.split("//").next().unwrap()).collect();
    let resolved = paths(&code.join("\n")).into_iter().filter_map(|path| {
        let mut path = resolve(module, &path, sources)?;
        while !sources.contains_key(&path) {
            path.pop()?;
        }
        Some(path)
    });
    resolved.filter(|target| target != module).collect()
}

/// The path from the root of the crate. `None` when it leads out of the crate.
fn resolve(module: &Module, path: &[String], sources: &Sources) -> Option<Module> {
    let mut start = match path.first()?.as_str() {
        "crate" => return Some(path[1..].to_vec()),
        "self" | "super" => module.clone(),
        child => {
            let child = [module.as_slice(), &[child.to_owned()]].concat();
            return sources.contains_key(&child).then(|| [module, path].concat());
        }
    };
    let ups = path.iter().take_while(|part| *part == "super").count();
    start.truncate(start.len().checked_sub(ups)?);
    let rest = path.iter().skip_while(|part| matches!(part.as_str(), "self" | "super")).cloned();
    Some(start.into_iter().chain(rest).collect())
}

/// Every path in the code: each of a `use`, and those that begin with `crate` or `super`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let last = statement.split("\n\n").last().unwrap().trim();
        let last = last.trim_start_matches("pub(super) ").trim_start_matches("pub ");
        if let Some(tree) = last.strip_prefix("use ") {
            expand(&[], tree, &mut paths);
        }
        for root in ["crate::", "super::"] {
            for (at, _) in statement.match_indices(root) {
                let is_part =
                    |character: char| character.is_alphanumeric() || "_:".contains(character);
                let end =
                    statement[at..].find(|it| !is_part(it)).map_or(statement.len(), |end| at + end);
                paths.push(parts(&statement[at..end]));
            }
        }
    }
    paths
}

/// The paths of a tree such as `a::{b, c::{d, e}}`.
fn expand(before: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let Some((start, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        return paths.push([before, &parts(path)].concat());
    };
    let before = [before, &parts(start)].concat();
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut begin) = (0, 0);
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, &inner[begin..at], paths);
                begin = at + 1;
            }
            _ => {}
        }
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The names in the table of a page, from its top down.
pub fn table(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | "));
    rows.filter_map(|row| row.trim_start_matches('[').strip_prefix('`')?.split('`').next())
        .collect()
}

#[test]
fn a_folder_uses_only_those_that_stand_below_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = read(&folder);
    assert!(sources.len() > crate::LEAST_MODULES, "{:?}", sources.keys());
    let page = std::fs::read_to_string(folder.join("lib.rs")).unwrap();
    let order = table(&page);
    let unread = order.iter().filter(|name| !sources.contains_key(&parts(name)));
    assert_eq!(unread.collect::<Vec<_>>(), [&""; 0], "they stand in the order and are not there");
    let wrong = violations(&sources, &order);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_use_in_the_wrong_direction_and_a_circle_are_found() {
    let sources = |texts: &[(&str, &str)]| -> Sources {
        texts.iter().map(|(module, text)| (parts(module), (*text).to_owned())).collect()
    };
    let good = [
        ("top", "mod a;\n\nuse a::X;\nuse crate::low::{self, part::{Y, Z as W}};\n"),
        ("top::a", "use super::b::C;\n"),
        (
            "top::b",
            "// super::a\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    use super::super::a;\n}\n",
        ),
        ("low", "pub mod part;\n"),
        ("low::part", "use std::{fmt, io};\n"),
    ];
    let check = |changed: (&str, &str), expected: &[&str]| {
        let mut texts = sources(&good);
        texts.insert(parts(changed.0), changed.1.to_owned());
        assert_eq!(violations(&texts, &["top", "low"]), expected);
    };
    check(good[0], &[]);
    check(
        ("low::part", "use std::io;\nuse crate::{\n    top::{a::D},\n};\n"),
        &["low::part uses top::a"],
    );
    check(
        ("top::b", "fn f() { super::a::g() }\n"),
        &["top::a uses itself through others", "top::b uses itself through others"],
    );
    check(("other", ""), &["other has no place in the order"]);
}
