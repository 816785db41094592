//! Courses over days as SVG: shapes alone, which stretch with the page; words stand beside them as text, so that they can
//! be read on a phone and by a screen reader.

use super::page::day;
use maud::{Markup, html};
use program::print::grouped;
use std::fmt::Write as _;

/// Points of a line as small as a word, and its height, which is that of the style sheet in pixels.
const POINTS: usize = 60;
const HEIGHT: u64 = 24;

/// A chart of requests by day, as wide as the page; `None` is a day without figures, where the line has a gap.
pub fn course(title: &str, first: i32, values: &[Option<u64>]) -> Markup {
    let known = || values.iter().flatten().copied();
    let most = known().max().unwrap_or_default();
    let top = round_up(most);
    let runs = runs(values, top);
    let last = first + values.len().saturating_sub(1) as i32;
    let said = format!(
        "{title}: from {} to {}, at least {} and at most {} requests a day{}",
        day(first),
        day(last),
        grouped(known().min().unwrap_or_default()),
        grouped(most),
        gaps(values)
    );
    html! {
        figure class="course" {
            figcaption { (title) @if known().count() < values.len() { ". Where there is no line, there are no figures." } }
            div class="up" aria-hidden="true" { span { (short(top)) } span { (short(top / 2)) } span { "0" } }
            svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=(said) {
                path class="grid" d="M0 0H1000M0 50H1000M0 100H1000" {}
                path class="area" d=(area(&runs)) {}
                path class="line" d=(outline(&runs)) {}
            }
            div class="along" aria-hidden="true" { span { (day(first)) } @if values.len() > 2 { span { (day(first + (last - first) / 2)) } } span { (day(last)) } }
        }
    }
}

/// A line as small as a word, of means if there are many days; `None` is a day without figures, which counts for no mean.
pub fn line(values: &[Option<u64>]) -> Markup {
    let size = values.len().div_ceil(POINTS).max(1);
    let mean = |days: &[Option<u64>]| {
        let known = || days.iter().flatten();
        known().sum::<u64>().checked_div(known().count() as u64)
    };
    // From the end, so that the last point is of as many days as all others.
    let mut means: Vec<Option<u64>> = values.rchunks(size).map(mean).collect();
    means.reverse();
    let known = || values.iter().flatten();
    let [least, most] =
        [known().min(), known().max()].map(|value| grouped(value.copied().unwrap_or_default()));
    let view = format!("0 -1 {} {}", means.len().saturating_sub(1).max(1), HEIGHT + 2);
    html! {
        svg viewBox=(view) preserveAspectRatio="none" role="img" aria-label={ "least " (least) ", most " (most) " a day" (gaps(values)) } { path d=(steps(&means)) {} }
    }
}

/// Values as a path of steps, one across and so many down, which takes few bytes: a page has a hundred of them.
fn steps(values: &[Option<u64>]) -> String {
    let top = values.iter().flatten().copied().max().unwrap_or_default().max(1);
    let down = |value: &u64| HEIGHT as i64 - (*value as f64 * HEIGHT as f64 / top as f64).round() as i64;
    let mut out = String::new();
    let mut at = 0;
    for run in values.chunk_by(|one, other| one.is_some() == other.is_some()) {
        let downs: Vec<i64> = run.iter().flatten().map(down).collect();
        // Writing to a string does not fail.
        let _ = match downs[..] {
            [] => Ok(()),
            // A lone one lies around its place.
            [down] => write!(out, "M{} {down}h{}", at as f64 - 0.5, if values.len() > 1 { 1 } else { 2 }),
            [first, ..] => write!(out, "M{at} {first}l"),
        };
        for (place, pair) in downs.windows(2).enumerate() {
            let step = pair[1] - pair[0];
            let [before, between] = [place == 0, step < 0].map(|is_apart| if is_apart { "" } else { " " });
            let _ = write!(out, "{before}1{between}{step}");
        }
        at += run.len();
    }
    out
}

/// How many days have no figures, for the end of a sentence.
fn gaps(values: &[Option<u64>]) -> String {
    match values.iter().filter(|value| value.is_none()).count() {
        0 => String::new(),
        1 => ", one day without figures".into(),
        days => format!(", {days} days without figures"),
    }
}

/// Points of values in a row on a ground of 1000 by 100: how far across, and how far down.
type Run = Vec<(usize, f64)>;

/// Values between gaps; a lone one is as wide as the way to the middle between it and the next.
fn runs(values: &[Option<u64>], top: u64) -> Vec<Run> {
    let steps = values.len().saturating_sub(1).max(1);
    let half = if values.len() > 1 { 500 / steps } else { 1000 };
    let point = |(at, value): (usize, &Option<u64>)| {
        let down = 100.0 - (*value)? as f64 * 100.0 / top.max(1) as f64;
        Some((at * 1000 / steps, down))
    };
    let mut runs = Vec::new();
    let mut at = 0;
    for run in values.chunk_by(|one, other| one.is_some() == other.is_some()) {
        let mut points: Run = (at..).zip(run).filter_map(point).collect();
        if let [(across, down)] = points[..] {
            points = vec![(across.saturating_sub(half), down), ((across + half).min(1000), down)];
        }
        if !points.is_empty() {
            runs.push(points);
        }
        at += run.len();
    }
    runs
}

/// Runs as lines of a path.
fn outline(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs {
        for (at, (across, down)) in run.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(out, "{}{across} {down:.1}", if at > 0 { "L" } else { "M" });
        }
    }
    out
}

/// Runs as areas of a path.
fn area(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs {
        let [begin, end] = [run.first(), run.last()].map(|point| point.map_or(0, |(across, _)| *across));
        let points = outline(std::slice::from_ref(run));
        // Writing to a string does not fail.
        let _ = write!(out, "M{begin} 100L{}L{end} 100Z", points.trim_start_matches('M'));
    }
    out
}

/// The next number above of one digit and noughts, of which a half is a number too.
fn round_up(number: u64) -> u64 {
    let unit = 10_u64.pow(number.max(1).ilog10());
    let times = if unit == 1 { &[2, 4, 6, 8, 10][..] } else { &[1, 2, 3, 4, 5, 6, 8, 10] };
    times.iter().map(|times| unit.saturating_mul(*times)).find(|round| *round >= number).unwrap_or(number)
}

/// A number in few characters.
fn short(number: u64) -> String {
    match number {
        0..10_000 => grouped(number),
        10_000..10_000_000 => format!("{} k", grouped(number / 1000)),
        10_000_000..10_000_000_000 => format!("{} M", grouped(number / 1_000_000)),
        _ => format!("{} G", grouped(number / 1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        assert_eq!([0, 1, 7, 11, 99, 100, 201, 5999].map(round_up), [2, 2, 8, 20, 100, 100, 300, 6000]);
    }

    #[test]
    fn a_course_is_said_in_words_too() {
        let chart = course("Requests a day", 0, &[Some(5), Some(0), Some(20)]).into_string();
        assert!(
            chart.contains("from 1970-01-01 to 1970-01-03, at least 0 and at most 20 requests a day"),
            "{chart}"
        );
        assert!(chart.contains("d=\"M0 75.0L500 100.0L1000 0.0\""), "{chart}");
        assert!(chart.contains("d=\"M0 100L0 75.0L500 100.0L1000 0.0L1000 100Z\""), "{chart}");
        assert!(!chart.contains("without figures") && !chart.contains("no line"), "{chart}");
    }

    #[test]
    fn a_day_without_figures_is_a_gap_and_not_zero() {
        let days = [Some(10), Some(20), None, Some(10), None, None];
        let chart = course("Requests a day", 0, &days).into_string();
        let said = "at least 10 and at most 20 requests a day, 3 days without figures";
        assert!(chart.contains(said) && chart.contains("Where there is no line"), "{chart}");
        assert!(chart.contains("d=\"M0 50.0L200 0.0M500 50.0L700 50.0\""), "{chart}");
        assert!(
            chart.contains("d=\"M0 100L0 50.0L200 0.0L200 100ZM500 100L500 50.0L700 50.0L700 100Z\""),
            "{chart}"
        );
        assert_eq!(outline(&runs(&[Some(1)], 2)), "M0 50.0L1000 50.0");
        assert_eq!(outline(&runs(&[None, None], 2)), "");
    }

    #[test]
    fn a_mean_is_of_days_with_figures() {
        let mut values = vec![Some(10); 2 * POINTS];
        values[1] = None;
        values[2..4].fill(None);
        let line = line(&values).into_string();
        assert!(line.contains("least 10, most 10 a day, 3 days without figures"), "{line}");
        // The first mean is of one day, the second one of none.
        assert!(line.contains("d=\"M-0.5 0h1M2 0l1 0 1 0"), "{line}");
    }

    #[test]
    fn a_small_line_has_means_of_as_many_days_as_it_takes() {
        let values: Vec<Option<u64>> = (0..365).map(Some).collect();
        let line = line(&values).into_string();
        assert!(line.contains("viewBox=\"0 -1 52 26\"") && line.contains("d=\"M0 24l1 0 1-1"), "{line}");
        assert!(line.contains("role=\"img\" aria-label=\"least 0, most 364 a day\""), "{line}");
    }
}
