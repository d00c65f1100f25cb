//! The ring beside a list of all lines that there ever were.

use super::*;
use crate::log::batch::BATCH_BYTES;

/// The same as a list of all lines that there ever were.
#[derive(Default)]
struct Model(Vec<String>);

impl Model {
    fn position(&self, line: usize) -> Position {
        let lines = &self.0[..line];
        Position { byte: lines.concat().len() as u64, line: line as u64 }
    }

    fn lines(&self, from: usize, end: usize) -> String {
        self.0[from..end].concat()
    }
}

#[test]
fn a_ring_holds_the_end_of_all_lines() {
    const CAPACITY: usize = 100;
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut ring, mut model, mut batch) =
        (Ring::new(CAPACITY), Model::default(), Batch::default());
    for _ in 0..300 {
        let lines: Vec<_> = (0..random.usize(1..4))
            .map(|_| format!("{}\n", "x".repeat(random.usize(..40))))
            .collect();
        let pushed = lines.concat();
        ring.push(pushed.as_bytes(), Timestamp::UNIX_EPOCH);
        model.0.extend(lines);

        let (start, end) = (ring.start().line as usize, ring.end().line as usize);
        assert_eq!(ring.start(), model.position(start), "seed {seed}");
        assert_eq!(ring.end(), model.position(model.0.len()), "seed {seed}");
        let kept = model.lines(start, end).len();
        let fits_more = start > 0 && kept + model.0[start - 1].len() <= CAPACITY;
        assert!(kept <= CAPACITY.max(pushed.len()) && !fits_more, "seed {seed}");

        let from = random.usize(start..end);
        let limit = random.usize(from..=end);
        ring.copy(model.position(from), model.position(limit), BATCH_BYTES, &mut batch);
        assert_eq!(batch.bytes, model.lines(from, limit).as_bytes(), "seed {seed}");
        assert_eq!(batch.end, model.position(limit), "seed {seed}");

        let line = random.usize(start..=end);
        assert_eq!(ring.position_of(line as u64), model.position(line), "seed {seed}");
        assert_eq!(ring.position_of(0), model.position(start), "seed {seed}");
        assert_eq!(ring.position_of(end as u64 + 1), model.position(end), "seed {seed}");
    }
}

#[test]
fn a_line_is_found_in_a_large_ring_too() {
    let mut ring = Ring::new(100_000);
    for line in 0..10_000 {
        ring.push(format!("{line}\n").as_bytes(), Timestamp::UNIX_EPOCH);
    }
    let mut batch = Batch::default();
    for line in ring.start().line..ring.end().line {
        let at = ring.position_of(line);
        ring.copy_stamped(at, ring.end(), 1, &mut batch);
        let texts: Vec<_> = batch.stamped().map(|(_, text)| text).collect();
        assert_eq!(texts, [line.to_string().as_bytes()]);
    }
}

/// Several lines of one millisecond, more than an entry of the timeline has, and the oldest dropped.
#[test]
fn a_time_and_a_count_name_each_position() {
    let mut ring = Ring::new(3000);
    let mut names = Vec::new();
    for number in 0..600 {
        // The clock goes back once, and a whole millisecond is more than its name tells.
        let millisecond = if number == 350 { 1 } else { 10 + number / 100 };
        let time = Timestamp::from_microsecond(millisecond * 1000 + number % 7).unwrap();
        ring.push(format!("{number:04}\n").as_bytes(), time);
        let (time, lines) = ring.stamp_of_end();
        names.push((format!("{time:.3}").parse::<Timestamp>().unwrap(), lines, ring.end()));
    }
    assert_eq!(ring.start().line, 0);
    for (time, lines, end) in &names {
        assert_eq!(ring.position_at(*time, *lines), Some(*end));
    }
    // What is dropped has no position; and its first line may be dropped alone.
    ring.push(b"x\n", Timestamp::from_second(1).unwrap());
    assert_eq!(ring.position_at(names[5].0, names[5].1), None);
    assert_eq!(ring.position_at(names[150].0, names[150].1), Some(names[150].2));
    // Neither has what was never there.
    assert_eq!(ring.position_at(Timestamp::from_second(2).unwrap(), 0), None);
    assert_eq!(ring.position_at(Timestamp::from_second(1).unwrap(), 2), None);
    assert_eq!(ring.position_at(names[150].0, u64::MAX), None);
}

#[test]
fn a_batch_ends_with_a_whole_line() {
    let long = format!("{}\n", "y".repeat(2 * BATCH_BYTES));
    let mut ring = Ring::new(10 * BATCH_BYTES);
    ring.push(long.as_bytes(), Timestamp::UNIX_EPOCH);
    ring.push(long.replace('y', "\n").as_bytes(), Timestamp::UNIX_EPOCH);
    let mut batch = Batch::default();
    ring.copy(ring.start(), ring.end(), BATCH_BYTES, &mut batch);
    assert_eq!(batch.bytes, long.as_bytes());
    ring.copy(batch.end, ring.end(), BATCH_BYTES, &mut batch);
    assert_eq!(batch.bytes.len(), BATCH_BYTES);
    assert_eq!(batch.end.line, 1 + BATCH_BYTES as u64);
    assert_eq!(batch.lines(batch.start, batch.end), Some(&batch.bytes[..]));
    assert_eq!(batch.lines(ring.start(), batch.end), None);
}

/// A place is told by how many lines of its millisecond come before it. So one is known only while the first
/// of these lines is here.
#[test]
fn a_moment_of_which_lines_are_gone_is_not_known_any_more() {
    let time = Timestamp::from_second(1).unwrap();
    let mut ring = Ring::new(2 * 200);
    (0..300).for_each(|_| ring.push(b"x\n", time));
    assert_eq!(ring.start().line, 100);
    for more in 0..150 {
        assert_eq!(ring.position_at(time, 10), None, "from line {}", ring.start().line);
        ring.push(b"x\n", time);
        assert_eq!(ring.start().line, 101 + more);
    }
}

/// Another server goes on from there, and has to count the lines of a millisecond as this one does.
#[test]
fn a_tail_begins_with_the_first_line_of_its_millisecond() {
    let second = |second| Timestamp::from_second(second).unwrap();
    let mut ring = Ring::new(100_000);
    for (time, lines) in [(1, 100), (2, 100), (3, 100)] {
        (0..lines).for_each(|_| ring.push(b"x\n", second(time)));
    }
    for (bytes, line) in
        [(2 * 300, 0), (2 * 299, 100), (2 * 250, 100), (2 * 200, 100), (2 * 101, 200)]
    {
        assert_eq!(ring.start_of_tail(bytes).line, line, "{bytes} bytes");
    }
    // The last millisecond is in it as a whole, however long it is.
    assert_eq!(ring.start_of_tail(2 * 99).line, 200);
    assert_eq!(ring.start_of_tail(0).line, 200);
    assert_eq!(Ring::new(100).start_of_tail(0).line, 0);
}
