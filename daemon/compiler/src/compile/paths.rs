//! Paths and URLs of the site's own file, held to the rules for those of the sources, in words for whoever wrote them.

use super::{
    mirrormanager::{names, urls},
    skipped::Reason,
};
use crate::failure::Failure;
use cache::{
    inventory::HostUrl,
    scheme::{Scheme, Schemes},
};

/// A path without slashes at either end, runs of slashes made one; empty for everything.
pub fn path(text: &str) -> Result<String, Failure> {
    names::path(text.as_bytes()).map_err(|reason| refused(text, reason))
}

/// A path that is not empty.
pub fn directory(text: &str) -> Result<String, Failure> {
    names::directory(text.as_bytes()).map_err(|reason| refused(text, reason))
}

/// A URL under which a host has a tree, if it is one.
pub fn host_url(text: &str) -> Option<HostUrl> {
    urls::host_url(text.as_bytes()).ok()
}

/// The one spelling of an https or http URL to which a path can be appended, without slashes at its end.
pub fn web_url(text: &str) -> Option<String> {
    let url = host_url(text)?;
    let is_web = Schemes::WEB.iter().any(|scheme: Scheme| scheme == url.scheme);
    (is_web && !url.text.contains('?')).then_some(url.text)
}

fn refused(text: &str, reason: Reason) -> Failure {
    Failure::config(format!("`{}` is no path: {}", text.escape_debug(), reason.words()))
}
