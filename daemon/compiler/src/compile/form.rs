//! What a file is when it is not what was asked for, told by its first bytes.
//!
//! A table in another form must never be read as something else in silence: what is known is refused by name, with
//! what to do about it. Sources of the marks: RFC 1952 (gzip), RFC 8878 (zstd), RFC 6396 (MRT), the formats' own
//! documents for the others, as file(1) knows them.

use super::error::Cause;

/// Bytes that [`packed`] and [`text`] look at.
pub const HEAD: usize = 512;

/// How a file is packed, if it is.
pub fn packed(head: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 10] = [
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"LZIP", "lzip"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\x1f\x9d", "compress (.Z)"),
    ];
    let tar = head.get(257..262).is_some_and(|mark| mark == b"ustar");
    let mark = MARKS.into_iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, name)| name);
    mark.or(tar.then_some("tar"))
}

/// A well-known kind of file that is not a table of lines, if it is one.
pub fn not_a_table(head: &[u8]) -> Option<&'static str> {
    let text = head.trim_ascii_start();
    let begins = |mark: &[u8]| text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark));
    let lone_cr =
        || head.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n') && head.iter().all(u8::is_ascii);
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        Some("UTF-16 text; save it as UTF-8")
    } else if begins(b"<!doctype") {
        Some("an HTML page, perhaps an error page; fetch the file again")
    } else if lone_cr() && !head.contains(&b'\n') {
        Some("text whose lines end in CR alone; save it with LF")
    } else if begins(b"<h") || begins(b"<!--") {
        Some("an HTML page, perhaps an error page; fetch the file again")
    } else if begins(b"<") {
        Some("an XML document")
    } else if begins(b"{") || begins(b"[{") || begins(b"[[") || begins(b"[\"") {
        Some("a JSON document")
    } else if head.starts_with(b"SQLite format 3") {
        Some("an SQLite database")
    } else if is_pickle(head) {
        Some("a Python pickle, as MirrorManager wrote before its protobuf; write the protobuf instead")
    } else {
        None
    }
}

/// A well-known form of a routing table that is not `PREFIX ASN` a line, if it is one.
pub fn other_routes(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head);
    let lines = || text.lines().map(str::trim_start);
    let begins = |mark: &str| lines().any(|line| line.starts_with(mark));
    if is_mrt(head) {
        Some("an MRT dump of a router; convert it, for example with `bgpdump -m`, to `PREFIX ASN` lines")
    } else if begins("TABLE_DUMP") || begins("BGP4MP") {
        Some("the output of bgpdump; cut it down to `PREFIX ASN` lines")
    } else if begins("BGP table version") || begins("*> ") || begins("*>i") || begins("*  ") {
        Some("the output of a router's `show ip bgp`; cut it down to `PREFIX ASN` lines")
    } else if begins("route:") || begins("route6:") || begins("aut-num:") {
        Some("objects of a routing registry (RPSL); cut it down to `PREFIX ASN` lines")
    } else if lines().any(|line| line.contains("|ipv4|") || line.contains("|ipv6|") || line.contains("|asn|"))
    {
        Some("a registry's delegation statistics, which do not tell origins; use a routing table")
    } else {
        None
    }
}

/// An error for a file that is packed, or of a well-known kind that no input is.
pub fn refuse_other(bytes: &[u8]) -> Result<(), Cause> {
    let head = &bytes[..bytes.len().min(HEAD)];
    if let Some(packing) = packed(head) {
        return Err(Cause::Refused(format!("is packed as {packing}; unpack it first")));
    }
    not_a_table(head).map_or(Ok(()), |kind| Err(Cause::Refused(format!("is {kind}"))))
}

/// Protocol 2 and later by their mark, the older ones by how a dictionary begins.
fn is_pickle(head: &[u8]) -> bool {
    matches!(head, [0x80, 2..=5, ..]) || head.starts_with(b"(dp") || head.starts_with(b"(lp")
}

/// A time, then type and subtype of the first record: TABLE_DUMP, TABLE_DUMP_V2 or BGP4MP.
fn is_mrt(head: &[u8]) -> bool {
    matches!(head, [_, _, _, _, 0, 12 | 13 | 16 | 17, 0, subtype, ..] if *subtype <= 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_files_are_told_by_their_first_bytes() {
        assert_eq!(packed(b"\xfd7zXZ\0\0\x04"), Some("xz"));
        assert_eq!(packed(b"BZh91AY&SY"), Some("bzip2"));
        assert_eq!(packed(b"PK\x03\x04\x14\0"), Some("zip"));
        let mut tar = vec![0; HEAD];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(packed(&tar), Some("tar"));
        for plain in [&b""[..], b"192.0.2.0/24 64500\n", b"US,NA\n", b"\x08\x80\xc2\xd7\x2f"] {
            assert_eq!(packed(plain), None, "{plain:?}");
        }
    }

    #[test]
    fn kinds_of_files_are_named() {
        for (head, words) in [
            (&b"\xff\xfe1\x009\x00"[..], "UTF-16"),
            (b"\n<!DOCTYPE html><html>", "HTML"),
            (b"<?xml version='1.0'?>", "XML"),
            (b" {\"roas\": [", "JSON"),
            (b"[{\"prefix\":", "JSON"),
            (b"SQLite format 3\0", "SQLite"),
            (b"\x80\x04\x95", "pickle"),
            (b"(dp0\nS'x'", "pickle"),
        ] {
            assert!(not_a_table(head).is_some_and(|name| name.contains(words)), "{words}");
        }
        for plain in [&b""[..], b"192.0.2.0/24 64500\n", b"[192.0.2.0/24] 1", b"\x08\x80\xc2\xd7\x2f"] {
            assert_eq!(not_a_table(plain), None, "{plain:?}");
        }
    }

    #[test]
    fn other_routing_tables_are_named() {
        for (head, words) in [
            (&b"\x65\x00\x00\x00\x00\x0d\x00\x01\x00\x00"[..], "MRT"),
            (b"TABLE_DUMP2|1700000000|B|192.0.2.1|64500|198.51.100.0/24|64500 64501|IGP\n", "bgpdump"),
            (
                b"BGP table version is 1\n   Network   Next Hop\n*> 192.0.2.0/24 198.51.100.1 0 64500 i\n",
                "show ip bgp",
            ),
            (b"route:      192.0.2.0/24\norigin:     AS64500\n", "RPSL"),
            (b"2|apnic|20261120|1|\napnic|AU|ipv4|192.0.2.0|256|20110811|assigned\n", "delegation"),
        ] {
            assert!(other_routes(head).is_some_and(|name| name.contains(words)), "{words}");
        }
        for plain in [&b""[..], b"192.0.2.0/24 64500\n", b"# route table\n192.0.2.0/24\t64500\n"] {
            assert_eq!(other_routes(plain), None, "{plain:?}");
        }
    }
}
