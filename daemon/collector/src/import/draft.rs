//! A mirror's file in the making.

use crate::run::mirrors::base_url::base_url;
use program::characters::is_hidden;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// What is known of a mirror so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Its name, in lower case.
    pub name: String,
    /// Its country's code.
    pub country: Option<String>,
    /// Whether it is for its networks alone.
    pub private: bool,
    /// Whether it is the only mirror for them.
    pub is_exclusive: bool,
    /// Numbers of its autonomous systems.
    pub asns: BTreeSet<u32>,
    /// Its prefixes.
    pub netblocks: BTreeSet<String>,
    /// Who pays for it.
    pub sponsor: Option<String>,
    /// Where he is.
    pub sponsor_url: Option<String>,
    /// By category.
    pub urls: BTreeMap<String, Vec<String>>,
    /// What was changed or left out.
    pub notes: Vec<String>,
}

impl Draft {
    /// One of which nothing is known.
    pub fn new(name: &str) -> Draft {
        Draft { name: name.trim().to_ascii_lowercase(), ..Draft::default() }
    }

    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.toml", self.name)
    }

    /// Adds a URL, if it is one that lists can have.
    pub fn url(&mut self, category: &str, url: &str) {
        match base_url(url.trim()) {
            Ok(url) => {
                let urls = self.urls.entry(category.to_owned()).or_default();
                if !urls.contains(&url.to_string()) {
                    urls.push(url.to_string());
                }
            }
            Err(cause) => self.notes.push(format!("`{}` {cause}: left out", url.trim().escape_debug())),
        }
    }

    /// Takes a country's code, or its name in English.
    pub fn country(&mut self, text: &str) {
        let text = text.trim();
        let upper = text.to_ascii_uppercase();
        let named = || rust_iso3166::ALL.iter().find(|country| country.name.eq_ignore_ascii_case(text));
        let code = match &*upper {
            "" => return,
            "UK" => Some("GB"),
            "XK" => Some("XK"),
            code => {
                rust_iso3166::from_alpha2(code).or_else(|| named().copied()).map(|country| country.alpha2)
            }
        };
        match code {
            Some(code) => {
                if code != upper {
                    self.notes.push(format!("country `{text}` is taken as {code}"));
                }
                self.country = Some(code.to_owned());
            }
            None => self.notes.push(format!("country `{}` is none: left out", text.escape_debug())),
        }
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        if let Some(country) = &self.country {
            writeln!(to, "country = {}", quoted(country))?;
        }
        let list = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(", ");
        if !self.asns.is_empty() {
            writeln!(to, "asn = [{}]", list(&mut self.asns.iter().map(u32::to_string)))?;
        }
        if !self.netblocks.is_empty() {
            writeln!(to, "netblocks = [{}]", list(&mut self.netblocks.iter().map(|prefix| quoted(prefix))))?;
        }
        if self.private {
            writeln!(to, "private = true")?;
        }
        if self.is_exclusive {
            let prefixes = self.netblocks.iter().map(|prefix| quoted(prefix));
            let networks = prefixes.chain(self.asns.iter().map(|asn| quoted(&format!("AS{asn}"))));
            writeln!(to, "exclusive = [{}]", list(&mut { networks }))?;
        }
        if let Some(sponsor) = &self.sponsor {
            let url =
                self.sponsor_url.as_ref().map_or(String::new(), |url| format!(", url = {}", quoted(url)));
            writeln!(to, "sponsor = {{ name = {}{url} }}", quoted(sponsor))?;
        }
        writeln!(to, "\n[urls]")?;
        for (category, urls) in &self.urls {
            writeln!(to, "{} = [{}]", quoted(category), list(&mut urls.iter().map(|url| quoted(url))))?;
        }
        Ok(())
    }
}

/// A text in quotes, as TOML takes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_toml_whatever_is_in_it() {
        let mut draft = Draft::new(" M.Example ");
        draft.sponsor = Some("\"A\\\u{7f}\n𝄞\"".into());
        draft.country("Germany");
        draft.country("uk");
        draft.country("nowhere");
        draft.url("Ä B", "https://m.example/x");
        draft.url("Ä B", "ftp://m.example/x");
        let table: toml::Table = draft.to_toml().parse().unwrap();
        assert_eq!(table["sponsor"]["name"].as_str(), draft.sponsor.as_deref());
        assert_eq!(table["urls"]["Ä B"][0].as_str(), Some("https://m.example/x/"));
        assert_eq!((table["country"].as_str(), &*draft.name), (Some("GB"), "m.example"));
        assert_eq!(
            draft.notes,
            [
                "country `Germany` is taken as DE",
                "country `uk` is taken as GB",
                "country `nowhere` is none: left out",
                "`ftp://m.example/x` is a URL of ftp, which is none of https, http and rsync: left out",
            ]
        );
    }
}
