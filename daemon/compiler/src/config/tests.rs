//! Flags, the file, the one over the other, and what is refused.

use super::*;
use crate::compile::facts::{Facts, Network};
use cache::{Families, Only, place::Place};
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use std::{collections::BTreeSet, ffi::OsString, fs, io::Write as _};
use wire::code::Country;

#[derive(Parser)]
struct Build {
    #[command(flatten)]
    options: Options,
}

fn load(arguments: &[&str]) -> Result<Config, String> {
    let flags = options::flags(Build::command(), ["build"].iter().chain(arguments).map(OsString::from));
    let config = flags
        .and_then(|flags| Build::from_arg_matches(&flags).expect("flags are options").options.settle(&flags));
    config.map_err(|failure| {
        assert_eq!(failure.fault, crate::failure::Fault::Config);
        failure.to_string()
    })
}

fn load_file(text: &str, arguments: &[&str]) -> Result<Config, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    load(&[&["--config", path], arguments].concat()).map_err(|error| error.replace(path, "FILE"))
}

/// A file that says only what it has to.
const LEAST: &str = "[inputs]\nmirrormanager = 'list'\noutput = 'cache'\n";

fn least() -> Config {
    Config {
        inputs: Inputs { mirrormanager: "list".into(), netblocks: None, continents: None, geoip: None },
        output: "cache".into(),
        policy: Policy::default(),
        site: Site { young: 1800, ..Site::default() },
        choice: Choice::default(),
        check: false,
        json: false,
    }
}

#[test]
fn the_example_file_names_every_file_and_the_help_and_it_every_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/mirrorlist-cache.toml");
    let example = fs::read_to_string(path).unwrap();
    let input = |name: &str| Some(format!("/var/lib/mirrorlist/input/{name}").into());
    let expected = Config {
        inputs: Inputs {
            mirrormanager: "/var/lib/mirrorlist/input/mirrorlist.proto-cache".into(),
            netblocks: input("global_netblocks.txt"),
            continents: input("country_continent.csv"),
            geoip: input("country.mmdb"),
        },
        output: "/var/lib/mirrorlist/cache.mlc".into(),
        choice: Choice { near_hosts: 5, ..Choice::default() },
        ..least()
    };
    assert_eq!(load_file(&example, &[]), Ok(expected.clone()));
    // Defaults are commented out without a blank, so that prose is not taken for one.
    let is_default = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let uncommented: Vec<&str> =
        example.lines().map(|line| if is_default(line) { &line[1..] } else { line }).collect();
    assert_eq!(load_file(&uncommented.join("\n"), &[]), Ok(expected));
    let command = Build::command();
    for (section, key) in options::keys(&command) {
        let start = example.find(&format!("\n[{}]\n", section.unwrap())).unwrap();
        let end = example[start + 1..].find("\n[").map_or(example.len(), |length| start + 1 + length);
        assert!(example[start..end].contains(&format!("{key} = ")), "{key} is not in the example");
    }
    for section in site::SECTIONS {
        assert!(example.contains(&format!("\n[{section}]\n")), "[{section}] is not in the example");
    }
    for line in example.lines().filter(|line| is_default(line)) {
        let (key, value) = line[1..].split_once(" = ").unwrap();
        let option = command.get_arguments().find(|argument| argument.get_long() == Some(key)).unwrap();
        let help = option.get_help().unwrap().to_string();
        let value = value.trim_matches('"');
        let defaults = option.get_default_values();
        let shown = help.ends_with(&format!("[default: {value}]")) || defaults == [OsString::from(value)];
        assert!(shown, "{key}: {help}");
    }
}

#[test]
fn flags_suffice_and_beat_the_file_one_by_one() {
    assert_eq!(load(&["--mirrormanager", "list", "--output", "cache"]), Ok(least()));
    assert_eq!(load_file(LEAST, &[]), Ok(least()));
    let file =
        format!("{LEAST}netblocks = 'routes'\ngeoip = 'file'\n[policy]\nexclude-protocols = ['rsync']");
    let config = load_file(&file, &["--geoip", "flag", "--output", "there", "--check", "--json"]).unwrap();
    let inputs = Inputs { netblocks: Some("routes".into()), geoip: Some("flag".into()), ..least().inputs };
    assert_eq!((config.inputs, config.output), (inputs, "there".into()));
    assert_eq!(config.policy.exclude_protocols, Schemes::NONE.with(Scheme::Rsync));
    assert!(config.check && config.json);
}

#[test]
fn protocols_are_a_list_of_known_names() {
    let excluded = |arguments: &[&str]| {
        let file = format!("{LEAST}[policy]\nexclude-protocols = ['FTP']\n");
        load_file(&file, arguments).map(|config| config.policy.exclude_protocols.iter().collect::<Vec<_>>())
    };
    assert_eq!(excluded(&[]), Ok(vec![Scheme::Ftp]));
    assert_eq!(excluded(&["--exclude-protocols", "rsync,http"]), Ok(vec![Scheme::Http, Scheme::Rsync]));
    assert_eq!(excluded(&["--exclude-protocols", ""]), Ok(vec![]));
    assert_eq!(excluded(&["--exclude-protocols"]), Ok(vec![]));
    for (list, cause) in [
        ("ftp,ftps", "`ftps` is no protocol of mirrors; did you mean `ftp`?"),
        ("gopher", "`gopher` is no protocol of mirrors; there are https, http, ftp, rsync"),
    ] {
        let error = excluded(&["--exclude-protocols", list]).unwrap_err();
        assert_eq!(error, format!("invalid value '{list}' for '--exclude-protocols [<LIST>]': {cause}"));
    }
    let error = excluded(&["--exclude-protocols", "https,http,ftp,rsync"]).unwrap_err();
    assert_eq!(error, "exclude-protocols: names every protocol, which leaves no mirror");
}

#[test]
fn ages_of_inputs_are_set_one_by_one() {
    let ages = |arguments: &[&str]| {
        let file = format!("{LEAST}[policy]\nmax-age = ['mirrormanager=6h', 'geoip=0']\n");
        load_file(&file, arguments).map(|config| Input::ALL.map(|input| config.policy.max_ages.of(input)))
    };
    assert_eq!(ages(&[]), Ok([6 * 3600, 30 * 86_400, 0, 0]));
    assert_eq!(ages(&["--max-age", "continents=1d"]), Ok([86_400, 30 * 86_400, 86_400, 30 * 86_400]));
    assert_eq!(ages(&["--max-age"]), Ok([86_400, 30 * 86_400, 0, 30 * 86_400]));
    for (said, cause) in [
        ("geoip", "expected INPUT=TIME"),
        ("geo=1d", "`geo` is no input; there are mirrormanager, netblocks, continents, geoip"),
        ("geoip=often", "expected a time such as 500ms, 2s, 1m, 1h, 14d, or seconds"),
    ] {
        let error = ages(&["--max-age", said]).unwrap_err();
        assert!(error.ends_with(cause), "{error}");
    }
}

#[test]
fn what_is_unknown_or_wrong_is_refused_with_its_place() {
    for (file, cause) in [
        ("[input]\n", "line 1: unknown section `input`; did you mean `inputs`?"),
        ("[host]\n", "line 1: unknown section `host`; did you mean `hosts`?"),
        ("\n[inputs]\ngeo-ip = 'x'", "line 3: unknown option `geo-ip` in [inputs]; did you mean `geoip`?"),
        ("geoip = 'x'", "line 1: unknown option `geoip`; it belongs in [inputs]"),
        ("inputs = 3", "line 1: unknown option `inputs`; write [inputs] above its options"),
        (
            "[policy]\nexclude-protocols = ['tftp']",
            "line 2: invalid value 'tftp' for `exclude-protocols`: `tftp` is no protocol of mirrors; did you mean `ftp`?",
        ),
    ] {
        assert_eq!(load_file(file, &[]), Err(format!("config FILE {cause}")));
    }
    let error = load(&["--config", "/nonexistent/file"]).unwrap_err();
    assert!(error.starts_with("config /nonexistent/file: No such file"), "{error}");
}

#[test]
fn what_the_site_says_of_its_answers_is_read() {
    let site =
        |text: &str, flags: &[&str]| load_file(&format!("{LEAST}{text}"), flags).map(|config| config.site);
    let text = "[policy]\nyoung = '1h'\norigin-only = ['*.torrent', 'pub/*/new/*']\npublic-url = 'https://DL.example.org/'
[origins]\n'/pub//fedora/' = 'https://Origin.example.org/fedora/'\n'/' = 'http://all.example.org'
[aliases]\n'epel/7Server' = 'epel/7'\n'iso/F-current.iso' = '/iso/F-9.iso'\n";
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
    let expected = Site {
        young: 3600,
        public_url: Some("https://dl.example.org".into()),
        origins: pairs(&[
            ("pub/fedora", "https://origin.example.org/fedora"),
            ("", "http://all.example.org"),
        ]),
        origin_only: vec!["*.torrent".into(), "pub/*/new/*".into()],
        aliases: pairs(&[("epel/7Server", "epel/7"), ("iso/F-current.iso", "iso/F-9.iso")]),
    };
    assert_eq!(site(text, &[]), Ok(expected.clone()));
    let flags = ["--young", "0", "--origin-only", "--public-url", "http://dl.example.org/pub"];
    let public_url = Some("http://dl.example.org/pub".into());
    assert_eq!(site(text, &flags), Ok(Site { young: 0, origin_only: vec![], public_url, ..expected }));
}

#[test]
fn origins_and_aliases_that_lead_nowhere_are_refused_with_their_lines() {
    for (text, cause) in [
        (
            "[origins]\npub = 'ftp://x.example'",
            "5: `pub` in [origins]: `ftp://x.example` is no https or http URL of a host and a path",
        ),
        (
            "[origins]\npub = 'https://x.example/?a='",
            "5: `pub` in [origins]: `https://x.example/?a=` is no https or http URL of a host and a path",
        ),
        (
            "[origins]\npub = ['https://x.example']",
            "5: `pub` in [origins]: value of type list, expected text",
        ),
        (
            "[origins]\n'pub/../x' = 'https://x.example'",
            "5: `pub/../x` in [origins]: `pub/../x` is no path: `.` or `..` in a path",
        ),
        (
            "[origins]\npub = 'https://x.example'\n'/pub/' = 'https://y.example'",
            "6: `/pub/` in [origins]: line 5 has an origin of that path, too",
        ),
        (
            "[policy]\npublic-url = 'https://dl.example/a'\n[origins]\npub = 'http://dl.example/a/b'",
            "7: `pub` in [origins]: http://dl.example/a/b is below public-url https://dl.example/a: clients would come back for ever",
        ),
        ("[aliases]\na = 'b'\n'a/' = 'c'", "6: `a/` in [aliases]: line 5 has an alias of that path, too"),
        ("[aliases]\na = './b'", "5: `a` in [aliases]: `./b` is no path: `.` or `..` in a path"),
        ("[aliases]\na = '/'", "5: `a` in [aliases]: `/` is no path: empty name"),
        ("[aliases]\na = 'a/b'", "5: `a` in [aliases]: `a/b` is `a` itself or below it"),
        (
            "[aliases]\na = 'b'\n\nb = 'a/c'",
            "5: `a` in [aliases]: with line 7 it takes more than 8 steps, or has no end",
        ),
        ("[alias]\na = 'b'", "4: unknown section `alias`; did you mean `aliases`?"),
        (
            "[policy]\norigin-only = ['/x']",
            "5: invalid value '/x' for `origin-only`: expected a file's name or a path without slashes at its ends, with * and ?",
        ),
        ("aliases = 'b'", "4: unknown option `aliases` in [inputs]"),
    ] {
        let said = format!("config FILE line {cause}");
        assert_eq!(load_file(&format!("{LEAST}{text}\n"), &[]), Err(said), "{text}");
    }
    // As many steps as may be, then one more.
    let chain = |steps: usize| (0..steps).map(|at| format!("a{at} = 'a{}'\n", at + 1)).collect::<String>();
    assert!(load_file(&format!("{LEAST}[aliases]\n{}", chain(8)), &[]).is_ok());
    let error = load_file(&format!("{LEAST}[aliases]\n{}", chain(9)), &[]).unwrap_err();
    assert!(error.contains("line 5: `a0` in [aliases]: with line 6"), "{error}");
}

#[test]
fn files_that_are_needed_and_not_named_are_asked_for() {
    for (key, file) in
        [("mirrormanager", "[inputs]\noutput = 'x'"), ("output", "[inputs]\nmirrormanager = 'x'")]
    {
        let said = format!(
            "{key}: no file is named; give --{key} FILE, or --config FILE with {key} in its [inputs]"
        );
        assert_eq!(load_file(file, &[]), Err(said));
    }
    let error = load_file(&format!("{LEAST}geoip = ''"), &[]);
    assert_eq!(
        error,
        Err("config FILE line 4: a value is required for `geoip` but none was supplied".into())
    );
}

#[test]
fn what_the_site_wants_of_the_choice_is_read() {
    let text = "[policy]\nnear-hosts = 5\n[neighbours]\nsa = ['AE', 'qa', '-IL']\n[avoid]\nUA = ['RU']
[hosts.'Mirror.Example.org']\nplace = [52.5, -13]\nfamilies = [6, 4]\nexclusive = ['192.0.2.9/24', 'AS64500']
only = 'continent'\nweight = 1000\nup-to-date = true\n[hosts.\"b.example.org\"]\n";
    let config = load_file(&format!("{LEAST}{text}"), &[]).unwrap();
    let code = |text: &str| Country::parse(text.as_bytes()).unwrap();
    let choice = &config.choice;
    assert_eq!(choice.near_hosts, 5);
    let said = &choice.neighbours[&code("SA")];
    assert_eq!((said.named.len(), said.named.contains(&code("QA"))), (2, true));
    assert_eq!(said.never, BTreeSet::from([code("IL")]));
    assert_eq!(choice.avoid[&code("UA")], BTreeSet::from([code("RU")]));
    let facts = &config.policy.hosts["mirror.example.org"];
    let expected = Facts {
        place: Place::new(52.5, -13.0),
        families: Some(Families::V4.with(Families::V6)),
        exclusive: vec![Network::parse("192.0.2.0/24").unwrap(), Network::Asn(64500)],
        only: Some(Only::Continent),
        weight: Some(1000),
        up_to_date: Some(true),
    };
    assert_eq!(facts, &expected);
    assert_eq!(config.policy.hosts["b.example.org"], Facts::default());
    let flag = load_file(&format!("{LEAST}{text}"), &["--near-hosts", "0"]).unwrap();
    assert_eq!(flag.choice.near_hosts, 0);
}

#[test]
fn what_is_wrong_about_countries_and_hosts_is_refused_with_line_and_key() {
    let of_host = |line: &str| format!("[hosts.a]\n{line}\n");
    let in_host = |key: &str, cause: &str| format!("5: `{key}` in [hosts.\"a\"]: {cause}");
    for (text, cause) in [
        (
            "[neighbours]\nSaudi = ['AE']\n".into(),
            "5: `Saudi` in [neighbours]: `Saudi` is no country code of two letters".into(),
        ),
        (
            "[neighbours]\nSA = ['+AE']\n".into(),
            "5: `SA` in [neighbours]: `+AE` is no country code of two letters".into(),
        ),
        (
            "[neighbours]\nSA = 'AE'\n".into(),
            "5: `SA` in [neighbours]: expected a list of texts, such as [\"AE\", \"QA\"]".into(),
        ),
        (
            "[neighbours]\nSA = ['AE', '-AE']\n".into(),
            "5: `SA` in [neighbours]: AE is named as a neighbour and as none".into(),
        ),
        (
            "[avoid]\nUK = ['RU']\nGB = []\n".into(),
            "6: `GB` in [avoid]: the section has this country already, perhaps by another code".into(),
        ),
        (
            "[avoid]\nUA = [7]\n".into(),
            "5: `UA` in [avoid]: expected a list of texts, such as [\"AE\", \"QA\"]".into(),
        ),
        (
            "[hosts]\na = 5\n".into(),
            "5: `a` in [hosts]: write [hosts.\"a\"] above what is known of it".into(),
        ),
        (
            "[hosts.'http://a/']\n".into(),
            "4: `http://a/` in [hosts]: expected a host name as it is in URLs, without scheme and path"
                .into(),
        ),
        (
            of_host("places = [1, 2]"),
            in_host("places", "nothing that is known of hosts; did you mean `place`?"),
        ),
        (
            of_host("sponsor = 'x'"),
            in_host(
                "sponsor",
                "nothing that is known of hosts; there are exclusive, families, only, place, up-to-date, weight",
            ),
        ),
        (
            of_host("place = [91, 2]"),
            in_host("place", "latitude is from -90 to 90, longitude from -180 to 180"),
        ),
        (
            of_host("place = [1]"),
            in_host("place", "expected latitude and longitude in degrees, such as [52.5, 13.4]"),
        ),
        (of_host("families = [5]"), in_host("families", "expected [4], [6] or [4, 6]")),
        (of_host("families = 4"), in_host("families", "expected [4], [6] or [4, 6]")),
        (
            of_host("exclusive = ['AS']"),
            in_host(
                "exclusive",
                "`AS` is neither a prefix, such as 192.0.2.0/24, nor an AS, such as AS64500",
            ),
        ),
        (of_host("only = 'city'"), in_host("only", "expected \"country\" or \"continent\"")),
        (of_host("weight = 0"), in_host("weight", "expected a whole number of Mbit/s, at least 1")),
        (of_host("up-to-date = 'yes'"), in_host("up-to-date", "expected true or false")),
    ] {
        let refused: Result<Config, String> = Err(format!("config FILE line {cause}"));
        assert_eq!(load_file(&format!("{LEAST}{text}"), &[]), refused, "{text}");
    }
}

#[test]
fn whatever_the_file_says_it_is_read_or_refused_with_a_line() {
    use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::SmallRng};
    let words = [
        "[neighbours]",
        "[avoid]",
        "[hosts]",
        "[hosts.a]",
        "[hosts.'b.example.org']",
        "[policy]",
        "SA = ",
        "UA=",
        "place = ",
        "families = ",
        "exclusive = ",
        "only = ",
        "weight = ",
        "up-to-date = ",
        "near-hosts = ",
        "'AE'",
        "['AE', '-IL']",
        "[4, 6]",
        "[52.5, 13.4]",
        "[1e400, nan]",
        "inf",
        "-1",
        "99999999999999999999",
        "true",
        "'country'",
        "['AS64500', '192.0.2.0/24']",
        "['::/0']",
        "[]",
        "{}",
        "{ a = 1 }",
        "[[hosts]]",
        "=",
        "\n",
        "\n",
        "\n",
        "\u{e9}",
        "1979-05-27",
        "[[['x']]]",
    ];
    let mut dice = SmallRng::seed_from_u64(22);
    let (mut good, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let count = dice.random_range(1..14);
        let mut text = LEAST.to_owned();
        for _ in 0..count {
            text += words[dice.random_range(0..words.len())];
            if dice.next_u32().is_multiple_of(3) {
                text.push('\n');
            }
        }
        match load_file(&text, &[]) {
            Ok(_) => good += 1,
            Err(error) => {
                assert!(
                    error.starts_with("config FILE line ") || error.starts_with("config FILE:"),
                    "{error}\n{text}"
                );
                refused += 1;
            }
        }
    }
    assert!(good > 20 && refused > 1000, "{good} {refused}");
}
