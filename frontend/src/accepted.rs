//! What answers a client takes, as the workers are told: the headers Accept and Want-Digest in a few bits.
//!
//! A media type counts if it is listed with a weight above 0; which of them the client likes best does not.
//! Source: RFC 9110 §12.5.1, RFC 3230 §4.3.1.

use hyper::{
    HeaderMap,
    header::{ACCEPT, HeaderName},
};
use wire::Accept;

const WANT_DIGEST: HeaderName = HeaderName::from_static("want-digest");

/// Media types that workers are told of.
const TYPES: [(&[u8], Accept); 5] = [
    (b"*/*", Accept::ANY),
    (b"text/html", Accept::HTML),
    (b"application/json", Accept::JSON),
    (b"application/metalink+xml", Accept::METALINK3),
    (b"application/metalink4+xml", Accept::METALINK4),
];

/// What the headers of a request say.
pub fn accepted(headers: &HeaderMap) -> Accept {
    let digest = if headers.contains_key(WANT_DIGEST) { Accept::DIGEST } else { Accept::NONE };
    let lines = headers.get_all(ACCEPT).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter_map(listed)
        .fold(digest, Accept::with)
}

/// The type of one element, if it is one that workers are told of and the client takes it.
fn listed(element: &[u8]) -> Option<Accept> {
    let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next()?;
    let (_, accept) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    (!parts.any(is_no)).then_some(*accept)
}

/// Whether a parameter is a weight of 0.
fn is_no(parameter: &[u8]) -> bool {
    let Some(weight) = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q=")) else {
        return false;
    };
    weight.starts_with(b"0") && weight.iter().all(|byte| matches!(byte, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn of(lines: &[&'static str]) -> Accept {
        let mut headers = HeaderMap::new();
        headers.extend(lines.iter().map(|line| (ACCEPT, HeaderValue::from_static(line))));
        accepted(&headers)
    }

    #[test]
    fn a_type_counts_if_it_is_listed_and_not_refused() {
        for (lines, expected) in [
            (&[][..], Accept::NONE),
            (&["*/*"], Accept::ANY),
            (&["text/html,application/xhtml+xml,*/*;q=0.8"], Accept::HTML.with(Accept::ANY)),
            (&["*/*;q=0.5"], Accept::ANY),
            (&["text/plain, text/*"], Accept::NONE),
            (&["Application/JSON ; charset=utf-8"], Accept::JSON),
            (
                &["application/metalink4+xml", "application/metalink+xml"],
                Accept::METALINK3.with(Accept::METALINK4),
            ),
            (&["text/html;q=0, text/plain;level=1;q=0.000, application/json; Q=0.001"], Accept::JSON),
            (&["application/metalink4+xml-not, metalink4, ,;q=1"], Accept::NONE),
        ] {
            assert_eq!(of(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn who_wants_digests_is_known() {
        let mut headers = HeaderMap::new();
        headers.insert(WANT_DIGEST, HeaderValue::from_static("sha-256"));
        assert_eq!(accepted(&headers), Accept::DIGEST);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        assert_eq!(accepted(&headers), Accept::DIGEST.with(Accept::ANY));
    }
}
