//! What fragments hold, and that their size is known before.

use super::*;
use cache::{
    CacheBytes,
    inventory::{Carrier, Directory, Host, HostUrl, Inventory, Placement, Repository, Roster, SetPosition},
    write,
};

/// Hosts that each offer so many trees under all of these URLs, and repositories with these architectures.
fn cache(hosts: u32, trees: u32, urls: &[String], repositories: &[(&str, &str)]) -> CacheBytes {
    let mut inventory = Inventory::default();
    for host in 0..hosts {
        inventory.hosts.insert(i64::from(host), Host { bandwidth: 1, ..Host::default() });
        for tree in 0..trees {
            // No two of a host are equal.
            let mut urls: Vec<u32> = (0..urls.len() as u32).collect();
            urls.rotate_left(tree as usize);
            inventory.placements.insert(Placement { host, urls });
        }
    }
    let text = |url: &String| HostUrl { scheme: Scheme::of_url(url).unwrap(), text: url.clone() };
    inventory.urls = urls.iter().map(text).collect();
    let mut roster = Roster::default();
    roster.set_of([Carrier { public: true, ..Carrier::default() }]);
    inventory.rosters.push(roster);
    let carriers = SetPosition::default();
    inventory.directories.insert("pub".into(), Directory { carriers, subpath: String::new() });
    for (name, arch) in repositories {
        let archs = [((*arch).to_owned(), "pub".to_owned())].into();
        inventory.repositories.insert((*name).into(), Repository { archs, ..Repository::default() });
    }
    write(&inventory, 0).unwrap().0
}

fn urls(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|number| format!("http://{number:0width$}", width = length - 7)).collect()
}

/// Bytes that the fragments hold on to.
fn held(fragments: &Fragments) -> u64 {
    let Fragments {
        bytes,
        first,
        lines,
        line_start,
        repo_archs,
        repo_arch_start,
        shared: _,
        usable: _,
        reaches,
        names,
        examples: _,
        below,
        repositories: _,
    } = fragments;
    (bytes.capacity()
        + first.capacity() * size_of::<[Piece; 4]>()
        + lines.capacity() * size_of::<Line>()
        + line_start.capacity() * size_of::<u32>()
        + repo_archs.capacity()
        + repo_arch_start.capacity() * size_of::<u32>()
        + reaches.held()
        + names.held()
        + below.held()) as u64
}

#[test]
fn what_many_placements_share_is_kept_once() {
    let bytes = cache(500, 2, &urls(20, 1000), &[]);
    let fragments = Fragments::prepare(&View::check(&bytes).unwrap()).unwrap();
    assert_eq!(fragments.lines.len(), 20_000);
    // The URLs, which need no escaping, and one opening.
    assert!(fragments.bytes.len() < 20 * 1000 + LONGEST_OPENING, "{}", fragments.bytes.len());
    for line in fragments.metalink_lines(PlacementId(999)) {
        let opening = b"    <url protocol=\"http\" type=\"http\" location=\"\" preference=\"";
        assert_eq!((line.opening, line.url.len()), (&opening[..], 1000));
    }
    assert_eq!(fragments.url(PlacementId(0), Scheme::Http).map(<[u8]>::len), Some(1000));
}

#[test]
fn no_more_is_taken_than_was_computed() {
    let odd: Vec<String> = ["https://a/<&>\"'", "ftp://\u{ffff}\u{1}", "rsync://a"].map(str::to_owned).into();
    let long = ["é".repeat(500), "\u{1}\u{fffe}".into()];
    for bytes in [
        cache(3, 3, &odd, &[("fedora-42", "x86_64"), (&long[0], &long[1])]),
        cache(100, 1, &urls(4, 30), &[(&long[1], &long[0])]),
    ] {
        let view = View::check(&bytes).unwrap();
        let fragments = Fragments::prepare(&view).unwrap();
        let sizes = Sizes::of(&view);
        let counts =
            (fragments.bytes.len() as u64, fragments.lines.len() as u64, fragments.repo_archs.len() as u64);
        assert!(
            counts.0 <= sizes.bytes && counts.1 == sizes.lines && counts.2 <= sizes.repo_archs,
            "{sizes:?}"
        );
        let computed = sizes.lines * size_of::<Line>() as u64 + sizes.bytes + sizes.repo_archs + sizes.rows;
        assert!(held(&fragments) <= computed, "{} of {computed}", held(&fragments));
    }
}

#[test]
fn a_small_cache_that_asks_for_much_is_refused_before_any_of_it_is_taken() {
    // 3,000 hosts of 10 trees with 250 URLs each: 7.5 million lines.
    let bytes = cache(3000, 10, &urls(250, 30), &[]);
    let refusal = Fragments::prepare(&View::check(&bytes).unwrap()).unwrap_err();
    assert!(refusal.found > 7_500_000 * size_of::<Line>() as u64, "{refusal:?}");
    let said = crate::taken(&bytes).unwrap_err().to_string();
    let end = " bytes of memory beside it, at most 134217728 are used";
    assert!(said.starts_with("answers from it would take 151") && said.ends_with(end), "{said}");
}
