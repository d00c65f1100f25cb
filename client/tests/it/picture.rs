//! The picture of a session: a real run under a pseudo-terminal, drawn as an SVG that moves.
//!
//! `scripts/session-svg` names the file to write it to. Every test run makes it all the same, so the
//! picture can always be made again. Its frames lie side by side, and a style sheet pushes them through
//! the window; who wants no motion, or has a program that knows none, sees the last one.

use std::collections::BTreeMap;
use std::fmt::Write;

use vt100::{Cell, Color, Screen};

use crate::pty::{Pty, fresh_directory};
use crate::real_server::{Other, RealServer};

const COLUMNS: u16 = 80;
const ROWS: u16 = 14;
/// The cell of the fonts below at 14 pixels.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const BACKGROUND: &str = "#1b1d23";
const FOREGROUND: &str = "#d7dae0";

/// Milliseconds for which a frame is seen: with a key, and with something to read.
const KEY: u32 = 90;
const READ: u32 = 1300;
const END: u32 = 5000;

#[test]
fn the_picture_of_a_session_can_be_made() {
    let server = RealServer::start();
    // Who leaves would be in the picture, so nobody does before it is drawn.
    let (film, _others) = run_a_session(&server);
    let svg = film.draw();
    for expected in ["<svg ", "bob", "did you mean", "half typed", "</svg>"] {
        assert!(svg.contains(expected), "{expected}");
    }
    assert!(svg.contains("prefers-reduced-motion"));
    // What changes from run to run, or from day to day, is in no frame.
    assert!(!svg.contains(&format!(":{}", server.address.port())), "{svg}");
    let bytes = svg.len();
    assert!(bytes < 64 * 1024, "a page is to show it soon, and it has {bytes} bytes");
    if let Ok(path) = std::env::var("SESSION_SVG") {
        std::fs::write(path, svg).unwrap();
    }
}

/// Somebody at a prompt who is filmed.
struct Actor {
    pty: Pty,
    film: Film,
    line: String,
}

impl Actor {
    /// Types, with a frame a key.
    fn types(&mut self, text: &str) {
        for key in text.chars() {
            self.pty.keys(key.encode_utf8(&mut [0; 4]));
            self.line.push(key);
            self.wait_for_line();
            self.film.shoot(&self.pty, KEY);
        }
    }

    /// Presses a key that changes the line to this one.
    fn presses(&mut self, key: &str, line: &str) {
        self.pty.keys(key);
        line.clone_into(&mut self.line);
        self.wait_for_line();
    }

    /// Enters the line, and waits until the screen has what comes of it.
    fn enters(&mut self, shown: &str) {
        self.pty.keys("\r");
        self.line.clear();
        self.sees(shown);
    }

    /// Waits until the screen has something, and the line is as it was.
    fn sees(&mut self, shown: &str) {
        self.pty.wait_for(shown);
        self.wait_for_line();
        self.film.shoot(&self.pty, READ);
    }

    /// Waits until the line is in the last row, with the cursor behind it. What may follow is shown there.
    fn wait_for_line(&self) {
        let line = format!("alice@main> {}", self.line);
        self.pty.wait_until_screen(&line, |screen| {
            let (row, column) = screen.cursor_position();
            let before = screen.contents_between(row, 0, row, column);
            usize::from(column) == line.chars().count() && before.trim_end() == line.trim_end()
        });
    }
}

fn run_a_session(server: &RealServer) -> (Film, [Other; 2]) {
    let mut bob = server.other("bob");
    let mut zoe = server.other("Zoé");
    let address = server.address.to_string();
    // One minute for ever: the picture is to change only when the program does.
    let arguments = ["--server", &address, "--name", "alice", "--time", "10:04"];
    let pty = Pty::start_with(&arguments, ROWS, &fresh_directory(), &[]);
    // What was said before she came is shown once it has come, which may be after the prompt.
    pty.wait_for("-- 2 came, 0 left");
    pty.wait_for_last("alice@main>");
    let mut alice = Actor { pty, film: Film::default(), line: String::new() };
    // The first lines have a date and a port.
    alice.pty.keys("/clear\r");
    alice.pty.wait_until("a clear screen", |screen| screen.trim_end() == "alice@main>");
    alice.film.shoot(&alice.pty, READ);

    bob.send("say is anybody here?\n");
    alice.sees("bob: is anybody here?");
    alice.types("good mor");
    // What others say never gets into a line that is being typed.
    zoe.send("say 你好! the build is green\n");
    alice.sees("the build is green");
    alice.types("ning!");
    alice.enters("alice: good morning!");
    bob.send("say alice, have you seen the new client?\n");
    alice.sees("have you seen the new client?");
    zoe.send("me looks at the colours\n");
    alice.sees("looks at the colours");
    alice.types("/msg b");
    alice.presses("\t", "/msg bob ");
    alice.film.shoot(&alice.pty, READ);
    alice.types("yes, lunch?");
    alice.enters("[to bob] yes, lunch?");
    bob.send("msg alice at twelve\n");
    alice.sees("[from bob] at twelve");
    alice.types("/lokk");
    alice.enters("did you mean /look?");
    alice.types("/look");
    alice.enters("Online Users:");
    alice.types("half typed");
    zoe.send("say and this came while alice was typing\n");
    alice.sees("came while alice was typing");
    alice.film.hold(END);
    (alice.film, [bob, zoe])
}

/// What the screen showed, one after the other.
#[derive(Default)]
struct Film {
    frames: Vec<Frame>,
}

struct Frame {
    /// Each row as it is drawn at the top. The empty text is an empty row.
    rows: Vec<String>,
    cursor: (u16, u16),
    milliseconds: u32,
}

impl Film {
    fn shoot(&mut self, pty: &Pty, milliseconds: u32) {
        self.frames.push(pty.with_screen(|screen| Frame {
            rows: (0..ROWS).map(|row| draw_row(screen, row)).collect(),
            cursor: screen.cursor_position(),
            milliseconds,
        }));
    }

    /// The last frame is seen for so long.
    fn hold(&mut self, milliseconds: u32) {
        self.frames.last_mut().unwrap().milliseconds = milliseconds;
    }

    fn draw(&self) -> String {
        let (width, height) = (f32::from(COLUMNS) * WIDTH + 24.0, f32::from(ROWS) * HEIGHT + 16.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-12 -8 {width} {height}\" \
             font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
             <title>A session of chat-client: lines of others come while one is typed</title>\n"
        );
        self.draw_style(&mut svg, width);
        // Most frames have most rows in common, so each row is drawn once.
        let mut rows = BTreeMap::new();
        svg.push_str("<defs>\n");
        for row in self.frames.iter().flat_map(|frame| &frame.rows).filter(|row| !row.is_empty()) {
            let next = rows.len();
            if let std::collections::btree_map::Entry::Vacant(place) = rows.entry(row) {
                place.insert(next);
                writeln!(svg, "<g id=\"r{next}\">{row}</g>").unwrap();
            }
        }
        writeln!(
            svg,
            "</defs>\n<rect x=\"-12\" y=\"-8\" width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
             <g class=\"film\">"
        )
        .unwrap();
        for (number, frame) in (0u16..).zip(&self.frames) {
            let left = f32::from(number) * width;
            write!(svg, "<g transform=\"translate({left:.0} 0)\">").unwrap();
            for (row, text) in (0u16..).zip(&frame.rows).filter(|(_, text)| !text.is_empty()) {
                let top = f32::from(row) * HEIGHT;
                write!(svg, "<use href=\"#r{}\" y=\"{top:.0}\"/>", rows[text]).unwrap();
            }
            let (x, y) = (f32::from(frame.cursor.1) * WIDTH, f32::from(frame.cursor.0) * HEIGHT);
            writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
                 fill=\"{FOREGROUND}\" opacity=\"0.6\"/></g>"
            )
            .unwrap();
        }
        svg + "</g>\n</svg>\n"
    }

    /// Which frame stands in the window when, and which one for who wants no motion.
    fn draw_style(&self, svg: &mut String, width: f32) {
        let all: u32 = self.frames.iter().map(|frame| frame.milliseconds).sum();
        let last = f32::from(u16::try_from(self.frames.len() - 1).unwrap()) * width;
        writeln!(
            svg,
            "<style>\n.film {{ transform: translateX(-{last:.0}px) }}\n\
             @media (prefers-reduced-motion: no-preference) {{ .film {{ animation: film {all}ms step-end infinite }} }}\n\
             @keyframes film {{"
        )
        .unwrap();
        let mut begin = 0;
        for (number, frame) in (0u16..).zip(&self.frames) {
            let (share, left) =
                (f64::from(begin) * 100.0 / f64::from(all), f32::from(number) * width);
            write!(svg, "{share:.2}%{{transform:translateX(-{left:.0}px)}}").unwrap();
            begin += frame.milliseconds;
        }
        svg.push_str("}\n</style>\n");
    }
}

/// A row, drawn at the top.
fn draw_row(screen: &Screen, row: u16) -> String {
    let mut svg = String::new();
    let mut column = 0;
    while let Some(first) = screen.cell(row, column) {
        let start = column;
        let mut text = String::new();
        while let Some(cell) = screen.cell(row, column).filter(|cell| style(cell) == style(first)) {
            if !cell.is_wide_continuation() {
                text.push_str(if cell.has_contents() { cell.contents() } else { " " });
            }
            column += 1;
        }
        draw_run(&mut svg, (start, column), &text, first);
    }
    svg
}

fn style(cell: &Cell) -> (Color, bool, bool, bool) {
    (cell.fgcolor(), cell.bold(), cell.dim(), cell.inverse())
}

/// A run of cells of one row that look the same.
fn draw_run(svg: &mut String, (start, end): (u16, u16), text: &str, cell: &Cell) {
    if text.trim().is_empty() {
        return;
    }
    let x = f32::from(start) * WIDTH;
    let width = f32::from(end - start) * WIDTH;
    let mut fill = color(cell.fgcolor());
    if cell.inverse() {
        write!(
            svg,
            "<rect x=\"{x:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>"
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
    // The length keeps the columns straight in whatever font there is.
    write!(
        svg,
        "<text x=\"{x:.1}\" y=\"13.5\" textLength=\"{length:.1}\" xml:space=\"preserve\" \
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
