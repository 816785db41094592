//! A list of URLs, one a line, with the country behind it if it is known. URLs of one host are one mirror.

use super::{Summary, draft::Draft};
use std::collections::BTreeMap;
use url::Url;

/// Makes drafts of it; lines that are empty or begin with `#` say nothing.
pub fn drafts(text: &str, category: &str, summary: &mut Summary) -> Vec<Draft> {
    let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let mut words = line.split_whitespace();
        let Some(url) = words.next().filter(|word| !word.starts_with('#')) else { continue };
        let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
        let Some(host) = host.filter(|host| !host.is_empty()) else {
            summary.refused.insert(format!("line {number}"), format!("`{}` is no URL", url.escape_debug()));
            continue;
        };
        let draft = drafts.entry(host.clone()).or_insert_with(|| Draft::new(&host));
        draft.url(category, url);
        if let Some(country) = words.next() {
            let before = draft.country.take();
            draft.country(country);
            if before.is_some() && before != draft.country {
                draft.notes.push(format!("line {number}: another country, {country}: the first one stays"));
                draft.country = before;
            }
        }
        if words.next().is_some() {
            draft.notes.push(format!("line {number}: what is behind the country is left out"));
        }
    }
    drafts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_host_are_one_mirror() {
        let text = "# mirrors\n\nhttps://a.example/x DE\nhttp://A.example/x de\nrsync://a.example/x FR\n\
                    https://b.example:8443/y\nb.example NL\nhttps://c.example/ SE since 2020\n";
        let mut summary = Summary::default();
        let drafts = drafts(text, "X", &mut summary);
        let told: Vec<_> = drafts
            .iter()
            .map(|draft| (&*draft.name, draft.country.as_deref(), draft.urls["X"].len(), draft.notes.len()))
            .collect();
        assert_eq!(
            told,
            [("a.example", Some("DE"), 3, 1), ("b.example", None, 1, 0), ("c.example", Some("SE"), 1, 1)]
        );
        assert_eq!(summary.refused["line 7"], "`b.example` is no URL");
    }
}
