use super::*;
use crate::{config::site::Category, run::mirrors::file::Reading};
use std::path::PathBuf;

/// What a file of this text says.
fn described(name: &str, text: &str) -> Described {
    let category = Category { name: "A".into(), top: "a".into(), origin: None, marker: None };
    let reading = Reading { categories: &[category], trusted: &BTreeSet::from([name.to_owned()]) };
    reading.read(name, &PathBuf::from(format!("F/{name}.toml")), text).unwrap()
}

fn with_url(name: &str, url: &str) -> Described {
    described(name, &format!("[urls]\nA = ['{url}', 'https://{name}.example/', 'rsync://r.example/x']\n"))
}

/// One with so many ASNs, and as many prefixes.
fn with_networks(name: &str, count: usize) -> Described {
    let mut described = with_url(name, &format!("https://{name}.example/other"));
    described.told.asns = (1..=count as u32).collect();
    described.told.exclusive = vec!["AS1".into(); count];
    described
}

fn folder(good: Vec<Described>, wrong: &[&str]) -> Folder {
    let good = good.into_iter().map(|of| (of.mirror.name.clone(), (of, String::new()))).collect();
    let cause = |name: &&str| ((*name).to_owned(), Failure::config("typo"));
    Folder { good, wrong: wrong.iter().map(cause).collect() }
}

fn earlier(all: Vec<Described>) -> Earlier {
    all.into_iter().map(|of| (of.mirror.name.clone(), (of, 1))).collect()
}

/// Who counts as the files are, who as before, and who is left out.
fn outcome(folder: &Folder, earlier: &Earlier) -> [String; 3] {
    let names = |of: Vec<&String>| of.into_iter().map(|name| &**name).collect::<Vec<_>>().join(" ");
    let (before, out) = folder.wrong.keys().partition(|name| earlier.contains_key(*name));
    [names(folder.good.keys().collect()), names(before), names(out)]
}

#[test]
fn a_url_is_of_one_mirror_or_of_none() {
    let mut folder = folder(
        vec![
            with_url("a", "https://shared.example/x/"),
            with_url("b", "https://SHARED.example/x"),
            with_url("c", "http://shared.example/x"),
            described("d", "disabled = true\n[urls]\nA = 'https://shared.example/x'\n"),
        ],
        &[],
    );
    let mut earlier = Earlier::new();
    folder.refuse_together(&mut earlier);
    assert_eq!(outcome(&folder, &earlier), ["c", "", "a b d"]);
    let url = "https://shared.example/x/ stands in F";
    for (name, said) in [
        ("a", format!("config F/a.toml line 2: {url}/b.toml line 2, too; leave it out of one of them")),
        ("b", format!("config F/b.toml line 2: {url}/a.toml line 2, too; leave it out of one of them")),
        ("d", format!("config F/d.toml line 3: {url}/a.toml line 2, too; leave it out of one of them")),
    ] {
        assert_eq!(folder.wrong[name].to_string(), said);
    }
}

#[test]
fn who_had_a_url_keeps_it() {
    let url = "https://shared.example/x";
    let v = || with_url("v", url);
    let a = || with_url("a", "https://a.example/y");
    let disabled = || described("v", &format!("disabled = true\n[urls]\nA = '{url}'\n"));
    // As it is, disabled, enabled again.
    for (now, before) in [(v(), v()), (disabled(), v()), (v(), disabled())] {
        let mut folder = folder(vec![now, with_url("a", url), with_url("new", url)], &[]);
        let mut earlier = earlier(vec![before, a()]);
        folder.refuse_together(&mut earlier);
        assert_eq!(outcome(&folder, &earlier), ["v", "a", "new"]);
        let said = folder.wrong["a"].to_string();
        assert!(said.contains("/ stands in F/v.toml line "), "{said}");
    }
    // Its file is wrong.
    let mut wrong = folder(vec![with_url("a", url)], &["v"]);
    let mut before = earlier(vec![v(), a()]);
    wrong.refuse_together(&mut before);
    assert_eq!(outcome(&wrong, &before), ["", "a v", ""]);
    let said = wrong.wrong["a"].to_string();
    let expected = format!(
        "config F/a.toml line 2: {url}/ stands in F/v.toml as it was before, too; leave it out of one of them"
    );
    assert_eq!((said, wrong.wrong["v"].to_string()), (expected, "typo".into()));
    // It has let go of it.
    let mut gone = folder(vec![with_url("a", url), with_url("v", "https://v.example/z")], &[]);
    let mut before = earlier(vec![v(), a()]);
    gone.refuse_together(&mut before);
    assert_eq!(outcome(&gone, &before), ["a v", "", ""]);
}

#[test]
fn what_is_as_before_because_of_a_url_claims_its_own_again() {
    // B lets go of its URL for another one's, and C takes it: B stays as it was, and so does C.
    let (x, y, z) = ("https://x.example/", "https://y.example/", "https://z.example/");
    let mut folder = folder(vec![with_url("a", x), with_url("b", x), with_url("c", y)], &[]);
    let mut earlier = earlier(vec![with_url("a", x), with_url("b", y), with_url("c", z)]);
    folder.refuse_together(&mut earlier);
    assert_eq!(outcome(&folder, &earlier), ["a", "b c", ""]);
    // Two that had it both, as a state cannot have them.
    let mut both = self::folder(vec![with_url("a", x), with_url("b", x)], &[]);
    let mut earlier = self::earlier(vec![with_url("a", x), with_url("b", x)]);
    both.refuse_together(&mut earlier);
    assert_eq!(outcome(&both, &earlier), ["", "", "a b"]);
}

#[test]
fn all_mirrors_together_name_no_more_networks_than_a_cache_can_have() {
    let mut networks = Networks::default();
    let many = with_networks("m", 4000);
    for _ in 0..MOST_NETWORKS / 4000 {
        networks.add(&many).unwrap();
    }
    let said = networks.add(&many).unwrap_err().to_string();
    let expected = "config F/m.toml: with it, mirrors name more than 200000 ASNs; have some name fewer";
    assert_eq!(said, expected);
    let mut prefixes = many;
    prefixes.told.asns.clear();
    let said = networks.add(&prefixes).unwrap_err().to_string();
    assert!(said.contains("more than 200000 prefixes"), "{said}");
    networks.add(&with_networks("none", 0)).unwrap();
}

#[test]
fn who_named_networks_before_keeps_them_and_what_is_new_counts_last() {
    let half = MOST_NETWORKS / 2;
    // By name the new one would be first.
    let mut new =
        folder(vec![with_networks("a", 1), with_networks("v", half), with_networks("w", half)], &[]);
    let mut before = earlier(vec![with_networks("v", half), with_networks("w", half)]);
    new.refuse_together(&mut before);
    assert_eq!(outcome(&new, &before), ["v w", "", "a"]);
    // Those whose files are wrong count, too.
    let mut wrong = folder(vec![with_networks("a", 1)], &["v", "w"]);
    let mut before = earlier(vec![with_networks("v", half), with_networks("w", half)]);
    wrong.refuse_together(&mut before);
    assert_eq!(outcome(&wrong, &before), ["", "v w", "a"]);
    // One that grows stays as before; one that names fewer makes room for others at once.
    let mut grown = folder(vec![with_networks("v", half + 1), with_networks("w", half)], &[]);
    let mut before = earlier(vec![with_networks("v", half), with_networks("w", half)]);
    grown.refuse_together(&mut before);
    assert_eq!(outcome(&grown, &before), ["w", "v", ""]);
    let mut fewer = folder(vec![with_networks("v", half + 1), with_networks("w", half - 1)], &[]);
    let mut before = earlier(vec![with_networks("v", half), with_networks("w", half)]);
    fewer.refuse_together(&mut before);
    assert_eq!(outcome(&fewer, &before), ["v w", "", ""]);
    // More than there may be, as a state cannot have them: whoever does not fit is left out.
    let mut many = folder(vec![with_networks("a", 1)], &["v", "w"]);
    let mut before = earlier(vec![with_networks("v", half), with_networks("w", half + 1)]);
    many.refuse_together(&mut before);
    assert_eq!(outcome(&many, &before), ["a", "v", "w"]);
}
