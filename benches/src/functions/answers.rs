//! Whole answers, from the request as it was framed to the last byte of the body.

use super::{Call, EVERY_HOST, Parts, RULES, Round};
use answer::redirector::Redirector;
use answer::rules::Rules;
use answer::{Scratch, Service};
use cache::{RepositoryId, View};
use memchr::memmem;
use rand::{SeedableRng, rngs::SmallRng};
use std::hint::black_box;
use testkit::load::questions::{Kind, Question, questions, where_answer};

/// How many requests are looked through for those of a size.
const LOOKED_AT: usize = 20_000;

/// Requests for metalinks of about two hundred URLs.
pub(super) fn large_metalinks(view: &View<'_>) -> Vec<Question> {
    of_lines(view, Kind::Metalink, b"<url ", 200)
}

/// Requests for lists of about a hundred hosts, or of as many as there are.
pub(super) fn large_mirrorlists(view: &View<'_>) -> Vec<Question> {
    of_lines(view, Kind::Mirrorlist, b"://", 100)
}

/// Requests whose answers have the most lines with `mark` in them, but no more than `most`; a twentieth less at times.
fn of_lines(view: &View<'_>, kind: Kind, mark: &[u8], most: usize) -> Vec<Question> {
    let mark = memmem::Finder::new(mark);
    let mut counts = Vec::new();
    let mut asked = where_answer(*view, EVERY_HOST, questions(view, kind, LOOKED_AT, 1), |page| {
        // Each byte of each answer, and under valgrind that takes long.
        counts.push(mark.find_iter(page).count());
        true
    });
    let largest = counts.iter().copied().filter(|count| *count <= most).max().unwrap_or(0);
    let mut counts = counts.into_iter();
    asked.retain(|_| counts.next().is_some_and(|count| (largest - largest / 20..=largest).contains(&count)));
    asked
}

pub(super) fn metalink(parts: &Parts) -> Call<'_> {
    answer(parts, large_metalinks(&parts.view()), EVERY_HOST)
}

pub(super) fn mirrorlist(parts: &Parts) -> Call<'_> {
    answer(parts, large_mirrorlists(&parts.view()), EVERY_HOST)
}

pub(super) fn redirect(parts: &Parts) -> Call<'_> {
    answer(parts, questions(&parts.view(), Kind::Redirect, 1000, 1), RULES)
}

pub(super) fn file(parts: &Parts) -> Call<'_> {
    let prefix = "/dl/".parse().expect("a prefix");
    let redirector = Redirector::new(vec![prefix], 21_600);
    let service = service(parts, RULES);
    let mut asked = Round::new(questions(&parts.view(), Kind::File, 1000, 1));
    let (mut scratch, mut page) = (Scratch::default(), Vec::new());
    let mut dice = SmallRng::seed_from_u64(1);
    Box::new(move || {
        let service = Service { redirector: Some(&redirector), ..service };
        let request = asked.next().request();
        page.clear();
        black_box(service.answer(black_box(&request), 0, &mut dice, &mut scratch, &mut page));
    })
}

pub(super) fn usual_metalink(parts: &Parts) -> Call<'_> {
    answer(parts, questions(&parts.view(), Kind::Metalink, 1000, 1), RULES)
}

pub(super) fn usual_mirrorlist(parts: &Parts) -> Call<'_> {
    answer(parts, questions(&parts.view(), Kind::Mirrorlist, 1000, 1), RULES)
}

/// The page of a list's mirrors.
pub(super) fn usual_page(parts: &Parts) -> Call<'_> {
    usual_with(parts, "format=html")
}

/// The same as an object.
pub(super) fn usual_object(parts: &Parts) -> Call<'_> {
    usual_with(parts, "format=json")
}

/// The same for apt.
pub(super) fn usual_archives(parts: &Parts) -> Call<'_> {
    usual_with(parts, "format=apt")
}

/// The usual lists of a site that wants near mirrors.
pub(super) fn near_mirrorlist(parts: &Parts) -> Call<'_> {
    usual_mirrorlist(parts.choosy())
}

/// The same for clients who want only some of them: an item of each form, and IPv6.
pub(super) fn filtered_mirrorlist(parts: &Parts) -> Call<'_> {
    usual_with(parts.choosy(), "exclude=RU,continent:OC,AS4200000000,mirror7.example.net&family=6")
}

/// The usual lists with further parameters.
fn usual_with<'a>(parts: &'a Parts, parameters: &str) -> Call<'a> {
    let asked = questions(&parts.view(), Kind::Mirrorlist, 1000, 1).into_iter();
    let with =
        |question: Question| Question { target: format!("{}&{parameters}", question.target), ..question };
    answer(parts, asked.map(with).collect(), RULES)
}

pub(super) fn unknown_path(parts: &Parts) -> Call<'_> {
    refuse(parts, |at| format!("/mirrorlist?path=pub/fedora/linux/unknown/{at}/x86_64/os"))
}

pub(super) fn unknown_repository(parts: &Parts) -> Call<'_> {
    refuse(parts, |at| format!("/mirrorlist?repo=unknown-{at}&arch=x86_64"))
}

pub(super) fn unknown_repository_metalink(parts: &Parts) -> Call<'_> {
    refuse(parts, |at| format!("/metalink?repo=unknown-{at}&arch=x86_64"))
}

pub(super) fn disabled_repository(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    let all = (0..view.repository_count() as u32).filter_map(|id| view.repository(RepositoryId(id)));
    let mut disabled = Round::new(all.filter(|repository| repository.disabled).map(|one| one.name));
    refuse(parts, |_| format!("/mirrorlist?repo={}&arch=x86_64", disabled.next()))
}

/// Requests that are told that there is nothing.
fn refuse(parts: &Parts, mut target: impl FnMut(usize) -> String) -> Call<'_> {
    let asked = questions(&parts.view(), Kind::Redirect, 1000, 1).into_iter().enumerate();
    let asked = asked.map(|(at, question)| Question { target: target(at), ..question });
    answer(parts, asked.collect(), RULES)
}

fn answer(parts: &Parts, asked: Vec<Question>, rules: Rules) -> Call<'_> {
    let service = service(parts, rules);
    let mut asked = Round::new(asked);
    let (mut scratch, mut page) = (Scratch::default(), Vec::new());
    let mut dice = SmallRng::seed_from_u64(1);
    Box::new(move || {
        let request = asked.next().request();
        page.clear();
        black_box(service.answer(black_box(&request), 0, &mut dice, &mut scratch, &mut page));
    })
}

fn service(parts: &Parts, rules: Rules) -> Service<'_> {
    Service {
        view: parts.view(),
        fragments: &parts.fragments,
        rules,
        redirector: None,
        version: env!("CARGO_PKG_VERSION"),
    }
}
