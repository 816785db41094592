//! Answers as HTTP: those of workers, and the front end's own.
//!
//! Every answer, whoever's it is, carries Content-Type, Content-Length and `Cache-Control: private, no-cache`, since it
//! differs by client. A worker says the first itself. Source: SPEC.md §1 and §9.

use crate::{backend::Answer, head::Refusal};
use bytes::Bytes;
use http_body_util::Full;
use httpdate::HttpDate;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use std::time::SystemTime;

/// The body of an answer.
pub type Body = Full<Bytes>;

const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A worker's answer. hyper adds its length, and leaves the body out for HEAD.
pub fn answer(answer: Answer) -> Response<Body> {
    let Answer { head, headers, body, took: _ } = answer;
    // The link has checked the number.
    let status = StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert(header::CACHE_CONTROL, CACHE_CONTROL);
    response
}

/// 503: no worker has answered in time.
pub fn unavailable() -> Response<Body> {
    let text = Bytes::from_static(b"no answer in time, please try again\n");
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// 405: neither GET nor HEAD.
pub fn method_not_allowed() -> Response<Body> {
    let text = Bytes::from_static(b"only GET and HEAD are answered here\n");
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, text);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// The answer to a head that was not taken, as it goes over the wire: the last on its connection. One to HEAD (`is_head`)
/// has no body.
pub fn refusal(refusal: Refusal, is_head: bool, now: SystemTime) -> Vec<u8> {
    let (status, text) = match refusal {
        Refusal::Malformed => ("400 Bad Request", "this is not a request of HTTP/1.1\n"),
        Refusal::UriTooLong => ("414 URI Too Long", "the URI is too long\n"),
        Refusal::TooLarge => ("431 Request Header Fields Too Large", "the request's head is too large\n"),
    };
    let (length, date) = (text.len(), HttpDate::from(now));
    let body = if is_head { "" } else { text };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\
        cache-control: private, no-cache\r\nconnection: close\r\ndate: {date}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn plain(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_how_long_it_is() {
        for kind in [Refusal::Malformed, Refusal::UriTooLong, Refusal::TooLarge] {
            let said = |is_head| String::from_utf8(refusal(kind, is_head, SystemTime::UNIX_EPOCH)).unwrap();
            let text = said(false);
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{text}");
            assert!(head.ends_with("\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT"), "{text}");
            assert!(head.lines().all(|line| line.trim() == line), "{text}");
            assert!(body.ends_with('\n'), "{text}");
            assert_eq!(said(true), format!("{head}\r\n\r\n"));
        }
    }
}
