//! What every answer must be like, whatever was asked of whichever cache.

use answer::rules::LogAddress;
use answer::{Answer, Scratch, Service};
use rand::{SeedableRng as _, rngs::SmallRng};
use wire::{Kind, MAX_REPLY, Message, ReplyStart, Request, next_frame};

/// Asks, and returns the answer with its bytes.
pub fn ask(
    service: &Service<'_>,
    request: &Request<'_>,
    (now, seed): (u64, u64),
    scratch: &mut Scratch,
) -> (Answer, Vec<u8>) {
    let mut page = Vec::new();
    scratch.log.clear();
    let answer = service.answer(request, now, &mut SmallRng::seed_from_u64(seed), scratch, &mut page);
    (answer, page)
}

/// Panics unless an answer is one that clients, the front end and the readers of the log can use.
pub fn is_usable(service: &Service<'_>, answer: &Answer, page: &[u8], log: &[u8]) {
    let (headers, body) = page.split_at(answer.headers_len);
    let headers = std::str::from_utf8(headers).expect("headers are UTF-8");
    let (first, headers) = headers.split_once("\r\n").expect("a header line");
    let content_type = first.strip_prefix("Content-Type: ").expect("a content type");
    let body = std::str::from_utf8(body).expect("a body is UTF-8");
    let kind = answer.head.kind;
    match answer.head.status {
        302 => {
            assert_eq!(kind, Kind::Redirect);
            let url = headers.strip_prefix("Location: ").and_then(|rest| rest.strip_suffix("\r\n"));
            let url = url.expect("one header line");
            assert!(url.starts_with("http") && url.bytes().all(|byte| byte.is_ascii_graphic()), "{url:?}");
            assert_eq!(body.strip_suffix('\n'), Some(url));
        }
        200 if kind == Kind::Page => {
            assert!(body.len() <= 32 << 10 && !body.contains("<script"), "{body}");
            let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            assert!(roxmltree::Document::parse_with_options(body, options).is_ok(), "{body}");
        }
        200 if headers.contains("Vary: Accept\r\n") => is_help(body),
        200 | 400 | 404 => {
            assert!(headers.is_empty(), "{headers:?}");
            match content_type {
                "application/metalink+xml" => {
                    is_metalink(body, "http://www.metalinker.org/");
                    assert_eq!(kind, Kind::Metalink);
                }
                "application/metalink4+xml" => {
                    is_metalink(body, "urn:ietf:params:xml:ns:metalink");
                    assert_eq!(kind, Kind::Metalink4);
                }
                "application/json" => {
                    let object: serde_json::Value = serde_json::from_str(body).expect("JSON");
                    assert!(body.ends_with("}\n") && object.is_object() && kind == Kind::Json, "{body}");
                }
                // A tab parts a line of it in two.
                _ if kind == Kind::Apt => is_text(&body.replace("\tpriority:", " priority:"), false),
                _ => is_text(body, kind == Kind::Mirrorlist && answer.head.status == 200),
            }
        }
        other => panic!("status {other}"),
    }
    is_log(service.rules.log_address, log);
    is_frame(answer, page);
}

/// What `/` gives: a text or a page of many lines.
fn is_help(body: &str) {
    assert!(body.ends_with('\n') && body.lines().count() > 10, "{body}");
    assert!(!body.contains(|c: char| c.is_control() && c != '\n'), "{body:?}");
}

fn is_metalink(body: &str, namespace: &str) {
    let document = match roxmltree::Document::parse(body) {
        Ok(document) => document,
        Err(error) => panic!("{error}: {body}"),
    };
    for url in document.descendants().filter(|node| node.has_tag_name((namespace, "url"))) {
        let text = url.text().unwrap_or_default();
        assert!(
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control()),
            "{text:?}"
        );
    }
}

fn is_text(body: &str, list: bool) {
    let lines = body.strip_suffix('\n').expect("a text ends in LF");
    let mut urls = false;
    for line in lines.split('\n') {
        assert!(!line.is_empty() && line.len() < 4096 && !line.contains(char::is_control), "{line:?}");
        if list && line != "repo disabled" {
            urls |= !line.starts_with('#');
            assert!(!urls || line.contains("://") && !line.contains(char::is_whitespace), "{body}");
        }
    }
}

fn is_log(address: LogAddress, log: &[u8]) {
    if log.is_empty() {
        return;
    }
    assert_ne!(address, LogAddress::Off);
    let line = log.strip_suffix(b"\n").expect("a line of the log ends in LF");
    assert!(line.iter().all(|byte| matches!(byte, b' '..=b'~')), "{}", line.escape_ascii());
    assert_eq!(line.split(|byte| *byte == b';').count(), 5, "{}", line.escape_ascii());
}

/// Panics unless the answer reaches the front end as it is, with a status of the service.
pub fn is_frame(answer: &Answer, page: &[u8]) {
    let mut bytes = Vec::new();
    let start = ReplyStart::begin(&mut bytes, 7);
    bytes.extend_from_slice(page);
    start.finish(&mut bytes, &answer.head, answer.headers_len);
    let frame = next_frame(&bytes, MAX_REPLY).expect("a frame").expect("a whole frame");
    let Ok(Message::Reply(reply)) = Message::decode(&frame) else { panic!("no reply") };
    assert!([200, 302, 400, 404].contains(&reply.head.status), "{}", reply.head.status);
    assert_eq!((reply.head, reply.headers.len()), (answer.head, answer.headers_len));
    assert_eq!(reply.body, &page[answer.headers_len..]);
}
