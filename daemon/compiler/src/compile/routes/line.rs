//! One line of a routing table: which prefixes, and whose.
//!
//! The forms that are read: `PREFIX ASN` (MirrorManager; pyasn; with commas, GeoLite2's blocks), `ADDRESS LENGTH ASN`
//! (CAIDA's pfx2as; the length may be a netmask), `FIRST LAST ASN` (ranges, as iptoasn and ip-location-db publish them) and `ASN,PREFIX` (lists of
//! validated origins). Fields stand apart by white space or by one of `,` `;` `|`, and may be quoted. Further fields
//! are ignored.

use crate::compile::{prefix, skipped::Reason};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use std::net::IpAddr;

/// How the lines of a table are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `PREFIX ASN`; an address without length is a host route.
    Prefix,
    /// `ADDRESS LENGTH ASN`.
    AddressLength,
    /// `ADDRESS NETMASK ASN`.
    Netmask,
    /// `FIRST LAST ASN`.
    Range,
    /// `ASN PREFIX`.
    Reversed,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// The form it was read in.
    pub form: Form,
    /// Prefixes without host bits; those of a range in order.
    pub prefixes: Vec<IpNetwork>,
    /// Their AS; `None` where it cannot be read (`None`, a set of several).
    pub origin: Option<u32>,
}

/// Reads a line of a table whose lines so far were of `table`'s form.
pub fn read(line: &str, table: Option<Form>) -> Result<Route, Reason> {
    let [first, second, third] = fields(line);
    let form = form(first, second, third).ok_or(Reason::BadPrefix)?;
    let form = match table {
        None => form,
        Some(table) if table == form => form,
        // A host route with further fields, where lengths are written with a slash.
        Some(Form::Prefix) if form == Form::AddressLength => Form::Prefix,
        // A length whose AS is missing.
        Some(Form::AddressLength) if form == Form::Prefix && !first.contains('/') && third.is_empty() => {
            Form::AddressLength
        }
        // What is a netmask elsewhere is a last address where the others are.
        Some(Form::Range) if form == Form::Netmask => Form::Range,
        // The mask of a host is the last of all addresses.
        Some(Form::Netmask) if second == "255.255.255.255" => Form::Netmask,
        Some(_) => return Err(Reason::AnotherForm),
    };
    let one = |text: &str| prefix::parse(text).map(|prefix| vec![prefix]).ok_or(Reason::BadPrefix);
    let (prefixes, asn) = match form {
        Form::Prefix => (one(first)?, second),
        // The length may be a netmask.
        Form::AddressLength | Form::Netmask => (one(&format!("{first}/{second}"))?, third),
        Form::Range => (range(first, second).ok_or(Reason::BadPrefix)?, third),
        Form::Reversed => (one(second)?, first),
    };
    if prefixes.iter().any(|prefix| prefix.prefix() == 0) {
        return Err(Reason::DefaultRoute);
    }
    Ok(Route { form, prefixes, origin: origin(asn) })
}

/// The form of a line by its fields, `None` when it has no address.
fn form(first: &str, second: &str, third: &str) -> Option<Form> {
    if first.contains('/') && prefix::parse(first).is_some() {
        return Some(Form::Prefix);
    }
    let Ok(address) = first.parse::<IpAddr>() else {
        let is_reversed = origin(first).is_some() && second.contains('/') && prefix::parse(second).is_some();
        return is_reversed.then_some(Form::Reversed);
    };
    let width = if address.is_ipv4() { 32 } else { 128 };
    if let Ok(other) = second.parse::<IpAddr>() {
        let is_mask =
            |mask: u32| (8..32).contains(&mask.leading_ones()) && mask.count_zeros() == mask.trailing_zeros();
        let is_mask = matches!(other, IpAddr::V4(mask) if is_mask(mask.to_bits()));
        Some(if is_mask { Form::Netmask } else { Form::Range })
    } else if second.parse::<u8>().is_ok_and(|length| length <= width) && is_origin_like(third) {
        Some(Form::AddressLength)
    } else {
        Some(Form::Prefix)
    }
}

/// Whether a line is a heading, and none of its columns is an AS: at least two words that stand apart by a tab or a sign,
/// none of them a number or an address.
pub fn heads_other_columns(line: &str) -> bool {
    let Some(separator) = line.chars().find(|c| matches!(c, '\t' | ',' | ';' | '|')) else { return false };
    let columns: Vec<String> =
        line.split(separator).map(|column| unquote(column.trim()).to_ascii_lowercase()).collect();
    let is_word = |column: &String| column.starts_with(|c: char| c.is_alphabetic()) && !column.contains('/');
    let is_asn = |column: &String| {
        column.contains("asn")
            || column.contains("autonomous")
            || column.contains("origin")
            || column.split(|c: char| !c.is_alphanumeric()).any(|word| word == "as")
    };
    columns.iter().all(is_word) && !columns.iter().any(is_asn)
}

/// Whether a field stands where the AS is, be it one that cannot be read.
fn is_origin_like(field: &str) -> bool {
    origin(field).is_some()
        || field.eq_ignore_ascii_case("none")
        || field.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '{' | '-' | '['))
}

/// The first three fields, empty where there are fewer.
fn fields(line: &str) -> [&str; 3] {
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
    let after = line.find(ends).map_or("", |end| line[end..].trim_start());
    let separator = after.chars().next().filter(|c| matches!(c, ',' | ';' | '|'));
    let found = match separator {
        Some(separator) => first_three(line.split(separator)),
        None => first_three(line.split_whitespace()),
    };
    found.map(|field| unquote(field.trim()))
}

fn first_three<'l>(mut fields: impl Iterator<Item = &'l str>) -> [&'l str; 3] {
    std::array::from_fn(|_| fields.next().unwrap_or_default())
}

fn unquote(field: &str) -> &str {
    field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map_or(field, str::trim)
}

/// An AS number: `64496`, `AS64496`, or asdot, `1.10` (RFC 5396).
fn origin(text: &str) -> Option<u32> {
    let number = match text.get(..2) {
        Some(mark) if mark.eq_ignore_ascii_case("AS") => &text[2..],
        _ => text,
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match number.split_once('.') {
        None if digits(number) => number.parse().ok(),
        Some((high, low)) if digits(high) && digits(low) => {
            Some(u32::from(high.parse::<u16>().ok()?) << 16 | u32::from(low.parse::<u16>().ok()?))
        }
        _ => None,
    }
}

/// The prefixes that a range of addresses is made of, at most two for each bit of an address.
fn range(first: &str, last: &str) -> Option<Vec<IpNetwork>> {
    let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
    let (width, mut from, to) = match (first.to_canonical(), last.to_canonical()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            (32_u32, u128::from(first.to_bits()), u128::from(last.to_bits()))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => (128, first.to_bits(), last.to_bits()),
        _ => return None,
    };
    let mut prefixes = Vec::new();
    while from <= to {
        // As many free bits as the first address has zeros and the rest of the range has room for.
        let room = (to - from).checked_add(1).map_or(128, |left| 127 - left.leading_zeros());
        let free = from.trailing_zeros().min(width).min(room);
        let length = (width - free) as u8;
        prefixes.push(if width == 32 {
            IpNetwork::V4(Ipv4Network::new((from as u32).into(), length).ok()?)
        } else {
            IpNetwork::V6(Ipv6Network::new(from.into(), length).ok()?)
        });
        match 1_u128.checked_shl(free).and_then(|size| from.checked_add(size)) {
            Some(next) => from = next,
            None => break,
        }
    }
    (!prefixes.is_empty()).then_some(prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, table: Option<Form>) -> Result<String, Reason> {
        read(line, table).map(|route| {
            let prefixes: Vec<String> = route.prefixes.iter().map(ToString::to_string).collect();
            format!("{} {:?}", prefixes.join(" "), route.origin)
        })
    }

    #[test]
    fn the_well_known_forms_are_read_each_as_what_it_is() {
        for (line, form, routes) in [
            ("192.0.2.7/24 64496 more", Form::Prefix, "192.0.2.0/24 Some(64496)"),
            ("192.0.2.0/24,64496,\"Example, Inc.\"", Form::Prefix, "192.0.2.0/24 Some(64496)"),
            ("\"192.0.2.0/24\";\"64496\"", Form::Prefix, "192.0.2.0/24 Some(64496)"),
            ("192.0.2.0/24 , 64496", Form::Prefix, "192.0.2.0/24 Some(64496)"),
            ("::ffff:192.0.2.0/120\t64496", Form::Prefix, "192.0.2.0/24 Some(64496)"),
            ("192.0.2.7 64496", Form::Prefix, "192.0.2.7/32 Some(64496)"),
            ("192.0.2.7 24", Form::Prefix, "192.0.2.7/32 Some(24)"),
            ("192.0.2.0\t24\t64496", Form::AddressLength, "192.0.2.0/24 Some(64496)"),
            ("2001:db8::\t32\t64496_64497", Form::AddressLength, "2001:db8::/32 None"),
            ("192.0.2.0\t24\t64496,64497", Form::AddressLength, "192.0.2.0/24 None"),
            ("192.0.2.0 255.255.255.0 64496", Form::Netmask, "192.0.2.0/24 Some(64496)"),
            ("192.0.2.0,192.0.2.255,64496,Example", Form::Range, "192.0.2.0/24 Some(64496)"),
            (
                "192.0.2.1\t192.0.2.6\t64496\tDE\tExample",
                Form::Range,
                "192.0.2.1/32 192.0.2.2/31 192.0.2.4/31 192.0.2.6/32 Some(64496)",
            ),
            (
                "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,64496",
                Form::Range,
                "2001:db8::/32 Some(64496)",
            ),
            ("AS64496,192.0.2.0/24,24,example", Form::Reversed, "192.0.2.0/24 Some(64496)"),
        ] {
            assert_eq!(read(line, None).map(|route| route.form), Ok(form), "{line}");
            assert_eq!(shown(line, None).as_deref(), Ok(routes), "{line}");
        }
    }

    #[test]
    fn origins_have_several_spellings_and_some_are_none() {
        for (text, number) in [
            ("64496", Some(64_496)),
            ("AS64496", Some(64_496)),
            ("as4294967295", Some(u32::MAX)),
            ("1.10", Some(65_546)),
            ("AS0.64496", Some(64_496)),
            ("4294967296", None),
            ("1.65536", None),
            ("1.2.3", None),
            ("-1", None),
            ("", None),
            ("None", None),
            ("{64496,64497}", None),
            ("64496_64497", None),
        ] {
            assert_eq!(origin(text), number, "{text}");
        }
    }

    #[test]
    fn a_form_is_that_of_the_whole_table() {
        let table = Some(Form::Prefix);
        assert_eq!(
            shown("192.0.2.7 24 64496", table).as_deref(),
            Ok("192.0.2.7/32 Some(24)"),
            "a host route"
        );
        assert_eq!(shown("192.0.2.0 192.0.2.255 64496", table), Err(Reason::AnotherForm));
        assert_eq!(shown("192.0.2.0/24 64496", Some(Form::AddressLength)), Err(Reason::AnotherForm));
        assert_eq!(shown("192.0.2.0/24 64496", Some(Form::Range)), Err(Reason::AnotherForm));
    }

    #[test]
    fn what_is_no_route_is_told_apart() {
        for (line, reason) in [
            ("mirror 5", Reason::BadPrefix),
            ("0.0.0.0/0 64496", Reason::DefaultRoute),
            ("::/0 None", Reason::DefaultRoute),
            ("0.0.0.0,255.255.255.255,64496", Reason::DefaultRoute),
            ("192.0.2.9,192.0.2.1,64496", Reason::BadPrefix),
            ("192.0.2.0,2001:db8::,64496", Reason::BadPrefix),
            ("network,autonomous_system_number", Reason::BadPrefix),
            ("64496 192.0.2.0/33", Reason::BadPrefix),
        ] {
            assert_eq!(read(line, None), Err(reason), "{line}");
        }
        let all = "::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,64496";
        assert_eq!(read(all, None), Err(Reason::DefaultRoute));
    }
}
