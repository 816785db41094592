//! The routing table: `PREFIX ASN` a line, as MirrorManager's `global_netblocks.txt`.
//!
//! Plain, gzip or zstd, told apart by the first bytes and not by the name; unpacked and read line by line, so that the
//! text is never in memory as a whole. No line is fatal: what is not a route is skipped and counted. How much there is
//! to read is bounded, since little that is packed may be much.
//!
//! Other well-known forms of such lines are read too ([`line`] tells them apart). A table in a form that is not read,
//! or of which most lines make no sense, is refused: no origins are better than wrong ones.

mod line;

use super::{
    error::Cause,
    form,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::Inventory;
use flate2::bufread::MultiGzDecoder;
use line::Form;
use std::{
    io::{BufRead, BufReader, Cursor, Read, Take},
    net::IpAddr,
};

/// Bytes of unpacked text; the table of the whole Internet has some 30 million.
const MOST_TEXT: u64 = 1 << 30;

/// Longer lines are skipped; `PREFIX ASN` needs less than 60 bytes.
const MAX_LINE: usize = 4096;

/// Prefixes that are read: four times those of the whole Internet. Each takes some 100 bytes until the cache is written.
const MOST_ROUTES: usize = 4 << 20;

/// A table of at least so many lines must make sense for the most part; of a short one each line is taken for itself.
const ENOUGH_TO_JUDGE: u64 = 16;

/// Reads a routing table into [`Inventory::routes`].
///
/// An error means that the file could not be read or unpacked to its end, does not end in time, or is no such table.
pub fn import(file: impl Read, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    import_at_most(MOST_TEXT, file, inventory, skipped)
}

fn import_at_most(
    most: u64,
    file: impl Read,
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) -> Result<(), Cause> {
    let text = refuse_other_forms(unpack(file)?)?;
    let mut lines = Lines { text: text.take(most + 1), line: Vec::new() };
    let mut table = Table::default();
    while let Some(line) = lines.next_line()? {
        match table.read(line, inventory) {
            Ok(()) if inventory.routes.len() > MOST_ROUTES => {
                return Err(Cause::Refused(format!("has more than {MOST_ROUTES} prefixes")));
            }
            Ok(()) => {}
            Err(reason) if reason.is_kept() => {
                skipped.note(InputTable::Netblocks, reason, || text::lossy(line));
            }
            Err(reason) => skipped.add(InputTable::Netblocks, reason, || text::lossy(line)),
        }
    }
    match lines.text.limit() {
        0 => Err(Cause::Refused(format!("has more than {most} bytes of text"))),
        _ => table.judge(),
    }
}

/// Names what is neither plain text nor packed in a way that is read, nor lines of a form that is.
fn refuse_other_forms<'a>(mut text: Box<dyn BufRead + 'a>) -> Result<Box<dyn BufRead + 'a>, Cause> {
    let mut head = Vec::with_capacity(form::HEAD);
    text.by_ref().take(form::HEAD as u64).read_to_end(&mut head)?;
    if let Some(packing) = form::packed(&head) {
        return Err(Cause::Refused(format!("is packed as {packing}; plain text, gzip and zstd are read")));
    }
    match form::not_a_table(&head).or_else(|| form::other_routes(&head)) {
        Some(kind) => Err(Cause::Refused(format!("is {kind}"))),
        None => Ok(Box::new(Cursor::new(head).chain(text))),
    }
}

/// What the lines read so far are like.
#[derive(Default)]
struct Table {
    form: Option<Form>,
    /// Lines with a prefix and an AS.
    routes: u64,
    /// Lines with a prefix whose AS cannot be read.
    without_origin: u64,
    /// Lines that are no route, without comments and default routes.
    odd: u64,
    /// Of these: lines of another form than those before them.
    of_other_forms: u64,
    /// The last address of the range before, in a table of ranges.
    last: Option<IpAddr>,
    /// Ranges that begin before the one above them has ended.
    overlaps: bool,
    /// A heading names columns, and none where the AS is read.
    no_asn: Option<String>,
}

impl Table {
    /// Takes a line in. The reason says why it is not taken, or what is odd about it.
    fn read(&mut self, line: &[u8], inventory: &mut Inventory) -> Result<(), Reason> {
        if line.is_empty() || [&b"#"[..], b";", b"!", b"%", b"//"].iter().any(|mark| line.starts_with(mark)) {
            return Err(Reason::NotARecord);
        }
        let line = if line.len() > MAX_LINE {
            Err(Reason::TooLong)
        } else {
            std::str::from_utf8(line).map_err(|_| Reason::NotUtf8)
        };
        let route = match line.and_then(|line| line::read(line, self.form)) {
            Ok(route) => route,
            Err(reason) => {
                let is_first = self.form.is_none() && self.odd == 0;
                if let (true, Ok(line)) = (is_first, line) {
                    self.no_asn = line::heads_other_columns(line).then(|| line.to_owned());
                }
                self.odd += u64::from(reason != Reason::DefaultRoute);
                self.of_other_forms += u64::from(reason == Reason::AnotherForm);
                return Err(reason);
            }
        };
        self.form = Some(route.form);
        if let (Form::Range, Some(first), Some(last)) =
            (route.form, route.prefixes.first(), route.prefixes.last())
        {
            let (first, last) = (first.network(), last.broadcast());
            self.overlaps |=
                self.last.is_some_and(|before| before.is_ipv4() == first.is_ipv4() && first <= before);
            self.last = Some(last);
        }
        inventory.routes.extend(route.prefixes.iter().map(|prefix| (*prefix, route.origin)));
        match route.origin {
            Some(_) => self.routes += 1,
            None => self.without_origin += 1,
        }
        route.origin.map(|_| ()).ok_or(Reason::NoOrigin)
    }

    fn judge(&self) -> Result<(), Cause> {
        let bad = self.odd + self.without_origin;
        let lines = self.routes + bad;
        if let Some(heading) = &self.no_asn {
            let why = format!("no column of its heading `{heading}` is an AS; expected `PREFIX ASN`");
            return Err(Cause::Refused(why));
        }
        if self.of_other_forms > self.routes {
            let why =
                "has lines of several forms, so that it cannot be told what they mean; expected `PREFIX ASN`";
            return Err(Cause::Refused(why.into()));
        }
        if self.overlaps {
            let why = "has two addresses a line that are no ranges, for they overlap (next hops?); \
                       expected `PREFIX ASN`";
            return Err(Cause::Refused(why.into()));
        }
        if lines >= ENOUGH_TO_JUDGE && bad > self.routes {
            let why = format!(
                "{bad} of {lines} lines make no sense; expected `PREFIX ASN`, `ADDRESS LENGTH ASN` or `FIRST LAST ASN`"
            );
            return Err(Cause::Refused(why));
        }
        Ok(())
    }
}

const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

fn unpack<'a>(file: impl Read + 'a) -> Result<Box<dyn BufRead + 'a>, Cause> {
    let mut head = [0; ZSTD.len()];
    let mut file = file;
    let mut length = 0;
    while length < head.len() {
        match file.read(&mut head[length..])? {
            0 => break,
            read => length += read,
        }
    }
    let packed = BufReader::with_capacity(1 << 16, Cursor::new(head).take(length as u64).chain(file));
    // A skippable frame may come first (RFC 8878 §3.1.2).
    let is_zstd = head == ZSTD || head[0] & 0xf0 == 0x50 && head[1..] == [0x2a, 0x4d, 0x18];
    Ok(if head.starts_with(b"\x1f\x8b") {
        Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(packed)))
    } else if is_zstd {
        Box::new(BufReader::with_capacity(1 << 16, zstd::stream::read::Decoder::with_buffer(packed)?))
    } else {
        Box::new(packed)
    })
}

struct Lines<'a> {
    text: Take<Box<dyn BufRead + 'a>>,
    line: Vec<u8>,
}

impl Lines<'_> {
    /// The next line without its end; an overlong one is cut, its rest dropped.
    fn next_line(&mut self) -> Result<Option<&[u8]>, Cause> {
        self.line.clear();
        let limit = MAX_LINE as u64 + 1;
        if self.text.by_ref().take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() > MAX_LINE && !self.line.ends_with(b"\n") {
            self.text.skip_until(b'\n')?;
        }
        Ok(Some(text::trim(&self.line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &str = "192.0.2.0/24 64496\n2001:db8::1/32\tAS64497 more fields\n\n# comment\n0.0.0.0/0 1\n\
                        198.51.100.0/24 -1\n203.0.113.0/24\nmirror 5\n203.0.113.7 4294967295";

    fn read(bytes: &[u8]) -> (Vec<String>, Skipped) {
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        import(bytes, &mut inventory, &mut skipped).unwrap();
        let shown = |(prefix, origin): &(_, Option<u32>)| match origin {
            Some(origin) => format!("{prefix} {origin}"),
            None => format!("{prefix} -"),
        };
        (inventory.routes.iter().map(shown).collect(), skipped)
    }

    #[test]
    fn routes_are_read_and_the_rest_is_skipped_and_counted() {
        let (routes, skipped) = read(TEXT.as_bytes());
        assert_eq!(
            routes,
            [
                "192.0.2.0/24 64496",
                "2001:db8::/32 64497",
                "198.51.100.0/24 -",
                "203.0.113.0/24 -",
                "203.0.113.7/32 4294967295"
            ]
        );
        for (reason, count) in [
            (Reason::NotARecord, 2),
            (Reason::DefaultRoute, 1),
            (Reason::NoOrigin, 2),
            (Reason::BadPrefix, 1),
        ] {
            assert_eq!(skipped.count(InputTable::Netblocks, reason), count, "{reason:?}");
        }
        assert_eq!(skipped.total(), 4, "a prefix without an origin is kept");
    }

    #[test]
    fn white_space_and_a_byte_order_mark_are_no_part_of_a_line() {
        let (routes, skipped) = read("\u{feff}192.0.2.0/24 64496\r\n\t198.51.100.0/24\t1.10 \r\n".as_bytes());
        assert_eq!(
            (routes, skipped.total()),
            (vec!["192.0.2.0/24 64496".into(), "198.51.100.0/24 65546".into()], 0)
        );
    }

    fn refusal(bytes: &[u8]) -> String {
        import(bytes, &mut Inventory::default(), &mut Skipped::default()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_such_a_table_is_refused_by_name() {
        assert_eq!(refusal(b"\xfd7zXZ\0\0"), "is packed as xz; plain text, gzip and zstd are read");
        let twice = zstd::stream::encode_all(&b"BZh91AY&SY"[..], 1).unwrap();
        assert_eq!(refusal(&twice), "is packed as bzip2; plain text, gzip and zstd are read");
        assert!(refusal(b"TABLE_DUMP2|1|B|192.0.2.1|1|192.0.2.0/24|1|IGP\n").contains("bgpdump"));
        assert!(refusal(b"<!DOCTYPE html>").contains("HTML"));
        let mixed = b"192.0.2.0 24 64496\n198.51.100.0/24 64496\n203.0.113.0/24 64496\n";
        assert!(refusal(mixed).contains("lines of several forms"));
        assert!(refusal(b"192.0.2.0/24 64496\r198.51.100.0/24 64497\r").contains("CR alone"));
        let next_hops = b"1.0.0.0 198.51.100.1 0 64496 i\n1.0.4.0 198.51.100.1 0 64497 i\n";
        assert!(refusal(next_hops).contains("no ranges"));
        let countries = b"network,geoname_id,registered_country_geoname_id\n1.0.0.0/24,2077456,2077456\n";
        assert!(refusal(countries).contains("no column of its heading `network,geoname_id,"));
    }

    #[test]
    fn a_heading_that_names_an_as_is_a_heading() {
        for heading in
            ["network,autonomous_system_number,autonomous_system_organization", "prefix;asn", "IP\tOrigin AS"]
        {
            let (routes, skipped) = read(format!("{heading}\n192.0.2.0/24\t64496\n").as_bytes());
            assert_eq!((routes.len(), skipped.total()), (1, 1), "{heading}");
        }
    }

    #[test]
    fn one_line_of_another_form_is_one_skipped_line() {
        let (routes, skipped) =
            read(b"192.0.2.0/24 1\n198.51.100.0/24 2\n64500 203.0.113.0/24\n1.1.1.1 1.1.1.9 3\n");
        assert_eq!((routes.len(), skipped.count(InputTable::Netblocks, Reason::AnotherForm)), (2, 2));
        // A length without an AS in a table of such lengths: a hole, and no host route of AS 24.
        assert_eq!(
            read(b"192.0.2.0 24 64496\n198.51.100.0 24\n").0,
            ["192.0.2.0/24 64496", "198.51.100.0/24 -"]
        );
        assert_eq!(read(b"9.9.9.9 7 name\n192.0.2.0/24 1\n").0, ["9.9.9.9/32 7", "192.0.2.0/24 1"]);
    }

    #[test]
    fn little_that_asks_for_many_prefixes_is_refused() {
        let line =
            "1::1 1:ffff:ffff:ffff:ffff:ffff:ffff:fffe 64500\n2::1 2:ffff:ffff:ffff:ffff:ffff:ffff:fffe 1\n";
        let (prefixes, _) = read(line.as_bytes());
        assert!(prefixes.len() > 400);
        // Ranges that begin before the last one has ended are no table; ones that do not are this many at most.
        let many: String = (0..25_000)
            .map(|n| format!("{n:x}:0:1::1 {n:x}:ffff:ffff:ffff:ffff:ffff:ffff:fffe 1\n"))
            .collect();
        assert_eq!(refusal(many.as_bytes()), "has more than 4194304 prefixes");
    }

    #[test]
    fn columns_that_make_no_sense_are_refused() {
        let countries: String = (0..20).map(|n| format!("192.0.{n}.0/24 DE\n")).collect();
        assert!(refusal(countries.as_bytes()).starts_with("20 of 20 lines make no sense"));
        let caida: String = (0..20).map(|n| format!("192.0.{n}.0\t24\t{}\n", 64_496 + n)).collect();
        assert_eq!(read(caida.as_bytes()).0[19], "192.0.19.0/24 64515");
    }

    #[test]
    fn gzip_and_zstd_are_told_by_their_first_bytes() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT.as_bytes()).unwrap();
        let packed = zstd::stream::encode_all(TEXT.as_bytes(), 1).unwrap();
        assert_eq!(read(&gzip.finish().unwrap()).0, read(TEXT.as_bytes()).0);
        assert_eq!(read(&packed).0, read(TEXT.as_bytes()).0);
    }

    #[test]
    fn a_packed_file_cut_short_is_refused() {
        let packed = zstd::stream::encode_all(TEXT.as_bytes(), 1).unwrap();
        let outcome = import(&packed[..packed.len() - 9], &mut Inventory::default(), &mut Skipped::default());
        assert!(matches!(outcome, Err(Cause::Unreadable(_))), "{outcome:?}");
    }

    #[test]
    fn a_text_without_end_is_refused() {
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        let mut within = |most, text: &[u8]| {
            import_at_most(most, text, &mut inventory, &mut skipped).map_err(|e| e.to_string())
        };
        let length = TEXT.len() as u64;
        assert_eq!(within(length, TEXT.as_bytes()), Ok(()));
        let refusal = Err(format!("has more than {} bytes of text", length - 1));
        assert_eq!(within(length - 1, TEXT.as_bytes()), refusal);
        let packed = zstd::stream::encode_all(&*TEXT.repeat(1000).into_bytes(), 1).unwrap();
        assert!((packed.len() as u64) < length * 10);
        assert_eq!(within(length - 1, &packed), refusal);
    }

    #[test]
    fn no_bytes_at_all_are_no_routes() {
        assert_eq!(read(b"").0.len(), 0);
        assert_eq!(read(b"1").1.total(), 1);
    }

    #[test]
    fn an_overlong_line_is_one_skipped_line() {
        let text = format!("{}\n192.0.2.0/24 64496\n", "1".repeat(3 * MAX_LINE));
        let (routes, skipped) = read(text.as_bytes());
        assert_eq!(routes.len(), 1);
        assert_eq!(skipped.count(InputTable::Netblocks, Reason::TooLong), 1);
        assert_eq!(skipped.total(), 1);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_one_bad_line() {
        let (routes, skipped) = read(b"\xff 1\n192.0.2.0/24 64496\n");
        assert_eq!((routes.len(), skipped.count(InputTable::Netblocks, Reason::NotUtf8)), (1, 1));
    }
}
