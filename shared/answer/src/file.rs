//! The answer to a path of the redirector: 302 to a mirror or to the origin.
//!
//! What the path leads to is settled (`select::file`); here the mirror is chosen, by the scheme rule, and counted by why it
//! was none. Source: SPEC.md §13.

use crate::{
    Answer, Scratch, Service,
    render::{link_header, redirect, refusal, url},
    select::{
        file::{Leads, Why},
        form::PLAIN,
        query::{FileQuery, Query},
        target::Target,
    },
};
use cache::{
    Origin,
    scheme::{Scheme, Schemes},
};
use rand::Rng;
use wire::{Counter, Kind, ReplyHead, Tier};

impl Service<'_> {
    /// Appends the redirect that `query` gets, or why there is none.
    pub(crate) fn file(
        &self,
        query: &mut Query<'_>,
        file: &FileQuery<'_>,
        rng: &mut impl Rng,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Answer {
        match &file.leads {
            Leads::Origin(why) => self.origin(query, file, *why, out),
            Leads::Nowhere(refusal) => {
                let mut text = Vec::new();
                refusal::text(&self.view, self.fragments, query, *refusal, &mut text);
                not_found(Counter::RedirectorInvalidPaths, &text, out)
            }
            Leads::Mirrors(target) => {
                self.choose(query, target, rng, scratch);
                match scratch.candidates.picks.first() {
                    Some(best) => {
                        let head = ReplyHead { status: 302, kind: Kind::File, tier: best.tier };
                        let from = out.len();
                        out.extend_from_slice(PLAIN);
                        let location = redirect::location(&self.view, self.fragments, query, target, best);
                        redirect::header(&location, out);
                        link_header::render(
                            &self.view,
                            self.fragments,
                            query,
                            target,
                            &scratch.candidates,
                            file.path(query),
                            from,
                            out,
                        );
                        let headers_len = out.len() - from;
                        out.extend_from_slice(&location);
                        out.push(b'\n');
                        Answer { head, headers_len, counted: None }
                    }
                    None if query.origin.is_some() => self.origin(query, file, Why::NoMirror, out),
                    None => {
                        let mut text = Vec::new();
                        refusal::no_candidate(query, &mut text);
                        not_found(Counter::RedirectorWithoutMirror, &text, out)
                    }
                }
            }
        }
    }

    /// Selects mirrors by the schemes that the client may be sent to: who came by http goes on by it where that is possible.
    pub(crate) fn choose(
        &self,
        query: &mut Query<'_>,
        target: &Target<'_>,
        rng: &mut impl Rng,
        scratch: &mut Scratch,
    ) {
        let may = query.web;
        query.web = may.and(Schemes::NONE.with(Scheme::Http));
        if !query.web.is_empty() {
            self.select(query, target, rng, scratch);
            if !scratch.candidates.picks.is_empty() {
                return;
            }
        }
        query.web = may.without(Scheme::Http);
        self.select(query, target, rng, scratch);
    }

    fn origin(&self, query: &Query<'_>, file: &FileQuery<'_>, why: Why, out: &mut Vec<u8>) -> Answer {
        let Some(Origin { top, url: origin }) = query.origin else {
            return not_found(Counter::RedirectorInvalidPaths, b"error: invalid path\n", out);
        };
        let from = out.len();
        out.extend_from_slice(PLAIN);
        let location = redirect::in_header(url::at_origin(
            origin,
            top,
            file.path(query),
            file.is_folder(&self.view, query),
        ));
        redirect::header(&location, out);
        let headers_len = out.len() - from;
        out.extend_from_slice(&location);
        out.push(b'\n');
        let counted = Some(match why {
            Why::Only => Counter::RedirectorOriginOnly,
            Why::Young => Counter::RedirectorOriginYoung,
            Why::Unknown => Counter::RedirectorOriginUnknown,
            Why::NoMirror => Counter::RedirectorOriginNoMirror,
        });
        Answer { head: ReplyHead { status: 302, kind: Kind::File, tier: Tier::Origin }, headers_len, counted }
    }
}

fn not_found(counter: Counter, text: &[u8], out: &mut Vec<u8>) -> Answer {
    out.extend_from_slice(PLAIN);
    out.extend_from_slice(text);
    let head = ReplyHead { status: 404, kind: Kind::File, tier: Tier::None };
    Answer { head, headers_len: PLAIN.len(), counted: Some(counter) }
}
