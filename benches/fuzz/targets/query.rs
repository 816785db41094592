//! The query parser: total, its values are trimmed and not empty, and escaping what need not be escaped changes
//! nothing.
#![no_main]

use answer::select::params::{Params, acceptable, items};
use libfuzzer_sys::fuzz_target;
use std::borrow::Cow;

fuzz_target!(|query: &[u8]| {
    let params = Params::parse(query);
    let trimmed = [
        &params.repo,
        &params.arch,
        &params.country,
        &params.protocol,
        &params.netblock,
        &params.ip,
        &params.version,
        &params.location,
        &params.format,
        &params.exclude,
        &params.family,
        &params.limit,
    ];
    for value in trimmed.into_iter().flatten() {
        assert!(!value.is_empty() && !value.starts_with(b" ") && !value.ends_with(b" "), "{value:?}");
        assert!(value.len() <= query.len());
        acceptable(value);
    }
    assert!(params.path.as_ref().is_none_or(|path| !path.is_empty()));
    if let Some(list) = &params.country {
        assert!(items(list).next().is_some());
    }
    assert_eq!(Params::parse(&escaped(query)), owned(&params), "{}", query.escape_ascii());
});

/// The query with every byte percent-encoded that does not take part in its syntax.
fn escaped(query: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut in_name, mut plain) = (true, 0);
    for byte in query {
        let syntax = match byte {
            b'&' => true,
            b'=' => in_name,
            _ => false,
        };
        if syntax {
            (in_name, plain) = (*byte == b'&', 0);
        } else if *byte == b'%' {
            // The two bytes behind it belong to it, if they are digits.
            plain = 3;
        }
        if syntax || plain > 0 {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02x}").as_bytes());
        }
        plain = u8::saturating_sub(plain, 1);
    }
    out
}

fn owned<'a>(params: &Params<'_>) -> Params<'a> {
    let own = |value: &Option<Cow<'_, [u8]>>| value.clone().map(|value| Cow::Owned(value.into_owned()));
    Params {
        repo: own(&params.repo),
        arch: own(&params.arch),
        path: own(&params.path),
        country: own(&params.country),
        protocol: own(&params.protocol),
        netblock: own(&params.netblock),
        ip: own(&params.ip),
        version: own(&params.version),
        location: own(&params.location),
        format: own(&params.format),
        exclude: own(&params.exclude),
        family: own(&params.family),
        limit: own(&params.limit),
        redirect: params.redirect,
        time: params.time,
        strict: params.strict,
        explain: params.explain,
        again: own(&params.again),
        flag: params.flag,
    }
}
