//! The stages of an answer, each for itself: the request resolved, mirrors selected in their order, and their order
//! alone, bytes rendered.

use super::{Call, EVERY_HOST, Parts, Round, answers};
use answer::{
    render::{metalink, mirrorlist, redirect, refusal},
    select::{
        order::{OrderScratch, arrange},
        query::Query,
        tiers::{Candidates, Source, TierScratch, collect},
    },
};
use rand::{SeedableRng, rngs::SmallRng};
use std::hint::black_box;
use testkit::load::questions::{Kind, Question, questions};

/// Requests that are asked in turn.
const ASKED: usize = 200;
/// As the header of a metalink has it.
const PUBDATE: &str = "Sat, 21 Nov 2026 12:00:00 GMT";

/// A request, resolved, and the mirrors that answer it.
struct Selected<'a> {
    query: Query<'a>,
    candidates: Candidates,
}

impl<'a> Selected<'a> {
    fn all(parts: &'a Parts, asked: Vec<Question>) -> Round<Selected<'a>> {
        // What was resolved borrows from the questions, for as long as the program runs.
        let asked: &'static [Question] = asked.leak();
        let view = parts.view();
        let resolved = asked.iter().filter_map(|question| Query::resolve(&view, &question.request()));
        Round::new(resolved.take(ASKED).map(|query| {
            let mut selected = Selected { query, candidates: Candidates::default() };
            selected.collect(parts, &mut SmallRng::seed_from_u64(1), &mut TierScratch::default());
            selected
        }))
    }

    fn collect(&mut self, parts: &Parts, dice: &mut SmallRng, scratch: &mut TierScratch) {
        let Selected { query, candidates } = self;
        if let Ok(target) = &query.target {
            let source = Source {
                view: &parts.view(),
                rules: &EVERY_HOST,
                shared: parts.fragments.shared(),
                usable: parts.fragments.usable(),
                below: parts.fragments.below(),
                reaches: parts.fragments.reaches(),
            };
            collect(source, query, target, dice, scratch, candidates);
        }
    }
}

pub(super) fn resolve(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    let mut asked = Round::new(questions(&view, Kind::Mix, 1000, 1));
    Box::new(move || {
        black_box(Query::resolve(&view, black_box(&asked.next().request())));
    })
}

pub(super) fn select(parts: &Parts) -> Call<'_> {
    let mut all = Selected::all(parts, answers::large_metalinks(&parts.view()));
    let (mut scratch, mut dice) = (TierScratch::default(), SmallRng::seed_from_u64(1));
    Box::new(move || {
        let selected = all.next();
        selected.collect(parts, &mut dice, &mut scratch);
        black_box(&selected.candidates);
    })
}

pub(super) fn order(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    let mut all = Selected::all(parts, answers::large_metalinks(&view));
    let (mut scratch, mut dice) = (OrderScratch::default(), SmallRng::seed_from_u64(1));
    Box::new(move || {
        let selected = all.next();
        for tier in selected.candidates.picks.chunk_by_mut(|a, b| a.tier == b.tier) {
            arrange((&view, parts.fragments.reaches()), tier, None, &mut dice, &mut scratch);
        }
        black_box(&selected.candidates);
    })
}

pub(super) fn render_metalink(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    render(parts, answers::large_metalinks(&view), move |Selected { query, candidates }, out| {
        if let Ok(target) = &query.target {
            metalink::render(&view, &parts.fragments, query, target, candidates, PUBDATE, out);
        }
    })
}

pub(super) fn render_mirrorlist(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    render(parts, answers::large_mirrorlists(&view), move |Selected { query, candidates }, out| {
        if let Ok(target) = &query.target {
            mirrorlist::render(&view, &parts.fragments, query, target, candidates, out);
        }
    })
}

pub(super) fn render_redirect(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    let asked = questions(&view, Kind::Redirect, ASKED, 1);
    render(parts, asked, move |Selected { query, candidates }, out| {
        if let Ok(target) = &query.target {
            black_box(redirect::render(&view, &parts.fragments, query, target, candidates, out));
        }
    })
}

pub(super) fn render_refusal(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    let asked = questions(&view, Kind::Redirect, ASKED, 1).into_iter().enumerate();
    let asked = asked.map(|(at, question)| Question {
        target: format!("/mirrorlist?repo=unknown-{at}&arch=x86_64"),
        ..question
    });
    render(parts, asked.collect(), move |Selected { query, .. }, out| {
        if let Err(refused) = &query.target {
            refusal::text(&view, &parts.fragments, query, *refused, out);
        }
    })
}

fn render<'a>(
    parts: &'a Parts,
    asked: Vec<Question>,
    mut form: impl FnMut(&Selected<'a>, &mut Vec<u8>) + 'a,
) -> Call<'a> {
    let mut all = Selected::all(parts, asked);
    let mut page = Vec::new();
    Box::new(move || {
        page.clear();
        form(all.next(), &mut page);
        black_box(&page);
    })
}
