//! How large pages are with as many mirrors and repositories as large projects have, with names as long as theirs.

use super::{
    collected::{Age, AgeOfHost, Answer, Hour, Measured, OfHost, OfUrl, Round},
    contents::{Carried, Contents, Mirror, Repository},
    map, mirror,
    mirrors::{self, by_mirror},
    page::{Frame, Part, Source},
    products, propagation, repository,
    site::Site,
    state::State,
    statistics,
};
use crate::statistics::{Days, Figures};
use cache::place::Place;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Bytes that a list or the map may have, and any other page.
const LIST: usize = 250_000;
const PAGE: usize = 100_000;

const MIRRORS: u32 = 500;
const REPOSITORIES: usize = 1500;
const ARCHS: [&str; 4] = ["x86_64", "aarch64", "ppc64le", "s390x"];
const COUNTRIES: [&str; 8] = ["BR", "CN", "DE", "FR", "GB", "KR", "US", "ZA"];
const NOW: u64 = 1_795_000_000;

fn host(number: u32) -> String {
    format!("mirror-{number}.example.org")
}

fn operator(number: u32) -> String {
    format!("University No. {number:03} of Utopia")
}

/// Every third mirror has half of all below another URL.
fn contents() -> Contents {
    let mut contents = Contents { time: NOW, ..Contents::default() };
    for number in 0..MIRRORS {
        let url = |scheme: &str| format!("{scheme}://{}/pub/linux", host(number));
        contents.mirrors.push(Mirror {
            id: number.into(),
            country: COUNTRIES[number as usize % COUNTRIES.len()].into(),
            place: Place::new(f64::from(number % 60), -70.0 - f64::from(number % 50))
                .filter(|_| number % 3 > 0),
            bandwidth: Some(12_500),
            families: vec![4, 6],
            schemes: 0b1011,
            urls: ["https", "http", "rsync"].map(url).into(),
            ..Mirror::default()
        });
    }
    contents.bases = (0..MIRRORS * 2)
        .map(|number| {
            format!("https://{}/{}/linux", host(number / 2), ["pub", "archive"][number as usize % 2])
        })
        .collect();
    for number in 0..REPOSITORIES {
        let name = format!("updates-released-testing-{number:04}");
        let carried = (0..MIRRORS).flat_map(|mirror| {
            let is_parted = mirror % 3 == 0;
            let of = move |at: u32| Carried {
                mirror,
                is_listed: true,
                base: mirror * 2 + at,
                set: if is_parted { 1 + at as u16 } else { 0 },
            };
            (0..1 + u32::from(is_parted)).map(of)
        });
        contents.repositories.push(Repository {
            archs: ARCHS.map(str::to_owned).into(),
            carried: carried.collect(),
            ends: ARCHS.map(|arch| format!("/releases/{number}/Everything/{arch}/os/")).into(),
            sets: vec![vec![0, 1, 2, 3], vec![0, 1], vec![2, 3]],
            product: format!("product-{:02}", number / 75),
            version: (number / 2).to_string(),
            name,
            ..Repository::default()
        });
    }
    contents.in_order(|mirror| Some(operator(mirror.id as u32)))
}

fn round() -> Round {
    let of = |number: u32| {
        let url = OfUrl {
            url: format!("https://{}/pub/linux", host(number)),
            answer: if number.is_multiple_of(7) { Answer::Failed } else { Answer::Good },
            why: String::new(),
            failures: 0,
            suspended: None,
        };
        (i64::from(number), OfHost { id: number.into(), name: operator(number), urls: vec![url] })
    };
    Round { time: NOW, mirrors: (0..MIRRORS).map(of).collect::<BTreeMap<_, _>>() }
}

/// A year and a month, in which every hour is another, and all mirrors are behind.
fn measured(name: &str) -> Measured {
    let hours = (0..400 * 24).map(|ago| {
        let late = |of: u64| ago / of % 90;
        Hour { begins: NOW - ago * 3600, hosts: [500, late(1), late(2), late(3), late(5)] }
    });
    let host = |id: u32| AgeOfHost { id: id.into(), age: Age::Older, since: NOW - 5_000_000 };
    Measured { name: name.to_owned(), hours: hours.collect(), hosts: (0..MIRRORS).map(host).collect() }
}

#[test]
fn a_mirror_has_one_row_however_many_urls_it_has() {
    let contents = contents();
    let states = vec![State::Good; contents.mirrors.len()];
    let page = repository::mirrors(
        &Frame::default(),
        &contents,
        &contents.repositories[0],
        &repository::common(&contents, &states),
    )
    .into_string();
    assert!(page.contains("500 public mirrors have it up to date, in 8 countries"), "{page}");
    assert_eq!(page.matches("<th scope=row>").count(), 500);
    let counts = page.split("<span class=\"quiet\">").filter_map(|rest| rest.split_once("</span></span>"));
    let counts: Vec<u32> = counts.filter_map(|(count, _)| count.parse().ok()).collect();
    assert_eq!((counts.len(), counts.iter().sum()), (8, MIRRORS), "as many as links to countries say");
    let [one, other] = ["pub", "archive"]
        .map(|tree| format!("https://mirror-0.example.org/{tree}/linux/releases/0/Everything/"));
    let row = page.split("<tr>").find(|row| row.contains(&one)).unwrap();
    assert!(
        row.contains(&other) && row.contains("(only x86_64, aarch64)") && row.contains(">https 2</a>"),
        "{row}"
    );
}

#[test]
fn pages_stay_small_with_many_mirrors_repositories_and_long_names() {
    let contents = contents();
    let round = round();
    let states: Vec<State> =
        contents.mirrors.iter().map(|mirror| State::of(mirror, Some(&round), NOW)).collect();
    assert_eq!(BTreeSet::from_iter(states.iter().map(|state| state.class())), ["failing", "good"].into());
    let frame = Frame { now: NOW, listed: Source::Of(NOW), checked: Source::Of(NOW), ..Frame::default() };
    let last = &contents.repositories[REPOSITORIES - 1];
    let measured = measured(&format!("{}+{}", last.name, ARCHS[0]));
    let names: Vec<String> = contents.repositories[..20]
        .iter()
        .flat_map(|repository| ARCHS.map(|arch| format!("{}+{arch}", repository.name)))
        .collect();
    let ages: mirror::Ages<'_> =
        names.iter().map(|name| (&**name, (Age::TwoDays, NOW))).collect::<HashMap<_, _>>();
    let carried = by_mirror(&contents);
    for (most, what, body) in [
        (LIST, "the list", mirrors::list(&frame, &contents, &states)),
        (LIST, "the map", map::body(&frame, &contents, &states)),
        (
            LIST,
            "a mirror",
            mirror::repositories(&frame, &contents, &mirror::common(&contents), &carried[0], &ages),
        ),
        (LIST, "all repositories", products::all(&contents)),
        // Its requests come below it: a chart, and two tables with thirty lines.
        (
            LIST - 30_000,
            "a repository",
            repository::mirrors(&frame, &contents, last, &repository::common(&contents, &states)),
        ),
        (PAGE, "a repository that is measured", propagation::of(&frame, &measured, Some(&contents))),
    ] {
        let size = frame.page_of_list(Part::Mirrors, 1, what, &body).len();
        println!("{what}: {size} bytes");
        assert!(size <= most, "{what}: {size} bytes, and {most} are aimed at");
    }
}

/// As many of each kind as there are rows for, with a line that goes up and down each.
#[test]
fn the_course_of_a_year_stays_small() {
    let days = |number: usize| -> Days {
        (0..366).map(|day| 1_000 + (day * day * (number + 7) * 31) as u64 % 900_000).collect()
    };
    let of = |count: usize, name: &dyn Fn(usize) -> String| -> BTreeMap<String, Days> {
        (0..count).map(|number| (name(number), days(number))).collect()
    };
    let figures = Figures {
        first: 20_000,
        totals: days(1),
        requests: days(2),
        countries: of(200, &|number| format!("{}{}", letter(number / 26), letter(number))),
        repositories: of(REPOSITORIES, &|number| format!("updates-released-testing-{number:04}")),
        archs: of(12, &|number| format!("architecture{number}")),
        answers: of(12, &|number| format!("metalink {}", 400 + number)),
        tiers: of(8, &|number| format!("tier-{number}")),
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::begin(&folder.path().join("site")).unwrap();
    let body = statistics::course(&site, &figures, 0..365).unwrap();
    let size = Frame::default().page(Part::Statistics, 1, "Statistics", &body).len();
    println!("the course of a year: {size} bytes");
    assert!(size <= PAGE, "{size} bytes, and {PAGE} are aimed at");
}

fn letter(number: usize) -> char {
    char::from(b'A' + (number % 26) as u8)
}
