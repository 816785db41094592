//! Why hosts that carry the directory are not listed, in words: the same for clients and for operators.
//!
//! Clients hear of public hosts alone, by name and without a URL. Source: SPEC.md §4, §12.

use crate::{
    rules::Rules,
    select::{
        explain::{Unlisted, Verdict},
        query::Query,
        tiers::Exclusion,
    },
};
use cache::{HostId, View, scheme::host_name};
use serde::Serialize;

/// What the words are about.
#[derive(Clone, Copy, Debug)]
pub struct Reasons<'a> {
    /// The cache.
    pub view: &'a View<'a>,
    /// What was asked.
    pub query: &'a Query<'a>,
    /// The operator's rules.
    pub rules: &'a Rules,
}

/// A host that is not listed. The names of the fields are those of the JSON object.
#[derive(Debug, Serialize)]
pub struct Excluded<'a> {
    /// The name in its URLs.
    pub hostname: &'a str,
    /// Why not.
    pub reason: String,
}

impl<'a> Reasons<'a> {
    /// The public hosts that are not listed, by country.
    pub fn excluded(self, verdicts: &[Verdict]) -> impl Iterator<Item = Excluded<'a>> {
        verdicts.iter().filter(|verdict| verdict.member.public).filter_map(move |verdict| {
            let unlisted = verdict.outcome.err()?;
            let urls = self.view.placement_urls(verdict.member.placement);
            // The best of its schemes, as if it were listed.
            let (_, url) =
                urls.filter_map(|url| self.view.url(url)).min_by_key(|(scheme, _)| *scheme as u8)?;
            let host = self.view.placement_host(verdict.member.placement);
            Some(Excluded { hostname: host_name(url), reason: self.reason(host, unlisted) })
        })
    }

    /// Why a host is not listed.
    pub fn reason(self, host: HostId, unlisted: Unlisted) -> String {
        match unlisted {
            Unlisted::Excluded(exclusion) => self.exclusion(host, exclusion),
            Unlisted::ExclusiveOnly => {
                "only the exclusive mirrors for the client's network are listed".into()
            }
            Unlisted::NetblockOnly => {
                "only mirrors for the client's netblock are listed (netblock = only)".into()
            }
            Unlisted::Private => "private: only for its netblocks, AS and location".into(),
            Unlisted::OtherCountry => "not in the country asked for".into(),
            Unlisted::OtherContinent => "not on the continent of the country asked for".into(),
            Unlisted::Farther => {
                format!(
                    "farther: nearer mirrors are as many as are needed (minimum = {})",
                    self.rules.minimum
                )
            }
            Unlisted::Repeated => "same URLs as a host above".into(),
            Unlisted::BeyondLimit => {
                format!("behind the first {} (limit)", self.query.limit.map_or(0, u8::from))
            }
        }
    }

    fn exclusion(self, host: HostId, exclusion: Exclusion) -> String {
        match exclusion {
            Exclusion::StaleRepodata => "stale: does not carry the repodata".into(),
            Exclusion::Incomplete => "incomplete: lacks a repository below the directory".into(),
            Exclusion::NoUsableUrl => {
                let wanted: Vec<&str> = self.query.wanted().iter().map(|scheme| scheme.name()).collect();
                match wanted[..] {
                    [] => "no URL with a protocol that was asked for".into(),
                    _ => format!("no URL with a protocol that counts: {}", wanted.join(", ")),
                }
            }
            Exclusion::Suspended => "suspended".into(),
            Exclusion::CountryNotAllowed => {
                let allowed = self.view.countries_allowed(host).into_iter().flatten();
                let codes = allowed.filter_map(|country| self.view.country_code(country));
                let codes: Vec<String> = codes.map(|code| code.to_string()).collect();
                let codes = if codes.is_empty() { "none that is known".into() } else { codes.join(", ") };
                format!("not for the client's country, only for {codes}")
            }
            Exclusion::OnlyInside => "only for clients of its country or continent".into(),
            Exclusion::Excluded => {
                let exclude = self.query.exclude.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("excluded by the request (exclude = {exclude})")
            }
            Exclusion::Avoided => "kept from clients of this country by the site ([avoid])".into(),
            Exclusion::LacksFamily => "does not answer by the version of IP asked for (family)".into(),
            Exclusion::OutsideCountries => {
                "outside the countries asked for, and the request is strict".into()
            }
        }
    }
}
