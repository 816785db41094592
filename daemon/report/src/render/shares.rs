//! Stacked shares over time as SVG, beside `chart`: whole columns, since what was not measured has none.
//!
//! Each layer lies before the one that is worse, so that all of them are one outline each. Lightness falls from layer to
//! layer, each has an outline, and the last is hatched: they are told apart without colours. Words and figures stand beside it.

use super::collected::Age;
use maud::{Markup, html};
use std::fmt::Write as _;

/// Hosts by age, as in [`Age::ALL`].
pub(super) type Column = [u64; 5];

/// Units of the height.
const HEIGHT: u64 = 400;

/// A chart of columns, `None` where nothing was measured; `said` tells all of it in words.
pub(super) fn chart(title: &str, said: &str, columns: &[Option<Column>], along: &[String]) -> Markup {
    let width = columns.len();
    let has_gap = columns.iter().any(Option::is_none);
    html! {
        figure class="course" {
            figcaption { (title) @if has_gap { ". Where there is no colour, nothing was measured." } }
            div class="up" aria-hidden="true" { span { "100 %" } span { "50" } span { "0" } }
            svg class="shares" viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(said) {
                @for age in Age::ALL.into_iter().rev() {
                    @let outline = outline(columns, age as usize);
                    @if !outline.is_empty() { path class=(age.class()) fill=[fill(age)] d=(outline) {} }
                }
                path class="grid" d={ "M0 " (HEIGHT / 2) "H" (width) } {}
            }
            div class="along" aria-hidden="true" { @for word in along { span { (word) } } }
        }
    }
}

/// What the layers mean, once on a page that has them.
pub(super) fn legend() -> Markup {
    html! {
        ul class="legend" {
            @for age in Age::ALL {
                li {
                    svg class="shares" viewBox="0 0 20 20" aria-hidden="true" {
                        @if age == Age::NoAnswer { (stripes()) }
                        rect class=(age.class()) fill=[fill(age)] width="20" height="20" {}
                    }
                    (age.words())
                }
            }
        }
    }
}

/// What colours cannot tell.
fn fill(age: Age) -> Option<&'static str> {
    (age == Age::NoAnswer).then_some("url(#stripes)")
}

/// A cell with one column, lying.
pub(super) fn cell(column: &Column) -> Markup {
    let whole = column.iter().sum::<u64>().max(1);
    let end = |at: usize| column[..at].iter().sum::<u64>() * 1000 / whole;
    html! {
        td class="bar" {
            svg class="shares" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                @for (at, age) in Age::ALL.into_iter().enumerate() {
                    @if column[at] > 0 {
                        rect class=(age.class()) fill=[fill(age)] x=(end(at)) width=(end(at + 1) - end(at)) height="10" {}
                    }
                }
            }
        }
    }
}

/// The stripes of the last layer; they lie, since only its height is the same in every window.
fn stripes() -> Markup {
    html! {
        defs {
            pattern id="stripes" width="8" height="12" patternUnits="userSpaceOnUse" {
                rect class="ground" width="8" height="12" {}
                rect class="stripe" width="8" height="6" {}
            }
        }
    }
}

/// The outline of a layer and all that are better, over every run of columns; empty if the layer is.
fn outline(columns: &[Option<Column>], layer: usize) -> String {
    let mut out = String::new();
    if !columns.iter().flatten().any(|column| column[layer] > 0) {
        return out;
    }
    let top = |column: &Column| {
        let whole = column.iter().sum::<u64>().max(1);
        HEIGHT - column[..=layer].iter().sum::<u64>() * HEIGHT / whole
    };
    let mut at = 0;
    for run in columns.chunk_by(|one, other| one.is_some() == other.is_some()) {
        let tops: Vec<u64> = run.iter().flatten().map(top).collect();
        if let Some(first) = tops.first() {
            // Writing to a string does not fail.
            let _ = write!(out, "M{at} {HEIGHT}V{first}");
            for (place, pair) in (1..).zip(tops.windows(2)) {
                if pair[0] != pair[1] {
                    let _ = write!(out, "H{}V{}", at + place, pair[1]);
                }
            }
            let _ = write!(out, "H{}V{HEIGHT}Z", at + run.len());
        }
        at += run.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_outlines_with_gaps_where_nothing_was_measured() {
        let columns = [Some([3, 1, 0, 0, 0]), Some([4, 0, 0, 0, 0]), None, Some([2, 0, 0, 0, 2])];
        assert_eq!(outline(&columns, 0), "M0 400V100H1V0H2V400ZM3 400V200H4V400Z");
        assert_eq!(outline(&columns, 1), "M0 400V0H2V400ZM3 400V200H4V400Z");
        assert_eq!(outline(&columns, 2), "");
        assert_eq!(outline(&columns, 4), "M0 400V0H2V400ZM3 400V0H4V400Z");
        let chart = chart("Shares", "in words", &columns, &["a".into()]).into_string();
        assert!(
            chart.contains("nothing was measured") && chart.contains("aria-label=\"in words\""),
            "{chart}"
        );
    }
}
