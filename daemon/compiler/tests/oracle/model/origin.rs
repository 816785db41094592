//! The origin behind the hosts of a list: SPEC.md §4.

use super::{
    Line,
    facts::Facts,
    metalink::escaped,
    mirrorlist::percent_encoded,
    question::{Excluded, Question, SCHEMES},
    subject::Subject,
};
use wire::Kind;

/// The URL there, "if its scheme counts, with neither `exclude=origin` nor `strict`".
pub fn url(facts: &Facts, subject: &Subject<'_>, question: &Question) -> Option<String> {
    let path = match &subject.file {
        Some(file) => format!("{}/{file}", subject.path),
        None => subject.path.clone(),
    };
    let is_around = |top: &&String| top.is_empty() || format!("{path}/").starts_with(&format!("{top}/"));
    let top = facts.site.origins.keys().filter(is_around).max_by_key(|top| top.len())?;
    let origin = &facts.site.origins[top];
    let asked = question.protocols.clone().unwrap_or_else(|| SCHEMES.to_vec());
    let counts = asked.iter().any(|scheme| origin.starts_with(&format!("{scheme}://")));
    if !counts || question.strict || question.exclude.contains(&Excluded::Origin) {
        return None;
    }
    let below = path[top.len()..].trim_start_matches('/');
    let slash = if below.is_empty() { "" } else { "/" };
    let end = if subject.file.is_none() { "/" } else { "" };
    Some(format!("{origin}{slash}{}{end}", percent_encoded(below)))
}

/// Its line in a form.
pub fn line(kind: Kind, url: String) -> Option<Line> {
    let scheme = url.split(':').next().unwrap_or_default();
    let xml = Some(format!("\">{}</url>\n", escaped(&url)));
    let (before, after) = match kind {
        Kind::Metalink => {
            let kinds = format!("protocol=\"{scheme}\" type=\"{scheme}\"");
            (format!("    <url {kinds} location=\"\" preference=\""), xml)
        }
        Kind::Metalink4 => ("  <url priority=\"".to_owned(), xml),
        Kind::Apt => (format!("{url}\tpriority:"), Some("\n".to_owned())),
        Kind::Json | Kind::Page | Kind::Redirect => return None,
        _ => (format!("{url}\n"), None),
    };
    Some(Line { url, before, after })
}
