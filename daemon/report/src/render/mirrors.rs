//! The public list: all mirrors by country, and of each repository those that the service names for it.

use super::{
    contents::{Contents, Mirror, Repository},
    page::{Frame, Part, country, file_name, name, number, visible},
    site::Site,
};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use serde::Serialize;
use std::collections::BTreeMap;

/// What `mirrors.json` says of a mirror.
#[derive(Serialize)]
struct Row<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    country: &'c str,
    schemes: &'c [String],
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    families: &'c [u8],
    /// Each with the URL of its first architecture.
    repositories: BTreeMap<&'c str, &'c str>,
}

/// Writes the list, as a page and as JSON, and a page for each repository.
pub(super) fn write(site: &Site, frame: &Frame, contents: &Contents) -> Result<(), Failure> {
    site.write("mirrors.json", json(contents)?)?;
    site.write("mirrors/index.html", frame.page(Part::Mirrors, 1, "Mirrors", &list(contents)))?;
    let body = repositories(contents);
    site.write("repositories/index.html", frame.page(Part::Repositories, 1, "Repositories", &body))?;
    for repository in &contents.repositories {
        let path = format!("repositories/{}.html", file_name(&repository.name));
        let title = visible(&repository.name);
        site.write(&path, frame.page(Part::Repositories, 1, &title, &of(contents, repository)))?;
    }
    Ok(())
}

fn json(contents: &Contents) -> Result<String, Failure> {
    let mut rows: Vec<Row<'_>> = contents
        .mirrors
        .iter()
        .map(|Mirror { name, country, schemes, families, .. }| Row {
            name,
            country,
            schemes,
            families,
            repositories: BTreeMap::new(),
        })
        .collect();
    for repository in &contents.repositories {
        for (mirror, carried) in &repository.carried {
            rows[*mirror].repositories.insert(&repository.name, &carried.url);
        }
    }
    serde_json::to_string(&rows).map_err(|error| Failure::bug(error.to_string()))
}

/// Mirrors by country, in their order.
fn by_country<T>(
    contents: &Contents,
    of: impl Iterator<Item = (usize, T)>,
) -> Vec<(&str, Vec<(&Mirror, T)>)> {
    let mut groups: Vec<(&str, Vec<(&Mirror, T)>)> = Vec::new();
    for (place, what) in of {
        let mirror = &contents.mirrors[place];
        match groups.last_mut() {
            Some((country, group)) if *country == mirror.country => group.push((mirror, what)),
            _ => groups.push((&mirror.country, vec![(mirror, what)])),
        }
    }
    groups
}

/// Links to the countries of a page.
fn anchors<T>(groups: &[(&str, Vec<T>)]) -> Markup {
    html! {
        nav class="anchors" aria-label="Countries" {
            @for (code, mirrors) in groups {
                span { a href={ "#" (anchor(code)) } { (country(code)) } " " span class="quiet" { (mirrors.len()) } }
            }
        }
    }
}

fn anchor(code: &str) -> String {
    format!("in-{}", if code.is_empty() { "unknown".into() } else { file_name(code) })
}

fn list(contents: &Contents) -> Markup {
    let groups = by_country(contents, (0..contents.mirrors.len()).map(|place| (place, ())));
    html! {
        p {
            (grouped(contents.mirrors.len())) " public mirrors in " (groups.len()) " countries. Those that the service names for each "
            "repository are on the " a href="../repositories/index.html" { "repositories’ pages" } "; all of it is in "
            a href="../mirrors.json" { "mirrors.json" } "."
        }
        (anchors(&groups))
        @for (code, mirrors) in &groups {
            section id=(anchor(code)) {
                h2 { (country(code)) }
                table {
                    caption { (mirrors.len()) @if mirrors.len() == 1 { " mirror" } @else { " mirrors" } }
                    thead { tr {
                        th scope="col" { "Mirror" }
                        th scope="col" { "By" }
                        th scope="col" class="number" { "Repositories" }
                    } }
                    tbody {
                        @for (mirror, ()) in mirrors {
                            tr {
                                th scope="row" { (name(&mirror.name)) }
                                td { (ways(mirror)) }
                                (number(mirror.repositories as u64))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Protocols, and versions of IP where they are known.
fn ways(mirror: &Mirror) -> Markup {
    html! {
        (mirror.schemes.join(" "))
        @if !mirror.families.is_empty() {
            span class="quiet" { @for family in &mirror.families { " IPv" (family) } }
        }
    }
}

fn repositories(contents: &Contents) -> Markup {
    html! {
        table {
            caption { (grouped(contents.repositories.len())) " repositories" }
            thead { tr {
                th scope="col" { "Repository" }
                th scope="col" { "Architectures" }
                th scope="col" class="number" { "Mirrors" }
            } }
            tbody {
                @for repository in &contents.repositories {
                    tr {
                        th scope="row" { a href={ (file_name(&repository.name)) ".html" } { (name(&repository.name)) } }
                        td { (repository.archs.iter().map(|arch| visible(arch)).collect::<Vec<_>>().join(" ")) }
                        (number(repository.carried.len() as u64))
                    }
                }
            }
        }
    }
}

fn of(contents: &Contents, repository: &Repository) -> Markup {
    let groups = by_country(contents, repository.carried.iter().map(|(place, carried)| (*place, carried)));
    let all = repository.archs.len();
    html! {
        p {
            (grouped(repository.carried.len())) " public mirrors in " (groups.len()) " countries have it up to date, for "
            (repository.archs.iter().map(|arch| visible(arch)).collect::<Vec<_>>().join(", ")) "."
        }
        @if groups.len() > 1 { (anchors(&groups)) }
        @for (code, mirrors) in &groups {
            section id=(anchor(code)) {
                h2 { (country(code)) }
                ul class="plain" {
                    @for (mirror, carried) in mirrors {
                        li {
                            a href=(carried.url) rel="nofollow" { (name(&mirror.name)) }
                            " " span class="quiet" {
                                (mirror.schemes.join(" "))
                                @if carried.archs.len() < all {
                                    ", only " (carried.archs.iter().map(|at| visible(&repository.archs[*at])).collect::<Vec<_>>().join(", "))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
