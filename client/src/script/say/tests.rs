//! The progress that is shown on a terminal.

use super::*;

#[test]
fn progress_counts_what_was_echoed() {
    let counts = Counts { sent: 200, bytes: 5000, answered: 100, ..Counts::default() };
    assert_eq!(progress(counts, None), "100 lines said");
    assert_eq!(progress(counts, Some(10_000)), "25%, 100 lines said");
    assert_eq!(progress(Counts::default(), Some(0)), "0%, 0 lines said");
}
