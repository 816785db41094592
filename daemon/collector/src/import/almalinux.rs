//! AlmaLinux' files of mirrors: `mirrors.d/NAME.yml`, YAML with a table of URLs by protocol.

use super::{LONGEST, Summary, draft::Draft};
use crate::{config::import::Options, run::mirrors::folder::text};
use saphyr::{LoadableYamlNode as _, ScanError, Yaml};
use std::{fs, io, path::PathBuf};
use thiserror::Error;
use url::Url;

/// URLs in the order in which a mirror's file is to have them.
const PROTOCOLS: [&str; 4] = ["https", "http", "rsync", "ftp"];

/// Why there is no draft of a file.
#[derive(Debug, Error)]
enum Refused {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It is no YAML.
    #[error("no YAML ({0})")]
    Yaml(#[from] ScanError),
    /// It is so many documents.
    #[error("has {0} documents: expected one, of one mirror")]
    Documents(usize),
    /// It is no table.
    #[error("no table of a mirror")]
    NoTable,
    /// Nobody is named.
    #[error("no name")]
    NoName,
    /// What this key says can be taken for nothing.
    #[error("`{0}` is neither yes nor no")]
    Flag(&'static str),
}

/// Makes drafts of all files of a folder.
pub fn drafts(options: &Options, summary: &mut Summary) -> io::Result<Vec<Draft>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&options.source)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut drafts = Vec::new();
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let read =
            text(&path, LONGEST).map_err(Refused::from).and_then(|text| draft(&text, options, summary));
        match read {
            Ok(draft) => drafts.push(draft),
            Err(cause) => drop(summary.refused.insert(file, cause.to_string())),
        }
    }
    Ok(drafts)
}

/// Makes a draft of one file.
fn draft(text: &str, options: &Options, summary: &mut Summary) -> Result<Draft, Refused> {
    let documents = Yaml::load_from_str(text)?;
    if documents.len() > 1 {
        return Err(Refused::Documents(documents.len()));
    }
    let table = documents.first().and_then(Yaml::as_mapping).ok_or(Refused::NoTable)?;
    let of = |key: &str| table.iter().find(|(known, _)| known.as_str() == Some(key)).map(|(_, value)| value);
    let name = of("name").and_then(Yaml::as_str).ok_or(Refused::NoName)?;
    let mut draft = Draft::new(name);
    for (key, value) in table {
        match key.as_str().unwrap_or_default() {
            "name" => {}
            "address" => urls(&mut draft, &options.category, value),
            "address_optional" | "address_options" => modules(&mut draft, options, value),
            "geolocation" => geolocation(&mut draft, value, summary),
            "asn" => asns(&mut draft, value),
            "subnets" => netblocks(&mut draft, value),
            "private" => draft.private |= flag("private", value)?,
            "monopoly" => draft.is_exclusive = flag("monopoly", value)?,
            "cloud_type" => {
                draft.private = true;
                draft.notes.push("is for a cloud, whose networks are not in its file: private".into());
            }
            "sponsor" => draft.sponsor = value.as_str().map(|text| text.trim().to_owned()),
            "sponsor_url" => sponsor_url(&mut draft, value),
            key => *summary.dropped.entry(key.to_owned()).or_default() += 1,
        }
    }
    if draft.is_exclusive && draft.netblocks.is_empty() && draft.asns.is_empty() {
        draft.is_exclusive = false;
        draft.notes.push("monopoly without networks: left out".into());
    }
    Ok(draft)
}

/// Yes or no, in the words of YAML 1.1 too. Whatever else it is, it must not be taken for no: the mirror would be for everybody.
fn flag(key: &'static str, value: &Yaml<'_>) -> Result<bool, Refused> {
    let word = match (value.as_bool(), value.as_integer(), value.as_str()) {
        (Some(flag), ..) => return Ok(flag),
        (_, Some(number), _) => number.to_string(),
        (.., Some(text)) => text.trim().to_ascii_lowercase(),
        _ if value.is_null() => return Ok(false),
        _ => String::new(),
    };
    match &*word {
        "true" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(Refused::Flag(key)),
    }
}

fn urls(draft: &mut Draft, category: &str, value: &Yaml<'_>) {
    let Some(table) = value.as_mapping() else {
        draft.notes.push("its addresses are no table: left out".into());
        return;
    };
    for protocol in PROTOCOLS {
        let url = table.iter().find(|(key, _)| key.as_str() == Some(protocol));
        if let Some(url) = url.and_then(|(_, url)| url.as_str()) {
            draft.url(category, url);
        }
    }
}

fn modules(draft: &mut Draft, options: &Options, value: &Yaml<'_>) {
    for (module, urls_of) in value.as_mapping().into_iter().flatten() {
        let module = module.as_str().unwrap_or_default();
        match options.module.iter().find(|(known, _)| known == module) {
            Some((_, category)) => urls(draft, category, urls_of),
            None => draft.notes.push(format!("module {module} has no category, see --module: left out")),
        }
    }
}

fn geolocation(draft: &mut Draft, value: &Yaml<'_>, summary: &mut Summary) {
    for (key, value) in value.as_mapping().into_iter().flatten() {
        match key.as_str().unwrap_or_default() {
            "country" => draft.country(value.as_str().unwrap_or_default()),
            key => *summary.dropped.entry(format!("geolocation.{key}")).or_default() += 1,
        }
    }
}

/// What is a list, or one by itself.
fn several<'y, 'i>(value: &'y Yaml<'i>) -> Vec<&'y Yaml<'i>> {
    value.as_sequence().map_or_else(|| vec![value], |list| list.iter().collect())
}

fn asns(draft: &mut Draft, value: &Yaml<'_>) {
    for value in several(value) {
        let of_text = |text: &str| text.trim().trim_start_matches(['A', 'S', 'a', 's']).parse().ok();
        let number = value.as_integer().or_else(|| of_text(value.as_str()?));
        match number.and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0) {
            Some(number) => drop(draft.asns.insert(number)),
            None => draft.notes.push("an asn that is no number: left out".into()),
        }
    }
}

fn netblocks(draft: &mut Draft, value: &Yaml<'_>) {
    for value in several(value) {
        let text = value.as_str().unwrap_or_default().trim();
        match crate::run::mirrors::file::prefix(text) {
            Some(prefix) => drop(draft.netblocks.insert(prefix.to_string())),
            None => draft.notes.push(format!("`{}` is no prefix: left out", text.escape_debug())),
        }
    }
}

fn sponsor_url(draft: &mut Draft, value: &Yaml<'_>) {
    let text = value.as_str().unwrap_or_default().trim();
    let is_web = Url::parse(text).is_ok_and(|url| ["https", "http"].contains(&url.scheme()));
    if is_web {
        draft.sponsor_url = Some(text.to_owned());
    } else if !text.is_empty() {
        draft.notes.push(format!("sponsor_url `{}` is no https or http URL: left out", text.escape_debug()));
    }
}
