//! The routing table: `PREFIX ASN` a line, as MirrorManager's `global_netblocks.txt`.
//!
//! Plain, gzip or zstd, told apart by the first bytes and not by the name; unpacked and read line by line, so that the
//! text is never in memory as a whole. No line is fatal: what is not a route is skipped and counted. How much there is
//! to read is bounded, since little that is packed may be much.

use super::{
    error::Cause,
    prefix,
    skipped::{Place, Reason, Skipped},
};
use cache::inventory::Inventory;
use flate2::bufread::MultiGzDecoder;
use ipnetwork::IpNetwork;
use std::io::{BufRead, BufReader, Read, Take};

/// Bytes of unpacked text; the table of the whole Internet has some 30 million.
const MOST_TEXT: u64 = 1 << 30;

/// Longer lines are skipped; `PREFIX ASN` needs less than 60 bytes.
const MAX_LINE: usize = 4096;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Reads a routing table into [`Inventory::routes`].
///
/// An error means that the file could not be read or unpacked to its end, or does not end in time.
pub fn import(file: impl Read, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    import_at_most(MOST_TEXT, file, inventory, skipped)
}

fn import_at_most(
    most: u64,
    file: impl Read,
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) -> Result<(), Cause> {
    let mut lines = Lines { text: unpack(file)?.take(most + 1), line: Vec::new() };
    while let Some(line) = lines.next_line()? {
        match route(line) {
            Ok(route) => inventory.routes.push(route),
            Err(reason) => {
                skipped.add(Place::Netblocks, reason, || String::from_utf8_lossy(line).into_owned());
            }
        }
    }
    match lines.text.limit() {
        0 => Err(Cause::Refused(format!("has more than {most} bytes of text"))),
        _ => Ok(()),
    }
}

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
    let packed =
        BufReader::with_capacity(1 << 16, std::io::Cursor::new(head).take(length as u64).chain(file));
    Ok(if head.starts_with(&GZIP) {
        Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(packed)))
    } else if head == ZSTD {
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
        Ok(Some(self.line.trim_ascii()))
    }
}

fn route(line: &[u8]) -> Result<(IpNetwork, u32), Reason> {
    if line.is_empty() || line.starts_with(b"#") {
        return Err(Reason::NotARecord);
    }
    if line.len() > MAX_LINE {
        return Err(Reason::TooLong);
    }
    let line = std::str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
    let mut fields = line.split_ascii_whitespace();
    let prefix = fields.next().and_then(prefix::parse).ok_or(Reason::BadPrefix)?;
    if prefix.prefix() == 0 {
        return Err(Reason::DefaultRoute);
    }
    let asn = fields.next().ok_or(Reason::BadAsn)?;
    let digits = asn.strip_prefix("AS").or_else(|| asn.strip_prefix("as")).unwrap_or(asn);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::BadAsn);
    }
    digits.parse().map(|asn| (prefix, asn)).map_err(|_| Reason::BadAsn)
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
        (inventory.routes.iter().map(|(prefix, asn)| format!("{prefix} {asn}")).collect(), skipped)
    }

    #[test]
    fn routes_are_read_and_the_rest_is_skipped_and_counted() {
        let (routes, skipped) = read(TEXT.as_bytes());
        assert_eq!(routes, ["192.0.2.0/24 64496", "2001:db8::/32 64497", "203.0.113.7/32 4294967295"]);
        for (reason, count) in
            [(Reason::NotARecord, 2), (Reason::DefaultRoute, 1), (Reason::BadAsn, 2), (Reason::BadPrefix, 1)]
        {
            assert_eq!(skipped.count(Place::Netblocks, reason), count, "{reason:?}");
        }
        assert_eq!(skipped.total(), 6);
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
        assert_eq!(skipped.count(Place::Netblocks, Reason::TooLong), 1);
        assert_eq!(skipped.total(), 1);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_one_bad_line() {
        let (routes, skipped) = read(b"\xff\xfe 1\n192.0.2.0/24 64496\n");
        assert_eq!((routes.len(), skipped.count(Place::Netblocks, Reason::NotUtf8)), (1, 1));
    }
}
