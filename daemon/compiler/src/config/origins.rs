//! `[origins]`: a tree's path, and the URL where its original is.

use crate::{compile::paths, failure::Failure};
use cache::is_below;
use program::tables::Entry;
use std::collections::BTreeMap;

/// Reads them. One below the URL under which the world reaches the service would send clients round and round.
pub fn read<'e>(
    entries: impl Iterator<Item = &'e Entry>,
    public_url: Option<&str>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut origins = BTreeMap::new();
    let mut lines = BTreeMap::new();
    for entry in entries {
        let top = paths::path(&entry.key).map_err(|cause| entry.refused(cause))?;
        let url = url(entry.text()?).map_err(|cause| entry.refused(cause))?;
        if let Some(above) = public_url.filter(|above| is_below(&url, above)) {
            let loops = format!("{url} is below public-url {above}: clients would come back for ever");
            return Err(entry.refused(loops));
        }
        if let Some(line) = lines.insert(top.clone(), entry.line()) {
            return Err(entry.refused(format_args!("line {line} has an origin of that path, too")));
        }
        origins.insert(top, url);
    }
    Ok(origins)
}

/// The one spelling of a URL to which a path can be appended, without slashes at its end.
pub fn url(text: &str) -> Result<String, Failure> {
    paths::web_url(text)
        .ok_or_else(|| Failure::config(format!("`{text}` is no https or http URL of a host and a path")))
}
