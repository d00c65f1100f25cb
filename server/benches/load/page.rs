//! The page about performance: its tables and pictures, made again from a run's results.
//!
//! The words of the page are written by people. Between `<!-- table NAME -->` and `<!-- end -->`
//! stands what this module writes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::chart::{Axis, Chart};
use crate::report::{Report, Row};

/// What people do most, see [`line_by_line`].
const SMALL: [&str; 5] =
    ["small, one talks", "small, half talk", "small, all talk", "small, a line's way", "visits"];

/// Several servers that are one chat, see [`joined`].
const JOINED: [&str; 2] = ["joined, saturated", "joined, a line's way"];

const END: &str = "<!-- end -->";

/// Puts the results into the page, and its pictures beside it.
///
/// # Errors
///
/// When the page has no place for a table, or a file cannot be written.
pub fn update(page: &Path, report: &Report) -> Result<()> {
    let mut text = fs::read_to_string(page).with_context(|| format!("cannot read {page:?}"))?;
    for (name, loads) in [
        ("saturated", &["saturated"][..]),
        ("ten in flight", &["ten in flight"]),
        ("one in flight", &["one in flight"]),
        ("latency", &["steady", "steady, a tenth stalled"]),
        ("storm", &["login storm"]),
        ("rooms", &["rooms, one in flight each", "rooms, saturated"]),
        ("small", &SMALL),
        ("joined", &JOINED),
    ] {
        let begin = format!("<!-- table {name} -->\n");
        let start = text.find(&begin).with_context(|| format!("{page:?} has no {begin}"))?;
        let start = start + begin.len();
        let length = text[start..].find(END).with_context(|| format!("{name} has no {END}"))?;
        let rows = report.rows.iter().filter(|row| loads.contains(&row.load.as_str()));
        let rows: Vec<_> = rows.collect();
        let has_latency = rows.iter().any(|row| row.latency.is_some());
        let table = match name {
            "small" => line_by_line(&rows),
            "joined" => joined(&rows),
            _ if has_latency => latencies(&rows),
            _ => costs(&rows, loads.len() > 1),
        };
        text.replace_range(start..start + length, &table);
    }
    fs::write(page, text)?;
    let directory = page.with_extension("");
    fs::create_dir_all(&directory)?;
    for (file, load) in [("saturated.svg", "saturated"), ("one-in-flight.svg", "one in flight")] {
        fs::write(directory.join(file), cost_chart(report, load).to_svg())?;
    }
    fs::write(directory.join("latency.svg"), latency_chart(report).to_svg())?;
    Ok(())
}

fn costs(rows: &[&Row], has_loads: bool) -> String {
    let (heading, rule) = if has_loads { ("| load ", "|---") } else { ("", "") };
    let mut table = format!(
        "{heading}| clients | rooms | who | CPU µs a delivery | in bare sends | million deliveries a \
         second | context switches a line | KiB a client |\n\
         {rule}|--:|--:|---|--:|--:|--:|--:|--:|\n"
    );
    for row in rows {
        let load = if has_loads { format!("| {} ", row.load) } else { String::new() };
        let sends = row.sends_a_delivery().map_or("".into(), |sends| format!("{sends:.4}"));
        table += &format!(
            "{load}| {} | {} | {} | {:.4} | {sends} | {:.2} | {:.1} | {:.1} |\n",
            row.clients,
            row.rooms,
            row.contender,
            row.microseconds_a_delivery(),
            row.deliveries as f64 / row.seconds / 1e6,
            row.switches as f64 / row.lines as f64,
            row.resident_bytes_a_client as f64 / 1024.0,
        );
    }
    table
}

fn latencies(rows: &[&Row]) -> String {
    let mut table = "| load | clients | who | seconds | CPU seconds | KiB a client | p50 ms | \
                     p90 ms | p99 ms | p99.9 ms | max ms |\n\
                     |---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for row in rows {
        let Some(latency) = &row.latency else { continue };
        let columns = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max];
        let columns = columns.map(|micros| format!("{:.1}", micros as f64 / 1000.0));
        table += &format!(
            "| {} | {} | {} | {:.2} | {:.2} | {:.1} | {} |\n",
            row.load,
            row.clients,
            row.contender,
            row.seconds,
            row.processor_seconds,
            row.resident_bytes_a_client as f64 / 1024.0,
            columns.join(" | "),
        );
    }
    table
}

/// People who talk a line at a time, and visits, where a visit counts as a line.
fn line_by_line(rows: &[&Row]) -> String {
    let mut table = "| load | clients | who | CPU µs a delivery | million deliveries a second | \
                     context switches a line | p50 µs | p99 µs |\n\
                     |---|--:|---|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for row in rows {
        let latency = row.latency.as_ref();
        let at = |value: Option<u64>| value.map_or("".into(), |value| value.to_string());
        table += &format!(
            "| {} | {} | {} | {:.3} | {:.3} | {:.1} | {} | {} |\n",
            row.load.trim_start_matches("small, "),
            row.clients,
            row.contender,
            row.microseconds_a_delivery(),
            row.deliveries as f64 / row.seconds / 1e6,
            row.switches as f64 / row.lines as f64,
            at(latency.map(|latency| latency.p50)),
            at(latency.map(|latency| latency.p99)),
        );
    }
    table
}

/// Servers that share a log: what they do under load, and how long a line takes when nothing else is said.
fn joined(rows: &[&Row]) -> String {
    let mut table =
        "| who | clients | CPU µs a delivery | lines a second | a line's way: p50 µs | p99 µs |\n\
                     |---|--:|--:|--:|--:|--:|\n"
            .to_owned();
    let [saturated, way] = JOINED;
    for row in rows.iter().filter(|row| row.load == saturated) {
        let is_way = |other: &&&Row| other.load == way && other.contender == row.contender;
        let latency = rows.iter().find(is_way).and_then(|row| row.latency.as_ref());
        let at = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
        table += &format!(
            "| {} | {} | {:.4} | {:.0} | {} | {} |\n",
            row.contender,
            row.clients,
            row.microseconds_a_delivery(),
            row.lines as f64 / row.seconds,
            at(latency.map(|latency| latency.p50)),
            at(latency.map(|latency| latency.p99)),
        );
    }
    table
}

/// The contenders of some rows, in their order.
fn contenders<'a>(rows: &[&'a Row]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.contender.as_str()) {
            names.push(&row.contender);
        }
    }
    names
}

fn cost_chart(report: &Report, load: &str) -> Chart {
    let rows: Vec<_> = report.rows.iter().filter(|row| row.load == load).collect();
    let lines = contenders(&rows).into_iter().map(|name| {
        let own = rows.iter().filter(|row| row.contender == name);
        let points = own.map(|row| (row.clients as f64, row.microseconds_a_delivery()));
        (name.to_owned(), points.collect())
    });
    let clients = rows.iter().map(|row| row.clients as f64);
    let costs = rows.iter().map(|row| row.microseconds_a_delivery());
    Chart {
        title: format!("What a delivered line costs: {load}"),
        x: Axis::of_tens("clients in the room", clients),
        y: Axis::of_tens("processor time of the server, µs a delivery", costs),
        lines: lines.collect(),
    }
}

/// The share of lines that took longer, so that the rare ones get as much space as the usual.
fn latency_chart(report: &Report) -> Chart {
    let rows: Vec<_> = report.rows.iter().filter(|row| row.load.starts_with("steady")).collect();
    let curves = rows.iter().filter_map(|row| {
        let latency = row.latency.as_ref()?;
        let name = match row.load.as_str() {
            "steady" => row.contender.clone(),
            _ => "a tenth stalled".to_owned(),
        };
        let points = latency
            .points
            .iter()
            .map(|(percent, micros)| (100.0 / (100.0 - percent), (*micros).max(1) as f64 / 1000.0));
        Some((name, points.collect::<Vec<_>>()))
    });
    let lines: Vec<_> = curves.collect();
    let values = lines.iter().flat_map(|(_, points)| points.iter().map(|(_, value)| *value));
    let ticks =
        [(1.0, "0"), (2.0, "50"), (10.0, "90"), (100.0, "99"), (1e3, "99.9"), (1e4, "99.99")];
    let y = Axis::of_tens("from when it was due until it was there, ms", values);
    Chart {
        title: "How late a line is at a steady rate".into(),
        x: Axis {
            label: "percentile of deliveries".into(),
            ticks: ticks.map(|(at, text)| (at, text.into())).to_vec(),
        },
        y,
        lines,
    }
}
