//! How a command goes on that is being typed, shown dimmed behind the cursor.

use rustyline::hint::Hint;

use crate::model::commands::{LOCAL, commands, words};

/// What could follow, shown dimmed behind the cursor.
pub struct Usage {
    /// What is shown.
    pub(super) shown: String,
    /// How much of it, in bytes, is text to insert; the rest describes what to type.
    pub(super) inserted: usize,
}

impl Hint for Usage {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        (self.inserted > 0).then(|| &self.shown[..self.inserted])
    }
}

/// How a line goes on that is typed so far: the rest of the one command that fits, and its arguments.
pub(super) fn usage(line: &str) -> Option<Usage> {
    let typed = line.strip_prefix('/').filter(|typed| !typed.is_empty())?;
    if let Some(word) = typed.strip_suffix(' ') {
        let usage = usage_of(word)?;
        let shown = usage.split_once(' ')?.1.to_owned();
        return Some(Usage { shown, inserted: 0 });
    }
    let mut matching = words().filter(|word| word.starts_with(typed));
    let word = match (words().find(|word| *word == typed), matching.next(), matching.next()) {
        (Some(word), ..) | (None, Some(word), None) => word,
        _ => return None,
    };
    let usage = usage_of(word).unwrap_or(word);
    Some(Usage { shown: usage[typed.len()..].to_owned(), inserted: word.len() - typed.len() })
}

fn usage_of(word: &str) -> Option<&'static str> {
    let command = commands().find(|command| command.name == word).map(|command| command.usage);
    command.or_else(|| LOCAL.iter().find(|local| local.name == word).map(|local| local.usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_show_the_usage() {
        for (line, shown, inserted) in [
            ("/ms", "g NAME TEXT", "g"),
            ("/msg", " NAME TEXT", ""),
            ("/msg ", "NAME TEXT", ""),
            ("/me", " TEXT", ""),
            ("/cl", "ear", "ear"),
            ("/r", " TEXT", ""),
            ("/r ", "TEXT", ""),
        ] {
            let usage = usage(line).unwrap();
            assert_eq!((usage.display(), usage.completion().unwrap_or("")), (shown, inserted));
        }
        for line in ["", "/", "/re", "/msg bob", "/xyz", "/look ", "hello"] {
            assert!(usage(line).is_none(), "{line:?}");
        }
    }
}
