//! Courses over days as SVG: shapes alone, which stretch with the page; words stand beside them as text, so that they can
//! be read on a phone and by a screen reader.

use super::page::day;
use maud::{Markup, html};
use program::print::grouped;
use std::fmt::Write as _;

/// Points of a line as small as a word.
const POINTS: usize = 60;

/// A chart of requests by day, as wide as the page.
pub fn course(title: &str, first: i32, values: &[u64]) -> Markup {
    let most = values.iter().copied().max().unwrap_or_default();
    let top = round_up(most);
    let points = points(values, top);
    let last = first + values.len().saturating_sub(1) as i32;
    let least = values.iter().copied().min().unwrap_or_default();
    let said = format!(
        "{title}: from {} to {}, at least {} and at most {} requests a day",
        day(first),
        day(last),
        grouped(least),
        grouped(most)
    );
    html! {
        figure class="course" {
            figcaption { (title) }
            div class="up" aria-hidden="true" { span { (short(top)) } span { (short(top / 2)) } span { "0" } }
            svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=(said) {
                path class="grid" d="M0 0H1000M0 50H1000M0 100H1000" {}
                path class="area" d={ "M0 100L" (points) "L1000 100Z" } {}
                path class="line" d={ "M" (points) } {}
            }
            div class="along" aria-hidden="true" { span { (day(first)) } @if values.len() > 2 { span { (day(first + (last - first) / 2)) } } span { (day(last)) } }
        }
    }
}

/// A cell with a line as small as a word, of means if there are many days.
pub fn line(values: &[u64]) -> Markup {
    let size = values.len().div_ceil(POINTS).max(1);
    // From the end, so that the last point is of as many days as all others.
    let mut means: Vec<u64> =
        values.rchunks(size).map(|days| days.iter().sum::<u64>() / days.len() as u64).collect();
    means.reverse();
    let points = points(&means, means.iter().copied().max().unwrap_or_default());
    let [least, most] =
        [values.iter().min(), values.iter().max()].map(|value| grouped(value.copied().unwrap_or_default()));
    html! {
        td class="line" {
            svg viewBox="0 -5 1000 110" preserveAspectRatio="none" role="img" aria-label={ "least " (least) ", most " (most) " a day" } { path d={ "M" (points) } {} }
        }
    }
}

/// Points on a ground of 1000 by 100.
fn points(values: &[u64], top: u64) -> String {
    let mut out = String::new();
    let steps = values.len().saturating_sub(1).max(1);
    for (at, value) in values.iter().enumerate() {
        let across = at * 1000 / steps;
        let up = 100.0 - *value as f64 * 100.0 / top.max(1) as f64;
        // Writing to a string does not fail.
        let _ = write!(out, "{}{across} {up:.1}", if at > 0 { "L" } else { "" });
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
        let chart = course("Requests a day", 0, &[5, 0, 20]).into_string();
        assert!(
            chart.contains("from 1970-01-01 to 1970-01-03, at least 0 and at most 20 requests a day"),
            "{chart}"
        );
        assert!(chart.contains("M0 75.0L500 100.0L1000 0.0"), "{chart}");
    }

    #[test]
    fn a_small_line_has_means_of_as_many_days_as_it_takes() {
        let values: Vec<u64> = (0..365).collect();
        let line = line(&values).into_string();
        assert_eq!(line.matches('L').count(), 52);
        assert!(line.contains("role=\"img\" aria-label=\"least 0, most 364 a day\""), "{line}");
    }
}
