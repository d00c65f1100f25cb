//! Names side by side, as `ls` has them. Pure.

use unicode_width::UnicodeWidthStr;

/// Columns that a row takes at most: a terminal of 80 has room for the time at its left.
const ROW: usize = 72;

/// Columns between two names, at least.
const GAP: usize = 2;

/// The names in rows, which are read from left to right.
#[must_use]
pub fn in_columns(names: &[String]) -> Vec<String> {
    let column = names.iter().map(|name| name.width()).max().unwrap_or(0) + GAP;
    let rows = names.chunks((ROW / column).max(1)).map(|names| {
        let cell = |name: &String| name.to_owned() + &" ".repeat(column - name.width());
        names.iter().map(cell).collect::<String>().trim_end().to_owned()
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_side_by_side() {
        let names: Vec<String> = ["al", "小红", "bobby"].map(str::to_owned).into();
        assert_eq!(in_columns(&names), ["al     小红   bobby"]);
        let many: Vec<String> = (10..40).map(|number| format!("student{number}")).collect();
        let rows = in_columns(&many);
        assert_eq!((rows.len(), rows[0].len()), (5, 64));
        assert_eq!(in_columns(&["x".repeat(90)]), ["x".repeat(90)]);
        assert!(in_columns(&[]).is_empty());
    }
}
