//! What waits to be shown above the prompt.

use chat_client::exit::Exit;
use chat_client::view::display_queue::DisplayQueue;

/// Bytes that are shown at a time, and that wait at most.
const BATCH_BYTES: usize = 32 * 1024;
const MOST_BYTES: usize = 16 * 1024 * 1024;

#[test]
fn lines_come_out_in_order_and_in_batches() {
    let queue = DisplayQueue::default();
    let lines: Vec<_> = (0..10_000).map(|number| format!("line {number}")).collect();
    queue.show(lines.clone());
    let (mut shown, mut batches) = (String::new(), 0);
    loop {
        let batch = queue.take();
        if batch.is_empty() {
            break;
        }
        assert!(batch.len() < BATCH_BYTES + 100);
        shown += &batch;
        batches += 1;
    }
    assert!(batches > 1);
    assert!(shown.lines().eq(lines));
}

#[test]
fn what_is_too_much_for_the_terminal_is_counted() {
    let queue = DisplayQueue::default();
    let long = "x".repeat(MOST_BYTES / 4);
    queue.show((0..6).map(|number| format!("{number}{long}")));
    let batch = queue.take();
    assert!(batch.starts_with("-- 3 lines came faster than this terminal shows them\n3x"));
}

#[test]
fn nobody_edits_once_the_program_is_to_end() {
    let queue = DisplayQueue::default();
    assert!(queue.start_editing());
    assert!(queue.leave(Exit::ConnectionLost));
    queue.stop_editing();
    assert!(!queue.leave(Exit::Done));
    assert!(!queue.start_editing());
    assert_eq!(queue.leaving(), Some(Exit::ConnectionLost));
}
