//! What `/` says, as curl and as a browser, and that its examples work.

use crate::support::{Answer, Client, sample_stack};

/// The header lines of a browser.
const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

/// Follows three examples; each gets a list, a metalink or a redirect.
fn examples_work(client: &mut Client, targets: &[&str]) {
    let statuses: Vec<u16> = targets.iter().map(|target| client.get(target).status).collect();
    assert_eq!(statuses, [200, 200, 302], "{targets:?}");
}

fn differs_by_accept(answer: &Answer, content_type: &str) {
    assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{answer:?}");
    assert_eq!((answer.header("vary"), answer.header("cache-control")), ("Accept", "private, no-cache"));
}

#[test]
fn help_as_text_has_examples_that_work() {
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    for accept in ["", "Accept: */*\r\n", "Accept: text/html;q=0, text/plain\r\n"] {
        let answer = client.ask("GET", "/", accept).answer();
        differs_by_accept(&answer, "text/plain");
        assert!(answer.body.contains(&format!("mirrorlistd {}", env!("CARGO_PKG_VERSION"))), "{answer:?}");
        assert!(answer.body.lines().all(|line| line.len() <= 100), "{}", answer.body);
        let targets: Vec<&str> =
            answer.body.lines().map(str::trim).filter(|line| line.starts_with("/m")).collect();
        examples_work(&mut client, &targets);
    }
}

#[test]
fn help_for_a_browser_is_one_document_with_links_that_work() {
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    let answer = client.ask("GET", "/", BROWSER).answer();
    differs_by_accept(&answer, "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline';"), "{policy}");
    // Nothing is loaded, from here or elsewhere.
    for word in ["<script", "<img", "<link", " src=", "@import", "url(", "//"] {
        assert!(!answer.body.contains(word), "{word}: {}", answer.body);
    }
    let links = answer.body.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let targets: Vec<String> = links.map(|link| format!("/{}", link.replace("&amp;", "&"))).collect();
    examples_work(&mut client, &targets.iter().map(String::as_str).collect::<Vec<_>>());
    let head = client.ask("HEAD", "/", BROWSER).head();
    assert_eq!((head.status, head.header("content-length")), (200, &*answer.body.len().to_string()));
}

#[test]
fn help_names_what_of_its_query_counts_for_nothing() {
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    let query = "/?repo=fedora-42&arch=x86_64&countri=DE&country=Germany&ip=foo&protocol=%3Cgopher%3E";
    let named = [
        "countri: no such parameter",
        "country=Germany: neither a code of two letters nor global",
        "protocol=<gopher>: none of https, http, ftp and rsync",
        "ip=foo: no address, so the client is unknown",
    ];
    let text = client.get(query).body;
    let page = client.ask("GET", query, BROWSER).answer().body;
    assert!(text.contains(&format!("count for nothing\n  {}\n\n", named.join("\n  "))), "{text}");
    for line in named.map(|line| line.replace('<', "&lt;").replace('>', "&gt;")) {
        assert!(page.contains(&format!("<p><code>{line}</code></p>")), "{line}: {page}");
    }
    // The answer is what it is without them, and what counts is not named.
    let answer = client.get("/mirrorlist?repo=fedora-42&arch=x86_64&countri=DE");
    assert!(answer.status == 200 && !answer.body.contains("countri"), "{answer:?}");
    assert!(!client.get("/?repo=fedora-42&arch=x86_64&country=DE,global").body.contains("nothing"));
    let many: String = (0..1000).map(|number| format!("&x{number}")).collect();
    let lines = client.get(&format!("/?{many}")).body.matches("no such parameter").count();
    assert_eq!(lines, 16);
}

#[test]
fn help_is_pointed_to_where_a_request_goes_wrong() {
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    for target in ["/mirrorlist", "/favicon.ico", "/mirrorlist?repo=Fedora42&arch=x86_64"] {
        let answer = client.get(target);
        assert!(answer.body.ends_with("see / for help\n"), "{answer:?}");
    }
    let near = client.get("/mirrorlist?repo=Fedora42&arch=x86_64").body;
    let first = near.lines().find(|line| line.starts_with("# repo=")).unwrap_or_default();
    assert!(first.starts_with("# repo=fedora-42&arch="), "{near}");
}
