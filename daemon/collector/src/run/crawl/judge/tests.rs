//! Every answer that a mirror may give, and what it says.

use super::*;
use crate::{http::session::Take as _, run::tree::Version};
use std::time::Duration;
use url::Url;

const NOW: u64 = 1_800_000_000;
const CURRENT: u64 = 1_790_000_000;

fn repomd(time: u64) -> String {
    format!("<repomd><data><timestamp>{time}</timestamp></data></repomd>")
}

fn came(body: &str) -> Came {
    let mut content = crate::http::content::Content::new(1 << 20, repomd::LONGEST);
    content.take(body.as_bytes()).unwrap();
    content.end()
}

fn version(body: &str, time: u64) -> Version {
    Version { time, size: body.len() as u64, sha256: came(body).sha256, ..Version::default() }
}

/// A repository with a current version and one that is good still.
fn repository(index: &str) -> Repository {
    let versions = vec![version(&repomd(CURRENT), CURRENT), version(&repomd(CURRENT - DAY), CURRENT - DAY)];
    Repository { name: "os".into(), arch: "x86_64".into(), index: index.into(), versions }
}

fn answer(status: u16, headers: &[(&'static str, &str)]) -> Result<Answer, Error> {
    let headers = headers.iter().map(|(name, value)| {
        (hyper::header::HeaderName::from_static(name), hyper::header::HeaderValue::from_str(value).unwrap())
    });
    let url = Url::parse("http://mirror.example/").unwrap();
    Ok(Answer { status, headers: headers.collect(), body: Vec::new(), url })
}

fn of_body(index: &str, headers: &[(&'static str, &str)], body: &str) -> Judged {
    super::index(&repository(index), &answer(200, headers), &came(body), NOW)
}

#[track_caller]
fn assert_found(judged: Judged, verdict: Verdict, part: &str) {
    match judged {
        Judged::Found(found, _, why) if found == verdict && why.contains(part) => {}
        judged => panic!("{judged:?}, not {verdict:?} with {part}"),
    }
}

#[test]
fn an_index_is_what_its_content_is() {
    let judge = |body: &str| of_body("os/repodata/repomd.xml", &[], body);
    assert_found(judge(&repomd(CURRENT)), Verdict::Current, "");
    assert_found(judge(&repomd(CURRENT - DAY)), Verdict::Kept, "an earlier version");
    assert_found(judge(&repomd(CURRENT + 60)), Verdict::Newer, "newer than the primary's");
    assert_found(judge(&repomd(CURRENT - 2 * DAY)), Verdict::Wrong, "an old version, 2 d 0 h behind");
    assert_found(judge(&repomd(NOW + HOUR + 1)), Verdict::Wrong, "a time to come");
    assert_found(judge(&repomd(NOW + HOUR)), Verdict::Newer, "");
    let timeless =
        Repository { versions: vec![version(&repomd(0), 0)], ..repository("os/repodata/repomd.xml") };
    let judged = super::index(&timeless, &answer(200, &[]), &came(&repomd(NOW - DAY)), NOW);
    assert!(matches!(&judged, Judged::Unknown(why) if why.contains("whose times are not")), "{judged:?}");
    assert_found(judge(&(repomd(CURRENT) + " ")), Verdict::Wrong, "another content than");
    assert_found(judge("<html>Welcome"), Verdict::Wrong, "a page of HTML");
    assert_found(judge(""), Verdict::Wrong, "an empty file");
    let kept = match judge(&repomd(CURRENT - DAY)) {
        Judged::Found(_, hash, _) => hash,
        _ => 0,
    };
    assert!(kept != 0 && kept == beginning(&repository("").versions[1].sha256));
}

#[test]
fn an_index_without_a_time_inside_may_be_newer_if_its_file_is() {
    let changed = |time: u64| {
        let time = std::time::UNIX_EPOCH + Duration::from_secs(time);
        httpdate::fmt_http_date(time)
    };
    let judge = |headers: &[(&'static str, &str)]| of_body("dists/stable/InRelease", headers, "Origin: x");
    assert_found(judge(&[]), Verdict::Wrong, "none of the versions");
    assert_found(judge(&[("last-modified", &changed(CURRENT))]), Verdict::Wrong, "none of the versions");
    let newer = judge(&[("last-modified", &changed(CURRENT + 1))]);
    assert!(matches!(&newer, Judged::Unknown(why) if why.contains("maybe a newer one")), "{newer:?}");
    let page = of_body("dists/stable/InRelease", &[("last-modified", &changed(NOW))], "<!DOCTYPE HTML>");
    assert_found(page, Verdict::Wrong, "a page of HTML");
    assert_found(of_body("dists/InRelease", &[], &repomd(CURRENT)), Verdict::Current, "");
}

#[test]
fn what_is_packed_is_never_wrong_for_that() {
    let packed = |coding| of_body("os/repodata/repomd.xml", &[("content-encoding", coding)], "\u{0b}\u{80}");
    for coding in ["br", "zstd", "gzip"] {
        assert!(matches!(packed(coding), Judged::Unknown(why) if why.contains(coding)), "{coding}");
    }
    // Said to be packed, and it is not; and not said to be.
    let index = "os/repodata/repomd.xml";
    assert_found(of_body(index, &[("content-encoding", "gzip")], &repomd(CURRENT)), Verdict::Current, "");
    assert_found(of_body(index, &[("content-encoding", "identity")], "<html>"), Verdict::Wrong, "HTML");
}

#[test]
fn what_is_answered_instead_says_no_or_nothing() {
    let judge = |said| super::index(&repository("os/repodata/repomd.xml"), &said, &Came::default(), NOW);
    for status in [404, 410] {
        assert_found(judge(answer(status, &[])), Verdict::Absent, &format!("index: status {status}"));
    }
    for said in [Err(Error::Length(9)), Err(Error::Redirects(5))] {
        assert_found(judge(said), Verdict::Wrong, "more than");
    }
    for status in [301, 304, 400, 401, 403, 451, 500, 502, 504] {
        assert!(matches!(judge(answer(status, &[])), Judged::Unknown(_)), "{status}");
    }
    let local = Error::Address("a".into(), "127.0.0.1".parse().unwrap());
    for said in [Err(local), Err(Error::Redirect("ftp://a/".into()))] {
        assert!(matches!(judge(said), Judged::Unknown(_)));
    }
    for said in [
        Err(Error::Connection("refused".into())),
        Err(Error::Name("a".into(), "none".into())),
        Err(Error::Proxy("proxy".into(), "gone".into())),
    ] {
        assert!(matches!(judge(said), Judged::Dead(_)));
    }
    for said in [Err(Error::Time(Duration::from_secs(20))), Err(Error::Answer("reset".into()))] {
        assert!(matches!(judge(said), Judged::Silent(_)));
    }
    assert!(matches!(judge(Err(Error::Tls("expired\n".into()))), Judged::BadTls(why) if !why.contains('\n')));
}

#[test]
fn who_wants_to_be_left_alone_is() {
    let date = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
    for (status, headers, seconds) in [
        (429, vec![("retry-after", "120")], 120),
        (503, vec![("retry-after", " 7 ")], 7),
        (503, vec![], 0),
        (429, vec![("retry-after", "soon")], 0),
        (429, vec![("retry-after", "99999999999")], DAY),
        (503, vec![date, ("retry-after", "Tue, 14 Nov 2023 22:14:20 GMT")], 60),
        (503, vec![("retry-after", "Tue, 14 Nov 2023 22:14:20 GMT")], 0),
    ] {
        let file = File { path: "a/b.rpm".into(), size: Some(5), time: 0, sha256: None };
        let expected = Judged::Leave(format!("b.rpm: status {status}"), seconds);
        assert_eq!(super::file(&file, &answer(status, &headers)), expected, "{headers:?}");
    }
}

#[test]
fn a_file_is_there_if_it_is_as_long_as_it_should_be() {
    let wanted = |path: &str, size| File { path: path.into(), size, time: 0, sha256: None };
    let judge = |path: &str, size, status, headers: &[(&'static str, &str)]| {
        super::file(&wanted(path, size), &answer(status, headers))
    };
    let html = ("content-type", "text/html; charset=utf-8");
    let good = [
        judge("a.rpm", Some(5), 200, &[("content-length", "5")]),
        judge("a.rpm", None, 200, &[("content-length", "5")]),
        judge("a.rpm", Some(5), 200, &[]),
        judge("a.rpm", Some(5), 206, &[("content-length", "1"), ("content-range", "bytes 0-0/5")]),
        judge("a.rpm", Some(5), 200, &[html, ("content-length", "5")]),
        judge("index.html", None, 200, &[html]),
        judge("empty", Some(0), 200, &[("content-length", "0")]),
        judge("empty", Some(0), 416, &[("content-range", "bytes */0")]),
        // How long it is unpacked nobody says.
        judge("a.rpm", Some(5), 200, &[("content-encoding", "gzip"), ("content-length", "4")]),
    ];
    assert!(good.iter().all(|judged| *judged == Judged::good()), "{good:?}");
    let wrong = |judged, part| assert_found(judged, Verdict::Wrong, part);
    wrong(judge("x/a.rpm", Some(5), 200, &[("content-length", "6")]), "a.rpm: 6 bytes, not 5");
    wrong(judge("a.rpm", Some(5), 206, &[("content-range", "bytes 0-0/6")]), "6 bytes, not 5");
    wrong(judge("a.rpm", Some(5), 200, &[html]), "a page of HTML");
    wrong(judge("a.rpm", None, 200, &[html, ("content-length", "9")]), "a page of HTML");
    assert_found(judge("a.rpm", Some(5), 404, &[]), Verdict::Absent, "status 404");
    for status in [405, 501] {
        assert!(matches!(judge("a.rpm", Some(5), status, &[]), Judged::NoHead(_)));
    }
    for size in [Some(5), None] {
        assert!(matches!(judge("a.rpm", size, 416, &[]), Judged::Unknown(_)));
    }
}

#[test]
fn a_marker_is_the_primarys_or_says_nothing() {
    let sha256 = Some(came("now").sha256);
    let marker = File { path: "TIME".into(), size: None, time: 0, sha256 };
    assert!(is_marker(&marker, &answer(200, &[]), &came("now")));
    assert!(!is_marker(&marker, &answer(200, &[]), &came("then")));
    assert!(!is_marker(&marker, &answer(404, &[]), &came("now")));
    assert!(!is_marker(&File { sha256: None, ..marker }, &answer(200, &[]), &came("now")));
}
