//! All repositories by product and version: where people begin who look for one.
//!
//! What a repository is of is told by its directory in the cache, else by its name. What neither tells stands under
//! “Others”, so that every repository is on the page, and none is there twice.

use super::{
    contents::{Contents, Repository},
    filter::{LIST, filter},
    names::{file_name, name, short, visible},
    page::CELL,
};
use maud::{Markup, PreEscaped, html};
use program::print::grouped;
use std::{cmp::Reverse, collections::BTreeMap};

/// Parts of a path that tell a stage of a product, or nothing at all.
const STAGES: [&str; 13] = [
    "archive",
    "core",
    "development",
    "extras",
    "linux",
    "next",
    "pub",
    "releases",
    "releases-test",
    "stream",
    "test",
    "testing",
    "updates",
];

/// Versions that never end, and so have no number.
const ENDLESS: [&str; 2] = ["eln", "rawhide"];

/// A row's beginning, where its version is told for the first time, and where it is told again: the filter and who hears the
/// page need it in every row.
const FIRST: PreEscaped<&str> = PreEscaped("<tr><td>");
const AGAIN: PreEscaped<&str> = PreEscaped("<tr><td class=quiet>");
/// The head of a row, a link of which the name of its page is to follow: such names need no quotes.
const HEAD: PreEscaped<&str> = PreEscaped("<th scope=row><a href=");

/// Product and version of a repository, each empty if it is not known. `path` is its directory for `arch`.
///
/// The version is the first part of the path that begins with a digit, is called as one of [`ENDLESS`] below a product, or
/// follows `development` there. All parts before it are the product, without [`STAGES`]: `fedora`, `rpmfusion/free/fedora`.
/// If the path has no version, the name may end with one, and the product is the first part that tells one.
pub(super) fn parted(path: &str, arch: &str, name: &str) -> (String, String) {
    let mut product: Vec<&str> = Vec::new();
    let mut before = "";
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part != arch {
            let is_called = ENDLESS.contains(&part) || before == "development";
            if part.starts_with(|c: char| c.is_ascii_digit()) || (is_called && !product.is_empty()) {
                return (product.join("/"), part.to_owned());
            }
            if !STAGES.contains(&part) {
                product.push(part);
            }
        }
        before = part;
    }
    match version_of(name) {
        "" => (String::new(), String::new()),
        version => (product.first().copied().unwrap_or_default().to_owned(), version.to_owned()),
    }
}

/// The version at the end of a name such as `updates-released-f42`, `epel-10` or `rawhide`; empty if there is none.
fn version_of(name: &str) -> &str {
    let last = name.rsplit('-').next().unwrap_or_default();
    if ENDLESS.contains(&last) {
        return last;
    }
    let number = last.strip_prefix("el").or_else(|| last.strip_prefix('f')).unwrap_or(last);
    let is_digit = |c: char| c.is_ascii_digit();
    let is_number = number.starts_with(is_digit)
        && number.ends_with(is_digit)
        && number.chars().all(|c| is_digit(c) || c == '.');
    if is_number && last.len() < name.len() { number } else { "" }
}

/// What versions are compared by, so that the newest is the greatest: those without a number are above all others, and a plain
/// number is above the same one with a word behind it, such as `-beta`. No version is below all.
fn rank(version: &str) -> (bool, Vec<u64>, bool, &str) {
    let word = version.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let numbers: Vec<u64> = version[..version.len() - word.len()]
        .split('.')
        .filter(|number| !number.is_empty())
        .map(|number| number.parse().unwrap_or(u64::MAX))
        .collect();
    (numbers.is_empty() && !version.is_empty(), numbers, word.is_empty(), version)
}

/// Repositories by product in the order of the alphabet, those of none at the end; in each by version, the newest first, then by
/// name.
fn by_product(contents: &Contents) -> Vec<(&str, Vec<&Repository>)> {
    let mut products: BTreeMap<(bool, String, &str), Vec<&Repository>> = BTreeMap::new();
    for repository in &contents.repositories {
        let product = repository.product.as_str();
        products.entry((product.is_empty(), product.to_lowercase(), product)).or_default().push(repository);
    }
    let mut groups = Vec::new();
    for ((.., product), mut repositories) in products {
        repositories.sort_by_cached_key(|&repository| Reverse(rank(&repository.version)));
        groups.push((product, repositories));
    }
    groups
}

/// The name of a product's part of the page.
fn anchor(product: &str) -> String {
    if product.is_empty() { "others".into() } else { format!("of-{}", file_name(product)) }
}

/// What a product is called on the page.
fn title(product: &str) -> Markup {
    html! { @if product.is_empty() { "Others" } @else { (short(product)) } }
}

/// What a repository is of, with a link to the others, for its own page; nothing if that is not known.
pub(super) fn whose(repository: &Repository) -> Markup {
    let Repository { product, version, .. } = repository;
    html! {
        @if !version.is_empty() {
            p {
                "Version " (short(version))
                @if !product.is_empty() { " of " a href={ "index.html#" (anchor(product)) } { (short(product)) } }
                "."
            }
        }
    }
}

/// The page of all.
pub(super) fn all(contents: &Contents) -> Markup {
    let groups = by_product(contents);
    // Where nothing is told of any product, there are no others either.
    let has_products = groups.iter().any(|(product, _)| !product.is_empty());
    html! {
        @if groups.len() > 1 {
            nav class="anchors" aria-label="Products" {
                @for (product, repositories) in &groups {
                    span {
                        a href={ "#" (anchor(product)) } { (title(product)) } " "
                        span class="quiet" { (grouped(repositories.len())) }
                    }
                }
            }
        }
        (filter("Products, versions, names and architectures"))
        // Its last cells have their looks by their place, for the sake of bytes.
        table id=(LIST) class="counted" {
            caption {
                (grouped(contents.repositories.len())) " repositories, the newest versions first, with the mirrors that have any"
                " architecture of them; where some lack one, each architecture has its own number"
            }
            thead { tr {
                th scope="col" { "Version" }
                th scope="col" { "Repository" }
                // Four columns fit a window of 320 pixels if this word can be parted.
                th scope="col" { "Architec\u{ad}tures" }
                th scope="col" class="number" { "Mirrors" }
            } }
            @for (product, repositories) in &groups {
                tbody id=(anchor(product)) {
                    @if has_products {
                        tr class="group" { th scope="rowgroup" colspan="4" { (title(product)) } }
                    }
                    @for (at, repository) in repositories.iter().enumerate() {
                        (row(repository, at > 0 && repositories[at - 1].version == repository.version))
                    }
                }
            }
        }
    }
}

/// A repository's row; `is_again` if its version is that of the row above.
fn row(repository: &Repository, is_again: bool) -> Markup {
    let as_other = repository.redirect.as_ref().filter(|_| repository.archs.is_empty());
    html! {
        (if is_again { AGAIN } else { FIRST }) (short(&repository.version))
        (HEAD) (file_name(&repository.name)) (PreEscaped(".html>")) (short(&repository.name)) (PreEscaped("</a>"))
        (CELL)
        @if repository.is_disabled { small { "disabled" } }
        @else if let Some(other) = as_other { small { "as " (name(other)) } }
        @else { (archs(repository)) }
        (CELL)
        @if repository.archs.is_empty() || repository.is_disabled { "–" }
        @else { (grouped(repository.listed().count())) }
    }
}

/// All of its architectures.
pub(super) fn all_archs(repository: &Repository) -> String {
    repository.archs.iter().map(|arch| visible(arch)).collect::<Vec<_>>().join(" ")
}

/// Its architectures; where not every mirror has all of them, with the numbers of mirrors that answers name, most first.
fn archs(repository: &Repository) -> String {
    let counts = repository.listed_by_arch();
    let all = repository.listed().count();
    if counts.iter().all(|count| *count == all) {
        return all_archs(repository);
    }
    let mut by_count: BTreeMap<Reverse<usize>, Vec<String>> = BTreeMap::new();
    for (arch, count) in repository.archs.iter().zip(counts) {
        by_count.entry(Reverse(count)).or_default().push(visible(arch).into_owned());
    }
    let told = |(Reverse(count), archs): (&Reverse<usize>, &Vec<String>)| {
        format!("{}: {}", archs.join(" "), grouped(*count))
    };
    by_count.iter().map(told).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{super::contents::Carried, *};

    #[test]
    fn directories_tell_product_and_version() {
        for (path, product, version) in [
            ("pub/fedora/linux/updates/42/Everything/x86_64", "fedora", "42"),
            ("pub/fedora/linux/updates/testing/42/Everything/x86_64", "fedora", "42"),
            ("pub/fedora/linux/releases/42/Everything/x86_64/os", "fedora", "42"),
            ("pub/fedora/linux/releases/test/42_Beta/Everything/x86_64/os", "fedora", "42_Beta"),
            ("pub/fedora/linux/development/42/Everything/x86_64/os", "fedora", "42"),
            ("pub/fedora/linux/development/rawhide/Everything/x86_64/os", "fedora", "rawhide"),
            ("pub/fedora/linux/development/next-one/Everything/x86_64/os", "fedora", "next-one"),
            ("pub/archive/fedora/linux/core/6/x86_64/os", "fedora", "6"),
            ("pub/fedora-secondary/releases/42/Everything/x86_64/os", "fedora-secondary", "42"),
            ("pub/eln/1/BaseOS/x86_64/os", "eln", "1"),
            ("pub/epel/10/Everything/x86_64", "epel", "10"),
            ("pub/epel/testing/10/Everything/x86_64", "epel", "10"),
            ("pub/epel/next/9/Everything/x86_64", "epel", "9"),
            ("pub/archive/epel/8.1.2020-04-22/Everything/x86_64", "epel", "8.1.2020-04-22"),
            ("pub/centos/stream/10-stream/BaseOS/x86_64", "centos", "10-stream"),
            ("SIGs/9-stream/cloud/x86_64/openstack-bobcat", "SIGs", "9-stream"),
            ("almalinux/9.8/BaseOS/x86_64/os", "almalinux", "9.8"),
            ("almalinux-kitten/10-kitten/BaseOS/x86_64/os", "almalinux-kitten", "10-kitten"),
            ("vault/10.0-beta/BaseOS/x86_64/os", "vault", "10.0-beta"),
            ("9.4/BaseOS/x86_64/os", "", "9.4"),
            ("free/fedora/updates/42/x86_64", "free/fedora", "42"),
            ("pub/rpmfusion/nonfree/el/updates/9/x86_64", "rpmfusion/nonfree/el", "9"),
            ("pub/opensuse/distribution/leap/15.6/repo/oss", "opensuse/distribution/leap", "15.6"),
            // The name would say something else.
            ("/pub//epel/10/", "epel", "10"),
        ] {
            let found = parted(path, "x86_64", "some-7");
            assert_eq!((&*found.0, &*found.1), (product, version), "{path}");
        }
    }

    #[test]
    fn names_tell_the_version_where_directories_do_not() {
        for (path, name, product, version) in [
            ("", "updates-released-f42", "", "42"),
            ("", "epel-el8", "", "8"),
            ("", "baseos-9.8", "", "9.8"),
            ("", "rawhide", "", "rawhide"),
            ("pub/fedora/linux/development/x86_64/os", "rawhide", "fedora", "rawhide"),
            ("pub/tools/x86_64", "tools-debug-3", "tools", "3"),
            ("pub/alt/stale", "stale", "", ""),
            ("pub/alt/gtk+", "gtk+-next", "", ""),
            ("x86_64", "x86_64", "", ""),
            ("", "", "", ""),
            ("", "42", "", ""),
            ("", "x-", "", ""),
            ("", "x-f", "", ""),
            ("", "x-9.", "", ""),
            ("", "x-4b", "", ""),
            ("", "x-٣", "", ""),
        ] {
            let found = parted(path, "x86_64", name);
            assert_eq!((&*found.0, &*found.1), (product, version), "{path} {name}");
        }
        // What is called as an architecture is none of both, whatever it begins with.
        assert_eq!(parted("386/pub/x/386/7", "386", ""), ("x".into(), "7".into()));
    }

    #[test]
    fn the_newest_version_is_first() {
        let mut versions = [
            "",
            "9",
            "10",
            "9.3",
            "9.10",
            "9.4",
            "10-stream",
            "10.0-beta",
            "10.0",
            "eln",
            "rawhide",
            "99999999999999999999999",
        ];
        versions.sort_by_key(|&version| Reverse(rank(version)));
        assert_eq!(
            versions,
            [
                "rawhide",
                "eln",
                "99999999999999999999999",
                "10.0",
                "10.0-beta",
                "10",
                "10-stream",
                "9.10",
                "9.4",
                "9.3",
                "9",
                ""
            ]
        );
    }

    fn repository(name: &str, product: &str, version: &str) -> Repository {
        let [name, product, version] = [name, product, version].map(str::to_owned);
        Repository { name, product, version, ..Repository::default() }
    }

    #[test]
    fn every_repository_is_once_below_its_product() {
        let repositories = vec![
            repository("a", "fedora", "9"),
            repository("b", "", "7"),
            repository("c", "Epel", "10"),
            repository("d", "fedora", "10"),
            repository("e", "fedora", "9"),
            repository("f", "", ""),
        ];
        let contents = Contents { repositories, ..Contents::default() };
        let groups = by_product(&contents);
        let names = |of: &[&Repository]| of.iter().map(|repository| &*repository.name).collect::<String>();
        let shown: Vec<(&str, String)> = groups.iter().map(|(product, of)| (*product, names(of))).collect();
        assert_eq!(shown, [("Epel", "c".to_owned()), ("fedora", "dae".to_owned()), ("", "bf".to_owned())]);
        let page = all(&contents).into_string();
        let row = |begin: &str, name: &str| {
            page.contains(&format!("{begin}<th scope=row><a href={name}.html>{name}</a><td>"))
        };
        assert!(
            row("<tr><td>9", "a") && row("<tr><td class=quiet>9", "e") && row("<tr><td>7", "b"),
            "{page}"
        );
        assert!(page.contains("<a href=\"#others\">Others</a>") && page.contains("id=\"of-Epel\""), "{page}");
    }

    #[test]
    fn where_no_product_is_known_nothing_stands_under_others() {
        let contents = Contents { repositories: vec![repository("a", "", "9.4")], ..Contents::default() };
        let page = all(&contents).into_string();
        assert!(!page.contains("Others") && !page.contains("<nav"), "{page}");
    }

    #[test]
    fn architectures_have_their_own_numbers_where_these_differ() {
        let carried = |mirror, is_listed, set| Carried { mirror, is_listed, base: 0, set };
        let mut of = repository("a", "", "");
        of.archs = ["aarch64", "s390x", "x86_64"].map(str::to_owned).into();
        of.sets = vec![vec![0, 1, 2], vec![2]];
        of.carried = vec![carried(0, true, 0), carried(1, true, 0)];
        assert_eq!(archs(&of), "aarch64 s390x x86_64");
        of.carried.extend([carried(2, true, 1), carried(3, false, 0)]);
        assert_eq!(archs(&of), "x86_64: 3, aarch64 s390x: 2");
    }
}
