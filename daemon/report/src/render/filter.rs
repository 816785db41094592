//! The box that narrows a long list. Its script is the only one of the site: a file beside the style sheet, by which the box
//! shows itself, so that nobody meets a box that does nothing.
//!
//! The list is the table that [`LIST`] names; rows below a group's head go by its words, too.

use maud::{Markup, html};

/// The script.
pub(super) const SCRIPT: &str = include_str!("filter.js");

/// What the table that is narrowed has as its id.
pub(super) const LIST: &str = "list";

/// The box, above the list; `words` say what can be looked for.
pub(super) fn filter(words: &str) -> Markup {
    html! {
        div class="filter" role="search" hidden {
            label for="filter" { "Filter" }
            input id="filter" type="search" autocomplete="off" spellcheck="false" aria-describedby="filter-words" aria-controls=(LIST);
            output for="filter" {}
            p id="filter-words" class="quiet" { (words) }
        }
    }
}
