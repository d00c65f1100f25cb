//! How the editor counts rows and columns, for those who draw together with it.
//!
//! rustyline counts by grapheme clusters, which it never parts, and takes what looks like the start
//! of an escape sequence for one. It does not tell what came of it, so it is counted again here.

use std::borrow::Cow;

use rustyline::GraphemeClusterMode;
use unicode_segmentation::UnicodeSegmentation;

const TAB_STOP: usize = 8;

/// How wide characters are on this terminal.
#[derive(Debug, Clone, Copy)]
pub struct Layout(pub GraphemeClusterMode);

/// How far into an escape sequence a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    InParameters,
}

impl Layout {
    /// The row and the column, from zero, where `text` behind `prompt` ends.
    #[must_use]
    pub fn end_of_line(self, prompt: &str, text: &str, columns: usize) -> (usize, usize) {
        let (mut row, mut column) = (0, 0);
        for part in [prompt, text] {
            for (cluster, width) in self.clusters(part) {
                let width = if cluster == "\t" { TAB_STOP - column % TAB_STOP } else { width };
                column += width;
                if column > columns {
                    (row, column) = (row + 1, width);
                }
            }
            if column == columns {
                (row, column) = (row + 1, 0);
            }
        }
        (row, column)
    }

    /// What of a typed text may be drawn. What the editor gives no column must not do anything
    /// either: a paste may have been made to look harmless.
    #[must_use]
    pub fn drawable(self, text: &str) -> Cow<'_, str> {
        let is_drawn =
            |&(cluster, width): &(&str, usize)| width > 0 || matches!(cluster, "\n" | "\t");
        if self.clusters(text).all(|cluster| is_drawn(&cluster)) {
            return text.into();
        }
        self.clusters(text).filter(is_drawn).map(|(cluster, _)| cluster).collect()
    }

    fn clusters(self, text: &str) -> impl Iterator<Item = (&str, usize)> {
        let mut escape = Escape::None;
        text.graphemes(true).map(move |cluster| {
            let width = match (escape, cluster) {
                (Escape::None, "\x1b") => {
                    escape = Escape::Begun;
                    0
                }
                (Escape::None, "\n") => 0,
                (Escape::None, other) => usize::from(self.0.width(other)),
                (Escape::Begun, "[") => {
                    escape = Escape::InParameters;
                    0
                }
                (Escape::InParameters, parameter) if is_parameter(parameter) => 0,
                (Escape::Begun | Escape::InParameters, _) => {
                    escape = Escape::None;
                    0
                }
            };
            (cluster, width)
        })
    }
}

fn is_parameter(cluster: &str) -> bool {
    cluster == ";" || cluster.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout(GraphemeClusterMode::WcWidth);

    #[test]
    fn a_line_ends_where_the_editor_says() {
        for (prompt, text, columns, end) in [
            ("al> ", "", 10, (0, 4)),
            ("al> ", "12345", 10, (0, 9)),
            ("al> ", "123456", 10, (1, 0)),
            ("al> ", "1234567", 10, (1, 1)),
            ("al@main> ", "", 9, (1, 0)),
            ("al@main> ", "x", 9, (1, 1)),
            // It does not fit into the last column.
            ("al>", "漢漢漢漢", 10, (1, 2)),
            ("al>", "漢漢漢漢漢漢漢漢", 10, (2, 0)),
            ("al>", "\tx", 10, (0, 9)),
            ("al>", "\x1b[1;31mx", 10, (0, 4)),
        ] {
            assert_eq!(LAYOUT.end_of_line(prompt, text, columns), end, "{text:?}");
        }
    }

    #[test]
    fn what_takes_no_column_is_not_drawn() {
        for (text, expected) in [
            ("plain, é 漢字 e\u{301}", "plain, é 漢字 e\u{301}"),
            ("two\nlines\tand", "two\nlines\tand"),
            ("a\x1b[2Jb\x1b]0;x\x07c", "ab0;xc"),
            ("a\u{9b}2J\u{202e}b\u{200b}\x08\r", "a2Jb"),
        ] {
            assert_eq!(LAYOUT.drawable(text), expected, "{text:?}");
        }
    }
}
