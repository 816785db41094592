//! apt's mirror list: SPEC.md §12.

use super::{
    Blocks, Body, Line, Ranks,
    mirrorlist::{best, exclude_token, protocol_token, whole_url},
    question::Question,
    subject::Subject,
    tiers::{Candidates, Selection},
};

/// "a header line as a list has, then the directory's URL, a tab and `priority:N`, from 1 upwards".
pub fn list(
    subject: &Subject<'_>,
    question: &Question,
    selection: &Selection,
    minimum: (usize, Option<usize>),
    candidates: &Candidates<'_>,
) -> Body {
    let block = |_, host: &i64| {
        let line = |url| {
            let url = whole_url(subject, url);
            Line { before: format!("{url}\tpriority:"), after: Some("\n".to_owned()), url }
        };
        best(&candidates[host]).into_iter().map(line).collect()
    };
    let top = (
        format!("{}{}", subject.header, selection.header),
        format!("{}{}\n", protocol_token(question), exclude_token(question)),
    );
    let blocks = Blocks::of(selection, minimum, top, String::new(), block);
    Body::Blocks(Blocks { ranks: Ranks::Apt, ..blocks })
}
