//! Lists are read strictly, and laid over a cache so that what is left can be shown.

use super::*;
use cache::{
    CacheBytes,
    inventory::{Carrier, Directory, Host, HostUrl, Inventory, Placement, Roster, SetPosition},
    scheme::Scheme,
    write,
};

fn list(lines: &[&str]) -> Suspended {
    let text = format!(
        "{HEAD}\n{}{END}{}\n",
        lines.iter().map(|line| format!("{line}\n")).collect::<String>(),
        lines.len()
    );
    Suspended::parse(text.as_bytes()).unwrap()
}

fn line(url: &str, until: u64) -> String {
    format!("{url}\thost\t100\t{until}\tno answer")
}

/// Hosts with these URLs each, in one placement.
fn cache(hosts: &[&[&str]]) -> CacheBytes {
    let mut inventory = Inventory::default();
    for (host, urls) in (0..).zip(hosts) {
        inventory.hosts.insert(i64::from(host), Host { bandwidth: 1, ..Host::default() });
        let urls = urls.iter().map(|url| {
            let url = HostUrl { scheme: Scheme::of_url(url).unwrap(), text: (*url).to_owned() };
            inventory.urls.insert_full(url).0 as u32
        });
        let urls = urls.collect();
        inventory.placements.insert(Placement { host, urls });
    }
    let mut roster = Roster::default();
    roster.set_of([Carrier { public: true, ..Carrier::default() }]);
    inventory.rosters.push(roster);
    let carriers = SetPosition::default();
    inventory.directories.insert("pub".into(), Directory { carriers, subpath: String::new() });
    write(&inventory, 0).unwrap().0
}

#[test]
fn a_list_is_read_whole_or_not_at_all() {
    let first = line("https://A.Example/pub/", 3700);
    let read = list(&[&first]);
    let expected = Line {
        url: "https://a.example/pub".into(),
        host: "host".into(),
        since: 100,
        until: 3700,
        reason: "no answer".into(),
    };
    assert_eq!(read.lines(), [expected]);
    let whole =
        format!("{HEAD}\n# made by a test\n{first}\nhttp://b.example\tb\t5\t5\t404\tNot Found\n{END}2\n");
    assert_eq!(Suspended::parse(whole.as_bytes()).unwrap().lines()[1].reason, "404\tNot Found");
    // Wherever it is cut, but for the last newline.
    for cut in 0..whole.len() - 1 {
        assert!(Suspended::parse(&whole.as_bytes()[..cut]).is_err(), "{cut}");
    }
    for (text, cause) in [
        ("", "is empty"),
        ("<html>", "does not begin with `# mirrorlist-suspended 1`"),
        ("# mirrorlist-suspended 2\n# end 0", "does not begin with"),
        (
            "# mirrorlist-suspended 1\nhttp://a a 1 2 x\n# end 1",
            "line 2: is not URL, host, since, until and reason",
        ),
        ("# mirrorlist-suspended 1\na\ta\t1\t2\tx\n# end 1", "line 2: `a` is no URL"),
        ("# mirrorlist-suspended 1\nhttp://a\ta\tnow\t2\tx\n# end 1", "line 2: `now` is no time"),
        ("# mirrorlist-suspended 1\nhttp://a\ta\t2\t1\tx\n# end 1", "line 2: lasts more than 24 hours"),
        ("# mirrorlist-suspended 1\nhttp://a\ta\t0\t86401\tx\n# end 1", "line 2: lasts more than 24 hours"),
        ("# mirrorlist-suspended 1\n# end 1\n", "has 0 URLs"),
        ("# mirrorlist-suspended 1\n# end 0\n# end 0\n", "line 3: stands after the end"),
        ("# mirrorlist-suspended 1\n# end\n", "is cut: its last line does not begin with `# end `"),
    ] {
        let error = Suspended::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(cause), "{text}: {error}");
    }
    let long = vec![b'#'; MOST_BYTES as usize + 1];
    assert_eq!(Suspended::read(&long[..]).unwrap_err().to_string(), "is longer than 1048576 bytes");
    assert_eq!(Suspended::parse(b"\xff").unwrap_err().to_string(), "is no UTF-8");
}

#[test]
fn what_is_suspended_is_out_until_its_line_ends() {
    let bytes = cache(&[&["http://a/x", "https://a/x", "rsync://a"], &["https://b"], &["http://c"]]);
    let view = View::check(&bytes).unwrap();
    let lines = [line("https://a/x/", 200), line("https://b", 300), line("http://elsewhere", 400)];
    let list = list(&lines.each_ref().map(|line| &**line));
    let schemes =
        |usable: &Usable, placement| usable.schemes(&view, PlacementId(placement)).iter().collect::<Vec<_>>();
    let usable = Usable::of(&view, &list, 199).unwrap();
    assert_eq!((usable.urls(), usable.hosts(), usable.until()), (2, 1, Some(200)));
    let of_a: Vec<UrlId> = view.placement_urls(PlacementId(0)).collect();
    assert_eq!(of_a.iter().map(|url| usable.is_suspended(*url)).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(usable.line(of_a[1]).map(|line| &*line.reason), Some("no answer"));
    assert_eq!(schemes(&usable, 0).len(), 2);
    assert_eq!((schemes(&usable, 1), schemes(&usable, 2)), (vec![], vec![Scheme::Http]));
    let usable = Usable::of(&view, &list, 200).unwrap();
    assert_eq!((usable.urls(), usable.hosts(), usable.until()), (1, 1, Some(300)));
    let usable = Usable::of(&view, &list, 300).unwrap();
    assert_eq!((usable.urls(), usable.hosts(), usable.until()), (0, 0, None));
    assert_eq!(schemes(&usable, 1), [Scheme::Https]);
}

#[test]
fn a_list_that_leaves_out_more_than_half_is_not_believed() {
    let bytes = cache(&[&["http://a"], &["http://b"], &["http://c"], &["http://d"]]);
    let view = View::check(&bytes).unwrap();
    let all = ["http://a", "http://b", "http://c"].map(|url| line(url, 200));
    let all = all.each_ref().map(|line| &**line);
    assert_eq!(Usable::of(&view, &list(&all[..2]), 100).unwrap().hosts(), 2);
    let refusal = Usable::of(&view, &list(&all), 100).unwrap_err();
    assert_eq!(refusal.to_string(), "would leave out 3 of 4 hosts, which is more than half");
}
