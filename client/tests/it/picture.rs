//! The picture of a session: a real run under a pseudo-terminal, drawn as an SVG.
//!
//! `scripts/session-svg` names the file to write it to. Every test run makes it all the same, so the
//! picture can always be made again.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

use crate::pty::{Pty, fresh_directory};
use crate::real_server::{Other, RealServer};

const COLUMNS: u16 = 80;
/// One row fewer than the session has: the first one, which names a port, is off the screen.
const ROWS: u16 = 16;
/// The cell of the fonts below at 14 pixels.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const BACKGROUND: &str = "#1b1d23";
const FOREGROUND: &str = "#d7dae0";

#[test]
fn the_picture_of_a_session_can_be_made() {
    let server = RealServer::start();
    // Who leaves would be in the picture, so nobody does before it is drawn.
    let (pty, _others) = run_a_session(&server);
    let svg = pty.with_screen(draw);
    for expected in ["<svg ", "bob", "private", "half typed", "</svg>"] {
        assert!(svg.contains(expected), "{expected}");
    }
    if let Ok(path) = std::env::var("SESSION_SVG") {
        std::fs::write(path, svg).unwrap();
    }
}

fn run_a_session(server: &RealServer) -> (Pty, [Other; 2]) {
    let mut bob = server.other("bob");
    bob.send("say is anybody here?\n");
    bob.read_to("bob: is anybody here?");
    let address = server.address.to_string();
    // One minute for ever: the picture is to change only when the program does.
    let arguments = ["--server", &address, "--name", "alice", "--time", "10:04"];
    let mut pty = Pty::start_with(&arguments, ROWS, &fresh_directory(), &[]);
    pty.wait_for("| bob: is anybody here?");
    pty.keys("good morning!\r");
    pty.wait_for("alice: good morning!");
    let mut zoe = server.other("Zoé");
    for (is_bob, request) in [
        (true, "say hello alice, how is the new client?"),
        (false, "me looks at the colours"),
        (false, "say 你好, on a dark screen or a light one?"),
        (true, "msg alice a word in private"),
        (true, "topic terminals"),
    ] {
        let sender = if is_bob { &mut bob } else { &mut zoe };
        sender.send(&format!("{request}\nping\n"));
        sender.read_to("pong");
    }
    pty.wait_for("bob set the topic");
    pty.keys("/look\r");
    pty.wait_for("Online Users:");
    pty.keys("/lokk\r");
    pty.wait_for("did you mean");
    pty.keys("half typed");
    pty.wait_for_last("alice@main> half typed");
    zoe.send("say this came while alice was typing\nping\n");
    zoe.read_to("pong");
    pty.wait_for("while alice was typing");
    pty.wait_for_last("alice@main> half typed");
    (pty, [bob, zoe])
}

fn draw(screen: &Screen) -> String {
    let (width, height) = (f32::from(COLUMNS) * WIDTH, f32::from(ROWS) * HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-12 -8 {} {}\" \
         font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         <rect x=\"-12\" y=\"-8\" width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n",
        width + 24.0,
        height + 16.0,
    );
    for row in 0..ROWS {
        let mut column = 0;
        while let Some(first) = screen.cell(row, column) {
            let start = column;
            let mut text = String::new();
            while let Some(cell) =
                screen.cell(row, column).filter(|cell| style(cell) == style(first))
            {
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                column += 1;
            }
            draw_run(&mut svg, (row, start, column), &text, first);
        }
    }
    let (row, column) = screen.cursor_position();
    let (x, y) = (f32::from(column) * WIDTH, f32::from(row) * HEIGHT);
    writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{FOREGROUND}\" \
         opacity=\"0.6\"/>\n</svg>"
    )
    .unwrap();
    svg
}

fn style(cell: &Cell) -> (Color, bool, bool, bool) {
    (cell.fgcolor(), cell.bold(), cell.dim(), cell.inverse())
}

/// A run of cells of one row that look the same.
fn draw_run(svg: &mut String, (row, start, end): (u16, u16, u16), text: &str, cell: &Cell) {
    if text.trim().is_empty() {
        return;
    }
    let (x, y) = (f32::from(start) * WIDTH, f32::from(row) * HEIGHT);
    let width = f32::from(end - start) * WIDTH;
    let mut fill = color(cell.fgcolor());
    if cell.inverse() {
        writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>"
        )
        .unwrap();
        fill = BACKGROUND.to_owned();
    }
    let weight = if cell.bold() { " font-weight=\"bold\"" } else { "" };
    let opacity = if cell.dim() { " opacity=\"0.6\"" } else { "" };
    let kept = text.trim_end();
    let blank = u16::try_from(text.len() - kept.len()).unwrap();
    let length = f32::from(end - start - blank) * WIDTH;
    let text = kept.replace('&', "&amp;").replace('<', "&lt;");
    let baseline = y + 13.5;
    // The length keeps the columns straight in whatever font there is.
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{length:.1}\" xml:space=\"preserve\" \
         fill=\"{fill}\"{weight}{opacity}>{text}</text>"
    )
    .unwrap();
}

/// The colour cube of terminals with 256 colours. The client uses no other part of them.
fn color(color: Color) -> String {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match color {
        Color::Idx(index) if (16..232).contains(&index) => {
            let step = |divisor: u8| LEVELS[usize::from((index - 16) / divisor % 6)];
            format!("#{:02x}{:02x}{:02x}", step(36), step(6), step(1))
        }
        _ => FOREGROUND.to_owned(),
    }
}
