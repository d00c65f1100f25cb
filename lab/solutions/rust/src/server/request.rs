//! What a line asks for. It knows nothing of connections and users.

/// What is trimmed from an argument.
const SPACE: [char; 5] = [' ', '\t', '\r', '\x0b', '\x0c'];

/// The longest line in bytes, without its newline.
const LINE_BYTES: usize = 4096;

/// The longest name in characters.
const NAME_CHARACTERS: usize = 32;

/// Command and argument of a line; `None` for a blank one.
///
/// # Errors
///
/// Gives the reply to a line that is none.
pub fn parse(line: &[u8]) -> Result<Option<(&str, &str)>, String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > LINE_BYTES {
        return Err(format!("Line Too Long: {LINE_BYTES}"));
    }
    let line = str::from_utf8(line).map_err(|_| "Invalid UTF-8")?;
    if line.trim_matches(SPACE).is_empty() {
        return Ok(None);
    }
    let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim_matches(SPACE);
    let is_bad = |c: char| c.is_control() && c != '\t';
    if command.contains(is_bad) || argument.contains(is_bad) {
        return Err("Control Character".to_owned());
    }
    Ok(Some((command, argument)))
}

/// Why this cannot be a name, as a reply. `None` when it can.
pub fn refusal(name: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_alphanumeric() || "_.-".contains(c);
    let why = if name.is_empty() {
        return Some("UserName Empty".to_owned());
    } else if name.chars().count() > NAME_CHARACTERS {
        format!("longer than {NAME_CHARACTERS} characters")
    } else if !name.chars().all(is_allowed) {
        "only letters, digits, _ . and - are allowed".to_owned()
    } else if !name.starts_with(char::is_alphanumeric) {
        "it must start with a letter or a digit".to_owned()
    } else {
        return None;
    };
    Some(format!("UserName Invalid: {why}"))
}
