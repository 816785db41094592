//! The redirector over random caches: random sites, prefixes, paths, schemes and what clients take.
//!
//! `ORACLE_REDIRECTS=N` sets how many paths are asked for. Each is asked for twice, by another worker's dice: who is known
//! and is to stay with a mirror gets the same answer.

use crate::{
    compare,
    dice::Dice,
    exchange::{Asked, Program},
    model::{Body, Model},
    random_request::{self, Vocabulary, damaged, written},
    random_world,
    setting::setting,
    tally::Tally,
    world::World,
};
use answer::redirector::Redirector;
use cache::inventory::Site;
use std::collections::BTreeMap;
use wire::{Accept, Counter, Method, UrlScheme};

/// Prefixes as the option has them; one at most is the whole host.
const PREFIXES: [&str; 8] = [
    "/dl/",
    "/files/",
    "/dl/old/=pub/os",
    "/pub/=pub/",
    "/",
    "/dl/mirrorlist/",
    "/~x/=not/in/the",
    "/d/=/pub/os/x86_64/",
];

/// What a site says: origins of trees, what they alone have, other names.
fn site(dice: &mut Dice, directories: &[String], files: &[String]) -> Site {
    let mut site = Site {
        young: *dice.pick(&[0, 1800, 300_000_000, 500_000_000]),
        public_url: dice.percent(60).then(|| "https://dl.example.org/files".to_owned()),
        ..Site::default()
    };
    for top in ["", "pub", "pub/os", "not/in"] {
        if dice.percent(if top.is_empty() { 15 } else { 50 }) {
            let scheme = dice.one(&["https", "https", "http"]);
            let end = dice.one(&["", "/pub", "/a%20b/\u{fc}"]);
            site.origins.insert(top.to_owned(), format!("{scheme}://origin-{}.example.org{end}", top.len()));
        }
    }
    for pattern in ["*.iso", "F?dora*", "pub/*/repodata/*", "repomd.*", "*x*y*", "pub/os", "*.meta4"] {
        if dice.percent(8) {
            site.origin_only.push(pattern.to_owned());
        }
    }
    for name in
        ["pub/new", "Current", "pub/os/9Server", "pub/os/x86_64", "not", "F-Current.iso", "pub/os/a/b"]
    {
        if dice.percent(35) {
            // To a name before it in this list at most, so that there is no circle.
            let earlier: Vec<String> = site.aliases.keys().cloned().collect();
            let to = match dice.below(6) {
                0 if !earlier.is_empty() => format!("{}/x", dice.pick(&earlier)),
                1 if !files.is_empty() => dice.pick(files).clone(),
                2 => "not/in/the/cache".to_owned(),
                _ => dice.pick(directories).clone(),
            };
            if !circle(&site.aliases, name, &to) {
                site.aliases.insert(name.to_owned(), to);
            }
        }
    }
    site
}

/// Whether a name would lead to itself, which a build refuses.
fn circle(aliases: &BTreeMap<String, String>, name: &str, to: &str) -> bool {
    let names = || aliases.keys().map(String::as_str).chain([name]);
    let is_around = |name: &str, path: &str| path == name || path.starts_with(&format!("{name}/"));
    let targets = aliases.values().map(String::as_str).chain([to]);
    is_around(name, to)
        || targets.into_iter().any(|path| is_around(name, path)) && names().any(|one| is_around(one, to))
}

/// A path to ask for, as a client writes it, and whatever else it says.
fn request(vocabulary: &Vocabulary, dice: &mut Dice, site: &Site, prefixes: &[(String, String)]) -> Asked {
    let names: Vec<&String> = site.aliases.keys().collect();
    let tops: Vec<&String> = site.origins.keys().filter(|top| !top.is_empty()).collect();
    let mut path = match dice.below(20) {
        0..=4 => dice.pick(&vocabulary.directories).clone(),
        5..=8 if !vocabulary.files.is_empty() => dice.pick(&vocabulary.files).clone(),
        9..=11 => format!("{}/unknown file+1.rpm", dice.pick(&vocabulary.directories)),
        12..=15 if !names.is_empty() => {
            let name = dice.pick(&names).to_string();
            name + dice.one(&["", "/repodata/repomd.xml", "/x.rpm", "Server/x", "/repodata"])
        }
        16 | 17 if !tops.is_empty() => format!("{}/new/x.iso", dice.pick(&tops)),
        18 => dice.one(&["", "x", "not/in/the/cache", "mirrorlist", "metalink", "pub/mirrorlist"]).to_owned(),
        _ => dice.pick(&vocabulary.directories).clone(),
    };
    match dice.below(30) {
        0..=3 => path.push('/'),
        4 => path = path.replace('/', "///"),
        5 => path.insert_str(0, dice.one(&["/", "//", "../", "./", " "])),
        6 => path.push_str(dice.one(&["/..", "/.", "/./x.rpm", " ", "//", "x", "/\u{ffff}", "/x/"])),
        7..=9 => path.push_str(dice.one(&[".meta4", ".metalink", ".mirrorlist", ".apt", ".sig", ".meta4/"])),
        _ => {}
    }
    // Mostly one below which there can be such a path.
    let below = |(_, tree): &&(String, String)| tree.is_empty() || path.starts_with(&format!("{tree}/"));
    let around: Vec<&(String, String)> = prefixes.iter().filter(below).collect();
    let (prefix, tree) =
        if around.is_empty() || dice.percent(10) { dice.pick(prefixes) } else { dice.pick(&around) };
    let rest = path.strip_prefix(&format!("{tree}/")).map_or(path.clone(), str::to_owned);
    let rest = damaged(dice, rest.into_bytes());
    let mut line = prefix.clone().into_bytes();
    line.extend(encoded(dice, &rest));
    if dice.percent(3) {
        line = dice.one(&["/dl", "/mirrorlist", "/metalink", "/d%6C/x", "/", "/dl/mirrorlist"]).into();
    }
    let mut parameters = Vec::new();
    vocabulary.filters(dice, &mut parameters);
    // Forms are not judged here, and most paths have a mirror for most clients.
    let rare = [("format", 10), ("protocol", 40), ("family", 40), ("strict", 40)];
    parameters.retain(|(name, _)| {
        rare.iter().find(|(of, _)| of == name).is_none_or(|(_, percent)| dice.percent(*percent))
    });
    if dice.percent(10) {
        parameters.push(("again", dice.one(&["1", "2", "", "x y"]).into()));
    }
    if dice.percent(4) {
        let flag = dice.one(&["json", "mirrorlist", "meta4", "metalink", "sha256", "sha512"]);
        parameters.push((flag, dice.one(&["", "1", "0"]).into()));
    }
    let query: Vec<Vec<u8>> = parameters.iter().map(|(name, value)| written(dice, name, value)).collect();
    let kinds =
        [Accept::ANY, Accept::HTML, Accept::JSON, Accept::METALINK3, Accept::METALINK4, Accept::DIGEST];
    let accept = match dice.percent(50) {
        true => Accept::NONE,
        false => dice.some(&kinds, 25).into_iter().fold(Accept::NONE, Accept::with),
    };
    Asked {
        method: if dice.percent(10) { Method::Head } else { Method::Get },
        path: line,
        query: query.join(&b'&'),
        client: if dice.percent(5) { None } else { Some(vocabulary.address(dice)) },
        scheme: *dice.pick(&[UrlScheme::Https, UrlScheme::Https, UrlScheme::Http, UrlScheme::Unknown]),
        accept,
    }
}

/// A path as clients write it: percent-encoded where it must be, and sometimes where it need not.
fn encoded(dice: &mut Dice, path: &[u8]) -> Vec<u8> {
    let everything = dice.percent(5);
    let mut line = Vec::new();
    for byte in path {
        let must = matches!(byte, 0..=b' ' | b'?' | b'#' | b'"' | b'<' | b'>' | b'%' | 0x7f..);
        if everything || must {
            line.extend(
                if dice.percent(50) { format!("%{byte:02X}") } else { format!("%{byte:02x}") }.bytes(),
            );
        } else {
            line.push(*byte);
        }
    }
    line
}

/// Asks model and program for so many paths; panics with the first differences.
fn agree(
    name: &str,
    world: &World,
    model: &mut Model,
    dice: &mut Dice,
    count: u64,
) -> (Tally, BTreeMap<&'static str, u64>) {
    let cache = world.compile();
    let vocabulary = Vocabulary::of(&model.facts);
    let (mut tally, mut counted, mut differences) = (Tally::default(), BTreeMap::new(), Vec::new());
    let mut asked_so_far = 0;
    while asked_so_far < count && differences.len() < 5 {
        model.rules = random_request::rules(dice);
        let mut chosen = dice.some(&PREFIXES, 40);
        if !chosen.contains(&"/") && !chosen.contains(&"/files/") {
            chosen.push("/files/");
        }
        model.redirect_below(&chosen);
        let sticky = *dice.pick(&[0, 600, 21_600]);
        let prefixes = chosen.iter().map(|text| text.parse().expect("a prefix")).collect();
        let mut program = Program::start(&cache, model.rules).with(Redirector::new(prefixes, sticky));
        for _ in 0..100.min(count - asked_so_far) {
            let asked = request(&vocabulary, dice, &world.site, &model.prefixes);
            let now = 1_795_255_000 + dice.below(400_000_000) as u64;
            let expected = model.answer(&asked.wire(), now);
            let reply = program.ask(&asked, now, &mut dice.0);
            tally.count(&expected);
            if let Some(counter) = expected.counted {
                *counted.entry(Counter::name(counter)).or_default() += 1;
            }
            let mut verdict = compare::compare(&expected, &reply).and_then(|()| compare::readable(&reply));
            let is_known =
                crate::model::question::Question::read(&asked.wire()).ip.unwrap_or(asked.client).is_some();
            if verdict.is_ok() && sticky > 0 && is_known && matches!(expected.body, Body::Redirect(..)) {
                let again = program.ask(&asked, now, &mut dice.0);
                if (&again.headers, &again.body) != (&reply.headers, &reply.body) {
                    verdict = Err(format!("the next answer is {:?}, not {:?}", again.headers, reply.headers));
                }
            }
            if let Err(difference) = verdict {
                let (rules, prefixes, site) = (model.rules, &model.prefixes, &world.site);
                differences.push(format!("{name}, {rules:?}, {prefixes:?}, {site:?}\n{asked}\n{difference}"));
            }
            asked_so_far += 1;
        }
    }
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(5)].join("\n\n"));
    (tally, counted)
}

#[test]
fn paths_over_random_caches_lead_where_the_model_says() {
    let (seed, requests) = (setting("ORACLE_SEED", 1), setting("ORACLE_REDIRECTS", 10_000));
    let (mut tally, mut counted) = (Tally::default(), BTreeMap::<&str, u64>::new());
    for number in 0..requests.div_ceil(500) {
        let mut dice = Dice::new(seed << 32 | 1 << 31 | number);
        let mut world = random_world::world(&mut dice);
        let vocabulary = Vocabulary::of(&world.facts());
        world.site = site(&mut dice, &vocabulary.directories, &vocabulary.files);
        let mut model = Model::of(world.facts(), random_request::rules(&mut dice));
        let name = format!("ORACLE_SEED={seed}, cache {number}");
        let (some, counters) = agree(&name, &world, &mut model, &mut dice, 500.min(requests - number * 500));
        tally.add(&some);
        counters.into_iter().for_each(|(name, count)| *counted.entry(name).or_default() += count);
    }
    println!("{tally:#?} {counted:#?}");
    if requests >= 10_000 {
        assert_eq!(
            tally.by_tier.len(),
            11,
            "each tier and the origin was the answer of some path: {tally:?}"
        );
        assert_eq!(counted.len(), 6, "each reason for the origin or for nothing was told: {counted:?}");
        assert!(tally.by_kind["file"] > requests * 3 / 4, "{tally:?}");
    }
}
