//! Compares the options of the servers of one chat where these have to agree: a client that one of them lets
//! in is in the chat of all.

use std::collections::BTreeMap;

/// The options whose values differ between two texts. A text consists of words `--OPTION=VALUE`.
#[must_use]
pub fn differences<'a>(one: &'a str, other: &'a str) -> Vec<&'a str> {
    let [one, other] = [one, other].map(|text| {
        text.split(' ').filter_map(|word| word.split_once('=')).collect::<BTreeMap<_, _>>()
    });
    let mut options: Vec<_> = one.keys().chain(other.keys()).copied().collect();
    options.sort_unstable();
    options.dedup();
    options.retain(|option| one.get(option) != other.get(option));
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_once_and_in_order() {
        for (one, other, expected) in [
            ("--users=1f --max-rooms=5", "--max-rooms=5 --users=1f", &[][..]),
            ("--users=1f --max-rooms=5", "--users=2f --max-rooms=5", &["--users"]),
            ("--users=1f --max-rooms=5", "--users=- --max-rooms=6", &["--max-rooms", "--users"]),
            ("--users=1f", "", &["--users"]),
            ("", "--later=1 nonsense", &["--later"]),
        ] {
            assert_eq!(differences(one, other), expected, "{one:?} {other:?}");
        }
    }
}
