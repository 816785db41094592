//! Every kind of answer, as HTTP.

use crate::support::{Answer, Client, sample_stack};
use testkit::stack::Stack;

const LIST: &str = "/mirrorlist?repo=fedora-42&arch=x86_64&ip=";
const METALINK: &str = "/metalink?repo=fedora-42&arch=x86_64&ip=";
const REDIRECT: &str = "/mirrorlist?path=pub/fedora/linux/releases/42&redirect=1&ip=";

/// The sample's clients.
const GERMANY: &str = "192.0.2.10";
const CAMPUS: &str = "192.0.2.200";
const UNITED_STATES: &str = "198.51.100.7";
const JAPAN: &str = "203.0.113.7";

fn get(stack: &Stack, target: &str) -> Answer {
    Client::connect(stack.http).get(target)
}

fn is_uncached_text(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "text/plain", "{answer:?}");
    assert_eq!(answer.header("cache-control"), "private, no-cache", "{answer:?}");
}

#[test]
fn a_list_begins_with_the_mirror_of_the_clients_own_network() {
    let stack = sample_stack(&[]);
    let answer = get(&stack, &format!("{LIST}{GERMANY}"));
    is_uncached_text(&answer);
    assert_eq!(answer.status, 200);
    assert!(answer.comment().starts_with("# repo = fedora-42 arch = x86_64 Using ASN 64496 country = DE "));
    assert_eq!(answer.first(), "https://elbe.example.org/pub/fedora/linux/releases/42/Everything/x86_64/os/");
    assert!(answer.body.ends_with("/os/\n") && !answer.body.contains("campus"), "{answer:?}");

    let on_campus = get(&stack, &format!("{LIST}{CAMPUS}"));
    assert!(on_campus.comment().contains(" Using preferred netblock Using ASN 64496 "), "{on_campus:?}");
    assert!(on_campus.first().starts_with("https://campus.example.net/"), "{on_campus:?}");
}

#[test]
fn a_metalink_is_whole_and_names_mirrors_nearest_first() {
    let stack = sample_stack(&[]);
    let answer = get(&stack, &format!("{METALINK}{JAPAN}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/metalink+xml"));
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    let document = roxmltree::Document::parse(&answer.body).unwrap();
    let file = document.descendants().find(|node| node.tag_name().name() == "file").unwrap();
    assert_eq!(file.attribute("name"), Some("repomd.xml"));
    let named = |name: &'static str| {
        document.descendants().filter(move |node| node.tag_name().name() == name).collect::<Vec<_>>()
    };
    // The current version's hashes and those of the one before.
    let kinds: Vec<_> = named("hash").iter().filter_map(|hash| hash.attribute("type")).collect();
    assert_eq!(kinds, ["md5", "sha1", "sha256", "sha512"].repeat(2));
    assert_eq!(named("alternate").len(), 1);
    let urls = named("url");
    let text = |at: usize| urls[at].text().unwrap();
    assert_eq!(
        text(0),
        "https://shinano.example.net/pub/fedora/linux/releases/42/Everything/x86_64/os/repodata/repomd.xml"
    );
    assert_eq!((urls[0].attribute("preference"), urls[0].attribute("location")), (Some("100"), Some("JP")));
    assert!(urls.iter().any(|url| url.attribute("protocol") == Some("rsync")), "{answer:?}");
    assert!((0..urls.len()).all(|at| text(at).ends_with("/os/repodata/repomd.xml")), "{answer:?}");
}

#[test]
fn a_redirect_leads_to_the_nearest_mirror() {
    let stack = sample_stack(&[]);
    let answer = get(&stack, &format!("{REDIRECT}{UNITED_STATES}"));
    is_uncached_text(&answer);
    let location = "https://hudson.example.com/pub/fedora/linux/releases/42/";
    assert_eq!((answer.status, answer.header("location")), (302, location));
    assert_eq!(answer.body, format!("{location}\n"));
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    for target in [
        format!("{LIST}{GERMANY}"),
        format!("{METALINK}{JAPAN}"),
        format!("{REDIRECT}{UNITED_STATES}"),
        "/mirrorlist?repo=nope&arch=x86_64".into(),
    ] {
        let without_date = |answer: Answer| {
            let headers = answer.headers.into_iter().filter(|(name, _)| name != "date");
            (answer.status, headers.collect::<Vec<_>>())
        };
        let head = client.ask("HEAD", &target, "").head();
        // On the same connection: a body would be taken for the next answer.
        let got = client.get(&target);
        assert!(got.body.len() > 10 && got.header("content-length") == got.body.len().to_string());
        assert_eq!(without_date(head), without_date(got), "{target}");
    }
}

#[test]
fn what_there_is_no_answer_for_is_said_in_the_services_words() {
    let stack = sample_stack(&[]);
    let unknown = "# repo = nope arch = x86_64 error: invalid repo or arch\n\
        # unknown repo; the nearest names come first\n# following repositories are available:\n# repo=epel-10&arch=aarch64\n";
    let no_protocol = "# repo = fedora-42 arch = x86_64 error: no mirror for protocol = none\n";
    for (target, status, text) in [
        ("/mirrorlist", 400, "# either path=, or repo= and arch= must be specified\n# see / for help\n"),
        ("/mirrorlist?repo=nope&arch=x86_64", 404, unknown),
        ("/mirrorlist?repo=nope&arch=x86_64&redirect", 404, unknown),
        ("/mirrorlist?path=no/where", 404, "# path = no/where error: invalid path\n"),
        ("/mirrorlist?repo=fedora-30&arch=x86_64", 200, "# repo = fedora-30 arch = x86_64 repo disabled\n"),
        ("/mirrorlist?repo=fedora-42&arch=x86_64&protocol=gopher", 404, no_protocol),
        ("/mirrorlists?repo=fedora-42&arch=x86_64", 404, ""),
    ] {
        let answer = get(&stack, target);
        is_uncached_text(&answer);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.starts_with(text) && answer.body.ends_with('\n'), "{text}: {answer:?}");
    }
}

#[test]
fn a_metalink_client_reads_what_is_wrong_in_a_metalink_without_files() {
    let stack = sample_stack(&[]);
    for (target, text) in [
        ("/metalink?repo=nope&arch=x86_64", "error: invalid repo or arch"),
        ("/metalink?path=pub/fedora/linux/releases/42", "not found or has no metalink"),
    ] {
        let answer = get(&stack, target);
        assert_eq!((answer.status, answer.header("content-type")), (404, "application/metalink+xml"));
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        let document = roxmltree::Document::parse(&answer.body).unwrap();
        assert!(document.descendants().any(|node| node.is_comment() && node.text().unwrap().contains(text)));
        assert!(!document.descendants().any(|node| node.tag_name().name() == "file"), "{answer:?}");
    }
}

#[test]
fn other_methods_are_refused() {
    let stack = sample_stack(&[]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let target = format!("{LIST}{GERMANY}");
        let answer = Client::connect(stack.http).ask(method, &target, "Content-Length: 0\r\n").answer();
        is_uncached_text(&answer);
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{method}");
    }
}
