//! Charts for people: a line or a bar for each contestant, as SVG.

use plotters::prelude::*;
use std::{error::Error, ops::Range, path::Path};

const SIZE: (u32, u32) = (720, 360);
/// Colours that differ in lightness too, the service first.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0x1b, 0x4f, 0x9c),
    RGBColor(0xe0, 0x7b, 0x1f),
    RGBColor(0x4a, 0x9a, 0x5b),
    RGBColor(0x9a, 0x9a, 0x9a),
    RGBColor(0x8a, 0x3f, 0x7f),
];

/// A named row of values.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the legend says.
    pub name: String,
    /// Values in the order of the chart's positions; what is missing is not drawn.
    pub values: Vec<Option<f64>>,
}

/// What a chart is of.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// Its heading.
    pub title: &'a str,
    /// What is told apart along the bottom.
    pub across: &'a str,
    /// What is measured, with its unit.
    pub up: &'a str,
    /// The positions along the bottom.
    pub positions: Vec<String>,
    /// What is shown.
    pub series: Vec<Series>,
}

impl Chart<'_> {
    /// Draws a line for each series.
    pub fn lines(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        self.draw(file, false, false)
    }

    /// Draws a group of bars for each position.
    pub fn bars(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        self.draw(file, true, false)
    }

    /// The same where values are far apart: a step upwards is ten times as much.
    pub fn bars_by_tens(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        self.draw(file, true, true)
    }

    /// Where the scale begins and ends.
    fn scale(&self, tens: bool) -> Range<f64> {
        let values = self.series.iter().flat_map(|series| &series.values).flatten().copied();
        if tens {
            let values: Vec<f64> = values.filter(|value| *value > 0.0).map(f64::log10).collect();
            let least = values.iter().copied().fold(0.0, f64::min).floor();
            // The legend is above the bars.
            least..values.into_iter().fold(least, f64::max).ceil() + 1.0
        } else {
            0.0..values.fold(0.0, f64::max) * 1.05
        }
    }

    fn draw(&self, file: &Path, bars: bool, tens: bool) -> Result<(), Box<dyn Error>> {
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let count = self.positions.len();
        let scale = self.scale(tens);
        let bottom = scale.start;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(-0.5..count as f64 - 0.5, scale)?;
        let label = |x: &f64| {
            let at = x.round();
            // Only the middle of a position has its name.
            if (x - at).abs() > 0.01 || at < 0.0 { String::new() } else { self.position(at as usize) }
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .x_labels(2 * count + 1)
            .x_label_formatter(&label)
            .x_desc(self.across)
            .y_desc(self.up)
            .y_label_formatter(&|y| match (tens, y.fract() == 0.0) {
                (false, _) => format!("{y:.0}"),
                (true, true) => 10f64.powf(*y).to_string(),
                (true, false) => String::new(),
            })
            .draw()?;
        for (at, series) in self.series.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let drawn = if bars {
                let up = |y: f64| if tens { y.log10().max(bottom) } else { y };
                let bars = self.bars_of(at).map(|(left, right, y)| [(left, bottom), (right, up(y))]);
                chart.draw_series(bars.map(|corners| Rectangle::new(corners, colour.filled())))?
            } else {
                let points = (0..).map(f64::from).zip(&series.values);
                let points = points.filter_map(|(x, y)| Some((x, (*y)?)));
                chart.draw_series(LineSeries::new(points, colour.stroke_width(3)).point_size(4))?
            };
            drawn
                .label(&series.name)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], colour.filled()));
        }
        // Lines rise to the right.
        let legend = if bars { SeriesLabelPosition::UpperRight } else { SeriesLabelPosition::UpperLeft };
        chart
            .configure_series_labels()
            .position(legend)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .label_font(("sans-serif", 13))
            .draw()?;
        area.present()?;
        Ok(())
    }

    fn position(&self, at: usize) -> String {
        self.positions.get(at).cloned().unwrap_or_default()
    }

    /// Left, right and value of a series' bars: side by side with those of the others, around each position.
    fn bars_of(&self, at: usize) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let width = 0.8 / self.series.len().max(1) as f64;
        let from = at as f64 * width - 0.4;
        (0..).map(f64::from).zip(&self.series[at].values).filter_map(move |(x, y)| {
            let left = x + from;
            Some((left, left + width * 0.92, (*y)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_names_everything_and_draws_every_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chart.svg");
        let series =
            |name: &str, values: [Option<f64>; 2]| Series { name: name.into(), values: values.into() };
        let chart = Chart {
            title: "A title",
            across: "workers",
            up: "megabytes",
            positions: vec!["one".into(), "two".into()],
            series: vec![series("this", [Some(1.0), Some(2.0)]), series("that", [Some(7.0), None])],
        };
        chart.bars(&file).unwrap();
        let svg = std::fs::read_to_string(&file).unwrap();
        let tree = roxmltree::Document::parse(&svg).unwrap();
        for text in ["A title", "workers", "megabytes", "one", "two", "this", "that"] {
            assert!(
                tree.descendants().any(|node| node.text().is_some_and(|found| found.trim() == text)),
                "{text} is missing in {svg}"
            );
        }
        // A bar for each value, and one in the legend.
        assert_eq!((svg.matches("#1B4F9C").count(), svg.matches("#E07B1F").count()), (3, 2), "{svg}");
        chart.bars_by_tens(&file).unwrap();
        let svg = std::fs::read_to_string(&file).unwrap();
        assert!(svg.contains("\n10\n") && svg.matches("#1B4F9C").count() == 3, "{svg}");
        chart.lines(&file).unwrap();
        assert!(std::fs::read_to_string(&file).unwrap().contains("<polyline"));
    }
}
