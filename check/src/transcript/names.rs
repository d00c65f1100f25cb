//! The names of a transcript's clients, with a random number behind each.
//!
//! With fixed names a server could play the answers back without understanding anything, and a
//! user left over from an earlier check would be in the way.

/// Puts a number behind the names of clients wherever they stand as words.
#[derive(Debug, Clone)]
pub struct Names {
    clients: Vec<String>,
    /// Digits, so that it is the same in any case. Empty leaves the names as they are.
    suffix: String,
}

impl Names {
    /// `suffix` goes behind each of `clients`. An empty one changes nothing.
    #[must_use]
    pub fn new(clients: &[&str], suffix: &str) -> Self {
        Self {
            clients: clients.iter().map(|client| (*client).to_owned()).collect(),
            suffix: suffix.to_owned(),
        }
    }

    /// The bytes with the number behind each name, whatever its case.
    #[must_use]
    pub fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut named = Vec::with_capacity(bytes.len());
        for word in bytes.chunk_by(|a, b| is_of_a_word(*a) == is_of_a_word(*b)) {
            named.extend_from_slice(word);
            if self.clients.iter().any(|client| client.as_bytes().eq_ignore_ascii_case(word)) {
                named.extend_from_slice(self.suffix.as_bytes());
            }
        }
        named
    }

    /// The same for a text.
    #[must_use]
    pub fn apply_to_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.apply(text.as_bytes())).into_owned()
    }
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_that_are_names_get_the_number() {
        let names = Names::new(&["ann", "bob"], "47");
        let cases = [
            ("login ann\n", "login ann47\n"),
            ("ANN: hi bob.", "ANN47: hi bob47."),
            ("announce annex", "announce annex"),
            ("[to Bob] x", "[to Bob47] x"),
            ("né ann\tann", "né ann47\tann47"),
        ];
        for (text, expected) in cases {
            assert_eq!(names.apply_to_text(text), expected);
        }
        assert_eq!(Names::new(&["ann"], "").apply_to_text("ann"), "ann");
    }
}
