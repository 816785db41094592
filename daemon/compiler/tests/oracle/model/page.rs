//! The page of mirrors: SPEC.md §12. What it says to people is for people to judge; which mirrors it has, and in which
//! order, is read as `compare` reads other forms.

use super::{
    Blocks, Body, Line, Model, Ranks,
    client::Client,
    facts::Url,
    metalink::escaped,
    mirrorlist::whole_url,
    question::{Question, SCHEMES},
    subject::Subject,
    tiers::{Candidates, Selection},
};
use roxmltree::{Document, Node, ParsingOptions};

/// The header lines behind the content type.
pub const HEADERS: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\n\
    Referrer-Policy: no-referrer\r\n";

/// The page about a directory or file.
pub fn document(
    model: &Model,
    subject: &Subject<'_>,
    (question, client): (&Question, &Client),
    selection: &Selection,
    candidates: &Candidates<'_>,
) -> Body {
    let title = match &subject.file {
        Some(name) => name.clone(),
        None => format!("{}/", subject.path.rsplit('/').next().unwrap_or_default()),
    };
    // "characters that are text but never XML".
    let title = title.replace(['\u{fffe}', '\u{ffff}'], "?");
    let block = |_, host: &i64| {
        let urls = &candidates[host];
        let first = |scheme: &&str| urls.iter().copied().find(|url| url.scheme == *scheme);
        let asked: Vec<&str> = question.protocols.clone().unwrap_or_else(|| SCHEMES[..3].to_vec());
        let best: Option<&Url> = asked.iter().find_map(first);
        let schemes: Vec<&str> = SCHEMES.iter().filter(|scheme| first(scheme).is_some()).copied().collect();
        let private = if subject.directory.global.contains(host) { "" } else { "not public, " };
        let facts = &model.facts;
        let country = facts.host_country.get(host).map_or("", String::as_str);
        let km = facts.km(client, *host).map_or(String::new(), |km| format!("{km} km"));
        let families = facts.families.get(host).map_or(Vec::new(), |all| all.iter().copied().collect());
        let families = match families[..] {
            [] => "",
            [4] => ", IPv4 only",
            [6] => ", IPv6 only",
            _ => ", IPv4 and IPv6",
        };
        let line = |url: &Url| {
            let url = whole_url(subject, url);
            let authority = url.split('/').nth(2).unwrap_or_default();
            let port = authority.rfind(':').filter(|at| authority[at + 1..].parse::<u16>().is_ok());
            let name = &authority[..port.unwrap_or(authority.len())];
            let before = format!(
                "{url} {name} {}|{km}|{private}{}{families}\tpriority:",
                answer::render::places::country(country),
                schemes.join(", ")
            );
            Line { before, after: Some("\n".to_owned()), url }
        };
        best.into_iter().map(line).collect()
    };
    let selection = selection.without_tokens();
    let top = (format!("{}\n", escaped(&title)), String::new());
    let limits = (model.rules.minimum, question.limit.or(Some(60)));
    let blocks = Blocks::of(&selection, limits, top, String::new(), block);
    Body::Page(Blocks { ranks: Ranks::Apt, ..blocks })
}

/// The hosts that are not listed, each with the reason; `None` where the page does not tell.
pub fn excluded(body: &str) -> Option<Vec<(String, String)>> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(body, options).ok()?;
    document.descendants().find(|node| node.text() == Some("Mirrors that are not listed"))?;
    let rows = document.descendants().filter(|node| node.has_tag_name("li"));
    let rows = rows.filter(|row| row.parent_element().is_some_and(|list| list.has_tag_name("ul")));
    let text =
        |node: Option<Node<'_, '_>>| node.and_then(|node| node.text()).unwrap_or_default().trim().to_owned();
    Some(rows.map(|row| (text(row.first_child()), text(row.last_element_child()))).collect())
}

/// A page as such lines; it is well-formed, has no script, and wants nothing from elsewhere.
pub fn lines(body: &str) -> Result<String, String> {
    if body.len() > 32 << 10 {
        return Err(format!("a page of {} bytes", body.len()));
    }
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(body, options).map_err(|error| format!("{error}: {body}"))?;
    let mut lines = String::new();
    for node in document.descendants().filter(Node::is_element) {
        let text = |node: Node<'_, '_>| {
            node.descendants().filter(Node::is_text).filter_map(|part| part.text()).collect::<String>()
        };
        match node.tag_name().name() {
            "h1" => lines += &format!("{}\n", escaped(&text(node))),
            "li" if node.parent_element().is_some_and(|list| list.has_tag_name("ul")) => {}
            "li" => {
                let start =
                    node.parent_element().and_then(|list| list.attribute("start")?.parse::<usize>().ok());
                let before = node.prev_siblings().filter(|one| one.is_element()).count() - 1;
                let link = node.first_element_child().ok_or("a mirror without a link")?;
                // Country and kilometres (without commas) where they are known, then how it is reached.
                let spans: Vec<_> = node.children().filter(|one| one.has_tag_name("span")).collect();
                let of = |class: Option<&str>| spans.iter().find(|one| one.attribute("class") == class);
                let said = [None, Some("far"), Some("by")]
                    .map(|class| of(class).map_or("".into(), |one| text(*one)));
                let last = format!("{}|{}|{}", said[0], said[1].replace(',', ""), said[2]);
                let place = start.ok_or("a list without a number")? + before;
                let url = link.attribute("href").unwrap_or_default();
                lines += &format!("{url} {} {last}\tpriority:{place}\n", text(link));
            }
            "script" | "link" | "img" | "iframe" | "object" | "form" => {
                return Err(format!("an element that a page has not: {}", node.tag_name().name()));
            }
            _ if node.attributes().any(|one| one.name().starts_with("on") || one.name() == "src") => {
                return Err(format!("an attribute that a page has not: {node:?}"));
            }
            _ => {}
        }
    }
    Ok(lines)
}
