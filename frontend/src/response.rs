//! Answers as HTTP: those of workers, and the front end's own.
//!
//! Every answer, whoever's it is, carries Content-Length and `Cache-Control: private, no-cache`, since it differs by
//! client; and Content-Type, which a worker says itself, but for hyper's refusals, which have no body. Source: SPEC.md §1
//! and §9.

use crate::backend::Answer;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};

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

/// The front end's own answer to a request that no worker has seen or answered.
pub fn refusal(status: StatusCode) -> Response<Body> {
    let text = match status {
        StatusCode::METHOD_NOT_ALLOWED => "only GET and HEAD are answered here\n",
        StatusCode::BAD_REQUEST => "there is more than one Host\n",
        StatusCode::URI_TOO_LONG => "the URI is too long\n",
        _ => "no answer in time, please try again\n",
    };
    let mut response = own(status, HeaderValue::from_static("text/plain"), text);
    let headers = response.headers_mut();
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"))
        }
        StatusCode::SERVICE_UNAVAILABLE => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1")),
        _ => None,
    };
    response
}

/// hyper's own answer to a head that it has not taken, with the header line that it lacks; and its status.
pub fn complete_refusal(bare: &[u8]) -> (u16, Vec<u8>) {
    let line = bare.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    let status = line.split(|byte| *byte == b' ').nth(1).and_then(|number| str::from_utf8(number).ok());
    let added = b"cache-control: private, no-cache\r\n";
    let complete = [line, added, &bare[line.len()..]].concat();
    (status.and_then(|number| number.parse().ok()).unwrap_or_default(), complete)
}

/// What the front end says by itself.
pub fn own(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_hyper_s_is_completed_after_its_first_line() {
        let bare =
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let (status, complete) = complete_refusal(bare);
        assert_eq!(status, 431);
        let lines: Vec<_> = str::from_utf8(&complete).unwrap().split("\r\n").collect();
        assert_eq!(
            lines,
            [
                "HTTP/1.1 431 Request Header Fields Too Large",
                "cache-control: private, no-cache",
                "connection: close",
                "content-length: 0",
                "",
                ""
            ]
        );
    }
}
