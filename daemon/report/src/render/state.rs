//! How a mirror is: what the last round of checks has seen of the URLs that clients may get.
//!
//! A round that is long past says nothing about now.

use super::{
    collected::{Answer, OfUrl, Round},
    contents::Mirror,
};
use answer::suspended::spelled;
use maud::{Markup, PreEscaped, html};

/// States, from best to worst; the last is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// All URLs that were asked answer well.
    Good,
    /// Not all of them do.
    Failing,
    /// Answers do not name it at present.
    Suspended,
    /// Nobody has asked lately.
    Unknown,
}

/// Characters of a name that are shown.
const LONGEST_NAME: usize = 100;

/// Rounds that are older than this, in seconds, say nothing about now.
pub(super) const PAST: u64 = 24 * 60 * 60;

impl State {
    pub(super) const ALL: [State; 4] = [State::Good, State::Failing, State::Suspended, State::Unknown];

    /// Of a mirror, at a time in seconds since the epoch.
    pub(super) fn of(mirror: &Mirror, round: Option<&Round>, now: u64) -> State {
        if mirror.listed == 0 {
            return State::Suspended;
        }
        let round = round.filter(|round| now.saturating_sub(round.time) <= PAST);
        let has = |is: &dyn Fn(&OfUrl) -> bool| asked(mirror, round).any(is);
        if has(&|url| url.answer == Answer::Failed || url.suspended.is_some()) {
            State::Failing
        } else if has(&|url| url.answer == Answer::Good) {
            State::Good
        } else {
            State::Unknown
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            State::Good => "answers",
            State::Failing => "fails",
            State::Suspended => "suspended",
            State::Unknown => "not checked",
        }
    }

    /// As a style sheet names it.
    pub(super) fn class(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Failing => "failing",
            State::Suspended => "suspended",
            State::Unknown => "unknown",
        }
    }

    /// Its mark, with a radius, around a point of a drawing: of each state another shape.
    pub(super) fn mark(self, [x, y]: [i32; 2], radius: i32) -> Markup {
        let class = self.class();
        let path = match self {
            State::Good | State::Unknown => return html! { circle class=(class) cx=(x) cy=(y) r=(radius) {} },
            // Of about the same area.
            State::Failing => {
                let (half, up) = (radius * 4 / 3, radius * 5 / 4);
                format!("M{} {}h{}l-{half}-{}z", x - half, y + up * 2 / 3, 2 * half, 2 * up)
            }
            State::Suspended => {
                let half = radius * 8 / 9;
                format!("M{} {}h{}v{}h-{}z", x - half, y - half, 2 * half, 2 * half, 2 * half)
            }
        };
        html! { path class=(class) d=(path) {} }
    }

    /// In words, before which the style sheet puts the same mark.
    pub(super) fn said(self) -> Markup {
        html! { span class={ "said " (self.class()) } { (self.words()) } }
    }

    /// The same as a cell of a long list.
    pub(super) fn cell(self) -> PreEscaped<String> {
        PreEscaped(format!("<td class={}>{}", self.class(), self.words()))
    }
}

/// What a round has seen of the mirror's URLs that the cache has, and of no others.
pub(super) fn asked<'r>(mirror: &'r Mirror, round: Option<&'r Round>) -> impl Iterator<Item = &'r OfUrl> {
    let host = round.and_then(|round| round.mirrors.get(&mirror.id));
    let urls = host.into_iter().flat_map(|host| &host.urls);
    urls.filter(|of| spelled(&of.url).is_some_and(|url| mirror.urls.contains(&url)))
}

/// What the operator calls the mirror, as the round has it; of however long ago it is. A host of the same number without any of
/// its URLs is another one.
pub(super) fn called(mirror: &Mirror, round: Option<&Round>) -> Option<String> {
    asked(mirror, round).next()?;
    let name = round?.mirrors.get(&mirror.id)?.name.trim();
    (!name.is_empty()).then(|| name.chars().take(LONGEST_NAME).collect())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{collected::OfHost, page::STYLE},
        *,
    };
    use std::collections::BTreeMap;

    fn round(urls: &[(&str, Answer)]) -> Round {
        let of = |(url, answer): &(&str, Answer)| OfUrl {
            url: (*url).into(),
            answer: *answer,
            why: String::new(),
            failures: 0,
            suspended: None,
        };
        let host = OfHost { id: 7, name: " Seven ".into(), urls: urls.iter().map(of).collect() };
        Round { time: 1_000_000, mirrors: BTreeMap::from([(7, host)]) }
    }

    #[test]
    fn a_state_is_told_from_urls_that_clients_may_get_and_from_no_old_round() {
        let urls = ["https://a/x".to_owned(), "http://a/x".to_owned()].into();
        let mirror = Mirror { id: 7, listed: 1, urls, ..Mirror::default() };
        let state = |round: &Round, later| State::of(&mirror, Some(round), 1_000_000 + later);
        let good = round(&[("https://A/x/", Answer::Good), ("http://a/x", Answer::Unknown)]);
        assert_eq!(
            [state(&good, 0), state(&good, PAST), state(&good, PAST + 1)],
            [State::Good, State::Good, State::Unknown]
        );
        let other = round(&[("https://a/x", Answer::Good), ("https://private/x", Answer::Failed)]);
        assert_eq!(state(&other, 0), State::Good);
        let failing = round(&[("https://a/x", Answer::Good), ("http://a/x", Answer::Failed)]);
        assert_eq!(state(&failing, 0), State::Failing);
        assert_eq!(state(&round(&[("https://a/x", Answer::Unasked)]), 0), State::Unknown);
        assert_eq!(State::of(&mirror, None, 0), State::Unknown);
        assert_eq!(called(&mirror, Some(&good)).as_deref(), Some("Seven"));
        assert_eq!(called(&mirror, Some(&round(&[("https://b/x", Answer::Good)]))), None);
        let gone = Mirror { listed: 0, ..mirror.clone() };
        assert_eq!(State::of(&gone, Some(&good), 1_000_000), State::Suspended);
    }

    #[test]
    fn every_state_has_a_shape_of_its_own() {
        let marks = State::ALL.map(|state| state.mark([10, 10], 6).into_string());
        assert!(marks.iter().all(|mark| marks.iter().filter(|other| *other == mark).count() == 1));
        let signs = State::ALL.map(|state| {
            let rule = format!(":is(td, span).{}::before {{ content: ", state.class());
            STYLE.split_once(&rule).and_then(|(_, rest)| rest.chars().nth(1)).unwrap()
        });
        assert!(
            signs.iter().all(|sign| signs.iter().filter(|other| *other == sign).count() == 1),
            "{signs:?}"
        );
    }
}
