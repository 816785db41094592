//! Pages and files of propagation, of a sample of mirrors.

use crate::{
    Site, check,
    html::Html,
    mirrors::{DAY, GONE, Rendered, now, rendered, round, text, usual},
    well,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

#[test]
fn propagation_is_told_with_figures_gaps_and_who_is_behind() {
    let Rendered { site, .. } = usual();
    let page = site.read("propagation/fedora-42~2bx86_64.html");
    let document = Html::parse(&page);
    let charts: Vec<&str> = document.named("svg").filter_map(|svg| svg.attribute("aria-label")).collect();
    assert_eq!(charts.len(), 2, "{charts:?}");
    assert!(
        charts[0].contains("24 of 168 hours not measured") && charts[0].contains("at least 42.9 %"),
        "{charts:?}"
    );
    let (_, text) = text(&site, "propagation/fedora-42~2bx86_64.html");
    for said in ["current85.7 %", "no answer14.3 %", "2 public mirrors", "nothing was measured"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let rows: Vec<String> = document.named("tr").map(|row| row.text.clone()).collect();
    let at = |name: &str, age: &str| rows.iter().position(|row| row.starts_with(name) && row.contains(age));
    let silent = at("<script>", "no answer2 d 0 h").unwrap();
    assert!(silent < at("elbe.example.org", "two days behind5 h").unwrap(), "the worst first: {rows:?}");
    let (_, aarch64) = self::text(&site, "propagation/fedora-42~2baarch64.html");
    assert!(
        aarch64.contains("2 public mirrors") && aarch64.contains("2 others are not listed for anything."),
        "{aarch64}"
    );
    let document = Html::parse(&site.read("propagation/fedora-42~2baarch64.html"));
    let row = |begin: &str| {
        let mut rows = document.named("tr").map(|row| row.text.clone()).filter(|row| row.starts_with(begin));
        rows.next().unwrap()
    };
    let dropped = "elbe.example.org host 2 not listed for itGermanyfurther behind80 d 0 h";
    assert!(row("elbe").starts_with(dropped), "{}", row("elbe"));
    assert!(!row("<script>").contains("not listed"), "{}", row("<script>"));
    // It leads to the repository, whose page leads to it, as the mirror's does.
    for (page, href) in [
        ("propagation/fedora-42~2bx86_64.html", "../repositories/fedora-42.html"),
        ("repositories/fedora-42.html", "../propagation/fedora-42~2bx86_64.html"),
        ("mirrors/elbe.example.org.html", "../propagation/fedora-42~2bx86_64.html"),
    ] {
        let page = Html::parse(&site.read(page));
        assert!(page.named("a").any(|a| a.attribute("href") == Some(href)), "{href}");
    }
    let (_, never) = self::text(&site, "propagation/~3cb~3eodd~3c~2fb~3e~26~22~2bx86_64.html");
    assert!(never.contains("has not been measured yet"), "{never}");
}

#[test]
fn nobody_is_said_to_be_current_who_is_not_in_the_list() {
    let hour = |older: u64| json!({"hour": now() / 3600 * 3600, "current": 1, "one_day": 0, "two_days": 0, "older": older, "no_answer": 0});
    let host = |id: i64, age: &str| json!({"id": id, "name": "secret", "age": age, "since": now() - DAY});
    let of = |name: &str, older: u64, hosts: &[Value]| json!({"name": name, "hours": [hour(older)], "hosts": hosts});
    let spread = json!({"time": now(), "repositories": [
        of("fedora-42+x86_64", 0, &[host(1, "current")]),
        of("fedora-42+aarch64", 3, &[host(1, "current"), host(97, "older"), host(98, "older"), host(99, "older")]),
        of("fedora-41+x86_64", 1, &[host(1, "current"), host(3, "older")]),
        of("index+s390x", 1, &[host(1, "current"), host(GONE, "older")]),
    ]});
    let Rendered { site, output } = rendered(&round(now() - 60).to_string(), &spread.to_string(), &[]);
    well(&output);
    check(&site);
    let nobody = "Nobody: all public mirrors that were asked have the current version.";
    for (page, says, does_not_say) in [
        ("fedora-42~2bx86_64", nobody, "not listed"),
        (
            "fedora-42~2baarch64",
            "3 mirrors are behind or silent, which are not listed for anything.",
            "Nobody",
        ),
        ("fedora-41~2bx86_64", "The list of mirrors does not have this repository", "Nobody"),
        ("fedora-41~2bx86_64", "<script>alert(1) not listed for it", "others"),
        ("index~2bs390x", "gone.example.org suspended", "others"),
    ] {
        let (_, text) = text(&site, &format!("propagation/{page}.html"));
        assert!(text.contains(says) && !text.contains(does_not_say), "{page}: {text}");
    }
}

/// The rows of a CSV file by the names of its columns, every one of which its JSON has, too.
fn rows_of(site: &Site, path: &str) -> Vec<BTreeMap<String, String>> {
    let text = site.read(&format!("{path}.csv"));
    let mut lines = vec![vec![String::new()]];
    let (mut is_quoted, mut letters) = (false, text.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => {
                lines.last_mut().unwrap().last_mut().unwrap().push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => lines.last_mut().unwrap().push(String::new()),
            '\r' if !is_quoted && letters.next_if_eq(&'\n').is_some() => lines.push(vec![String::new()]),
            letter => lines.last_mut().unwrap().last_mut().unwrap().push(letter),
        }
    }
    assert_eq!(lines.pop(), Some(vec![String::new()]), "{path}: the last line ends");
    let columns = lines.remove(0);
    let row = |line: Vec<String>| {
        assert_eq!(line.len(), columns.len(), "{path}: {line:?}");
        columns.iter().cloned().zip(line).collect::<BTreeMap<_, _>>()
    };
    let rows: Vec<_> = lines.into_iter().map(row).collect();
    let json: Vec<BTreeMap<String, Value>> =
        serde_json::from_str(&site.read(&format!("{path}.json"))).unwrap();
    let word = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(word) => word.clone(),
        value => value.to_string(),
    };
    let words = json.iter().map(|row| row.iter().map(|(key, value)| (key.clone(), word(value))).collect());
    assert_eq!(words.collect::<Vec<BTreeMap<_, _>>>(), rows, "{path}");
    rows
}

const AGES: [&str; 5] = ["current", "one_day", "two_days", "older", "no_answer"];

#[test]
fn propagation_has_its_figures_as_csv_and_as_json() {
    let Rendered { site, .. } = usual();
    let spread: Value =
        serde_json::from_str(&fs::read_to_string(site.path("propagation.json")).unwrap()).unwrap();
    let measured = &spread["repositories"][0];
    // Those of a week, of which a day is missing.
    let hours: Vec<&Value> = measured["hours"].as_array().unwrap().iter().rev().take(168 - 24).collect();
    let sums = |hours: &mut dyn Iterator<Item = &Value>| {
        let mut sums = [0; 5];
        for hour in hours {
            sums.iter_mut().zip(AGES).for_each(|(sum, age)| *sum += hour[age].as_u64().unwrap());
        }
        sums
    };
    let written = |rows: &[BTreeMap<String, String>]| {
        AGES.map(|age| rows.iter().map(|row| row[age].parse::<u64>().unwrap()).sum::<u64>())
    };
    let of_hours = rows_of(&site, "propagation/fedora-42~2bx86_64.hours");
    assert_eq!(of_hours.len(), hours.len());
    assert_eq!(written(&of_hours), sums(&mut hours.into_iter()));
    let newest = report::count::line::date((now() / DAY) as i32).unwrap().to_string();
    let last = &of_hours.last().unwrap()["hour"];
    assert!(last.starts_with(&newest[..8]) && last.ends_with(":00:00Z"), "{last}");
    let of_days = rows_of(&site, "propagation/fedora-42~2bx86_64.days");
    assert_eq!(written(&of_days), sums(&mut measured["hours"].as_array().unwrap().iter()));
    assert!((10..=11).contains(&of_days.len()), "{of_days:?}");

    let behind = rows_of(&site, "propagation/fedora-42~2baarch64.behind");
    let told: Vec<[&str; 6]> = behind
        .iter()
        .map(|row| ["id", "name", "page", "country", "age", "listed"].map(|key| &*row[key]))
        .collect();
    assert_eq!(
        told,
        [
            ["2", "elbe.example.org", "../mirrors/elbe.example.org~id2.html", "DE", "older", "false"],
            ["3", "<script>alert(1)", "../mirrors/~3cscript~3ealert~281~29.html", "FR", "older", "true"],
        ]
    );
    assert!(behind.iter().all(|row| row["since"].ends_with('Z')), "{behind:?}");
    let behind = rows_of(&site, "propagation/fedora-42~2bx86_64.behind");
    assert_eq!(behind.iter().map(|row| &*row["id"]).collect::<Vec<_>>(), ["3", "2"]);

    let all = rows_of(&site, "propagation/repositories");
    let told: Vec<[&str; 5]> = all
        .iter()
        .map(|row| ["name", "current", "older", "no_answer", "behind"].map(|key| &*row[key]))
        .collect();
    assert_eq!(
        told,
        [
            ["<b>odd</b>&\"+x86_64", "", "", "", ""],
            ["fedora-42+aarch64", "1", "4", "0", "2"],
            ["fedora-42+x86_64", "6", "0", "1", "2"],
        ]
    );
    assert_eq!(all[2]["measured"], *last);
    assert!(!site.path("site/propagation/~3cb~3eodd~3c~2fb~3e~26~22~2bx86_64.hours.csv").exists());
    let said = site.read("propagation/fedora-42~2bx86_64.html");
    assert!(
        said.contains("the figures by hour and by day are in the files below")
            && said.contains("x86_64.hours.csv\""),
        "{said}"
    );
}
