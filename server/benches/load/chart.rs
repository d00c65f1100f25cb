//! A line chart with logarithmic axes, as SVG. It knows nothing of what it shows.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
/// Names in a row above the lines, how far apart, and how high a row is.
const NAMES_IN_A_ROW: usize = 4;
const NAME_WIDTH: f64 = 160.0;
const ROW_HEIGHT: f64 = 18.0;
/// Above the lines: the title and two rows of names.
const TOP: f64 = 82.0;
const BOTTOM: f64 = 52.0;
/// Colours that people who see few of them can tell apart. Whatever is shown has no more lines.
const COLOURS: [&str; 8] =
    ["#d55e00", "#0072b2", "#009e73", "#999999", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/// One direction of a chart: what stands there, and where lines are drawn.
#[derive(Debug)]
pub struct Axis {
    /// What it measures, and in what unit.
    pub label: String,
    /// Values above zero, with their texts; the first and the last are the ends.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis with a tick at each power of ten that is needed for these values.
    #[must_use]
    pub fn of_tens(label: &str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor() as i32;
        let most = (values.fold(0.0, f64::max).log10().ceil() as i32).max(least + 1);
        let text = |power: i32| match power {
            0.. => format!("{}", 10_u64.pow(power as u32)),
            _ => format!("{:.*}", power.unsigned_abs() as usize, 10_f64.powi(power)),
        };
        let ticks = (least..=most).map(|power| (10_f64.powi(power), text(power))).collect();
        Self { label: label.to_owned(), ticks }
    }

    /// Where a value lies, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let end = |tick: Option<&(f64, String)>| tick.map_or(1.0, |(value, _)| *value).ln();
        let (from, to) = (end(self.ticks.first()), end(self.ticks.last()));
        (value.ln() - from) / (to - from)
    }
}

/// Several lines in one picture.
#[derive(Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From below to above.
    pub y: Axis,
    /// Name and points of each line.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Chart {
    /// The picture.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let mut svg = String::new();
        // Writing to memory does not fail.
        let _ = self.write(&mut svg);
        svg
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        (LEFT + self.x.place(x) * width, HEIGHT - BOTTOM - self.y.place(y) * height)
    }

    fn write(&self, svg: &mut String) -> std::fmt::Result {
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n\
             <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"16\" font-weight=\"bold\">{}</text>",
            self.title, self.title
        )?;
        self.write_axes(svg)?;
        for (index, (name, points)) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let places: Vec<_> = points.iter().map(|point| self.at(*point)).collect();
            let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
                path.join(" ")
            )?;
            for (x, y) in places {
                writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>")?;
            }
            let x = LEFT + (index % NAMES_IN_A_ROW) as f64 * NAME_WIDTH;
            let y = 36.0 + (index / NAMES_IN_A_ROW) as f64 * ROW_HEIGHT;
            writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"{}\" font-size=\"12\">{name}</text>",
                x + 17.0,
                y + 11.0
            )?;
        }
        writeln!(svg, "</svg>")
    }

    fn write_axes(&self, svg: &mut String) -> std::fmt::Result {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, text) in &self.x.ticks {
            let (x, _) = self.at((*value, self.y.ticks[0].0));
            writeln!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
                bottom + 18.0
            )?;
        }
        for (value, text) in &self.y.ticks {
            let (_, y) = self.at((self.x.ticks[0].0, *value));
            writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 8.0,
                y + 4.0
            )?;
        }
        let (middle_x, middle_y) = (f64::midpoint(LEFT, right), f64::midpoint(TOP, bottom));
        writeln!(
            svg,
            "<text x=\"{middle_x}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(16 {middle_y}) rotate(-90)\" \
             text-anchor=\"middle\">{}</text>",
            HEIGHT - 12.0,
            self.x.label,
            self.y.label
        )
    }
}
