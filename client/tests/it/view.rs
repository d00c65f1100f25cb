//! From lines to what is shown of them: days, newcomers, and what comes of a crowd.

use std::sync::Arc;

use chat_client::model::digest::{Part, digest};
use chat_client::model::replay::Earlier;
use chat_client::view::View;
use chat_client::view::render::Style;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

fn view(time: Option<&str>) -> View {
    let style = Style { color: false, bell: true, quiet: false };
    View::new(style, time.map(str::to_owned), None, Arc::default())
}

#[test]
fn where_the_day_changes_there_is_a_line() {
    let at = |day: i64| Timestamp::now() - jiff::SignedDuration::from_hours(24 * day);
    let row = |day: i64| format!("[{:.3}] prof: {day} days ago", at(day));
    let date = |day: i64| {
        let date = at(day).to_zoned(TimeZone::system());
        let year = if date.year() == Zoned::now().year() { "" } else { " %Y" };
        date.strftime(&format!("── %a %-d %b{year} ──")).to_string()
    };
    let mut view = view(Some("."));
    let rows = [row(3), row(3), row(1)];
    view.lines(rows.iter().map(String::as_str), "al");
    view.lines(["bo: now", "bo: and now"], "al");
    let shown = view.queue.take();
    let lines: Vec<_> = shown.lines().collect();
    let (three, one) = (". | prof: 3 days ago", ". | prof: 1 days ago");
    let expected = [&date(3), three, three, &date(1), one, &date(0), ". bo: now", ". bo: and now"];
    assert_eq!(lines, expected);
    let mut view = self::view(None);
    view.lines([&*row(3), "bo: now"], "al");
    assert_eq!(view.queue.take(), "| prof: 3 days ago\nbo: now\n");
}

#[test]
fn a_newcomer_is_shown_what_was_said_last() {
    let row = |line: &str| format!("[2026-11-22T10:04:05Z] {line}");
    let mut rows = vec![row("prof: the exam is on Friday, al")];
    rows.extend((0..40).map(|number| row(&format!("s{number} has entered the room."))));
    let earlier = Earlier { rows, ..Earlier::default() };
    let mut view = view(None);
    view.earlier(&earlier, "al");
    let said = "! | prof: the exam is on Friday, al\n";
    assert_eq!(view.queue.take(), format!("{said}-- 40 came, 0 left\n"), "and does not ring");
    view.style.quiet = true;
    view.earlier(&earlier, "al");
    assert_eq!(view.queue.take(), said);
}

#[test]
fn a_crowd_is_one_line() {
    let row = |line: &str| format!("[2026-11-22T10:04:05Z] {line}");
    let came = row("bo has entered the room.");
    let left = row("bo has left the room.");
    let said = |number: u32| row(&format!("prof: {number}"));
    let rows = [said(0), said(1), came.clone(), said(2), came.clone(), left.clone(), came.clone()];
    let crowd = Part::Crowd { came: 2, left: 1 };
    let (one, two) = (said(1), said(2));
    let expected = [Part::Row(&one), Part::Row(&came), Part::Row(&two), crowd];
    assert_eq!(digest(&rows, 2), expected);
    assert_eq!(digest(&rows, 1), expected[2..]);
    assert_eq!(digest(&rows, 9).len(), 5);
    let nobody_spoke = vec![came; 40];
    assert_eq!(digest(&nobody_spoke, 20), [Part::Crowd { came: 40, left: 0 }]);
    assert_eq!(digest(&[], 20), []);
}
