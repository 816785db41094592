//! What a round came to, for people and as JSON.

use super::judge::{Judgement, What};
use crate::store::rounds::Figures;
use program::print::{counted, grouped};
use serde::Serialize;
use std::fmt;

/// The summary of one round. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// URLs that are suspended.
    pub suspended: Vec<String>,
    /// Those that were not before.
    pub newly_suspended: Vec<String>,
    /// Those that no longer are.
    pub back: Vec<String>,
    /// Whether the list was written anew.
    pub is_new_list: bool,
}

impl Summary {
    /// Puts it together.
    pub fn new(figures: Figures, judgement: &Judgement, is_new_list: bool) -> Summary {
        let of = |kinds: &[What]| {
            let changes = judgement.changes.iter().filter(|change| kinds.contains(&change.what));
            changes.map(|change| change.url.clone()).collect()
        };
        let urls = judgement.state.urls.iter().filter(|(_, standing)| standing.suspended.is_some());
        Summary {
            figures,
            suspended: urls.map(|(url, _)| url.clone()).collect(),
            newly_suspended: of(&[What::Suspended]),
            back: of(&[What::Back, What::Expired, What::Last]),
            is_new_list,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { number, seconds, hosts, good, failed, unknown, .. } = &self.figures;
        write!(
            f,
            "round {number}: {} asked in {seconds:.1} s; URLs: {} good, {} failed, {} without a verdict; \
             suspended: {}, {} of them now, {} no longer",
            counted(hosts, "host", "hosts"),
            grouped(good),
            grouped(failed),
            grouped(unknown),
            self.suspended.len(),
            self.newly_suspended.len(),
            self.back.len(),
        )
    }
}
