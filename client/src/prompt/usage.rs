//! How a command goes on that is being typed, shown dimmed behind the cursor.

use rustyline::hint::Hint;

use crate::model::vocabulary::Vocabulary;

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

/// How a line goes on that is typed so far, where there are these commands: the rest of the one command that fits, and its arguments.
pub(super) fn usage(line: &str, vocabulary: Vocabulary) -> Option<Usage> {
    let typed = line.strip_prefix('/').filter(|typed| !typed.is_empty())?;
    if let Some(word) = typed.strip_suffix(' ') {
        let usage = vocabulary.usage(word)?;
        let shown = usage.split_once(' ')?.1.to_owned();
        return Some(Usage { shown, inserted: 0 });
    }
    let mut matching = vocabulary.words().filter(|word| word.starts_with(typed));
    let whole = vocabulary.words().find(|word| *word == typed);
    let word = match (whole, matching.next(), matching.next()) {
        (Some(word), ..) | (None, Some(word), None) => word,
        _ => return None,
    };
    let usage = vocabulary.usage(word).unwrap_or(word);
    Some(Usage { shown: usage[typed.len()..].to_owned(), inserted: word.len() - typed.len() })
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
            let usage = usage(line, Vocabulary::default()).unwrap();
            assert_eq!((usage.display(), usage.completion().unwrap_or("")), (shown, inserted));
        }
        for line in ["", "/", "/re", "/msg bob", "/xyz", "/look ", "hello"] {
            assert!(usage(line, Vocabulary::default()).is_none(), "{line:?}");
        }
    }
}
