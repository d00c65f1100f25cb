//! Options that stand in the environment too.

/// The answer, if it is one: an empty variable is none.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
