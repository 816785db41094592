//! URLs below which mirrors have categories.

use program::characters::is_hidden;
use thiserror::Error;
use url::Url;

/// Bytes of a URL; longer ones are in no list.
const LONGEST: usize = 1024;

/// Why a text is no URL below which a category can be.
#[derive(Debug, Error)]
pub enum UrlError {
    /// It would not be seen as it is.
    #[error("has a blank or a control character")]
    Hidden,
    /// It is in no list.
    #[error("is longer than {} bytes", LONGEST)]
    Length,
    /// It is no URL at all.
    #[error("is no URL ({0})")]
    Syntax(#[from] url::ParseError),
    /// It is one of something that mirrors are not asked by.
    #[error("is a URL of {0}, which is none of https, http and rsync")]
    Scheme(String),
    /// Nobody is named.
    #[error("names no host")]
    Host,
    /// It has a user or a password.
    #[error("names a user")]
    User,
    /// Nothing can be put behind it.
    #[error("has a `?` or `#`, behind which no path can be put")]
    Query,
}

/// The one spelling of a URL under which a category is, with a slash at its end.
pub fn base_url(text: &str) -> Result<Url, UrlError> {
    if text.chars().any(|c| is_hidden(c) || c.is_whitespace()) {
        return Err(UrlError::Hidden);
    }
    if text.len() > LONGEST {
        return Err(UrlError::Length);
    }
    let mut url = Url::parse(text)?;
    if !["https", "http", "rsync"].contains(&url.scheme()) {
        return Err(UrlError::Scheme(url.scheme().into()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(UrlError::Host);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::User);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(UrlError::Query);
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}
