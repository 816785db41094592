//! What gzip has packed: members one after another, and zeros behind the last, as tapes and cut preallocated files have them.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// All members, unpacked.
pub(super) struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Members<R> {
    /// Begins with the first one.
    pub(super) fn new(packed: R) -> Members<R> {
        Members(Some(GzDecoder::new(packed)))
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            let rest = self.0.take().map(GzDecoder::into_inner).map(after_zeros).transpose()?;
            self.0 = rest.flatten().map(GzDecoder::new);
        }
        Ok(0)
    }
}

/// What follows zeros, if anything does.
fn after_zeros<R: BufRead>(mut packed: R) -> io::Result<Option<R>> {
    loop {
        let bytes = packed.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_all = zeros == bytes.len();
        packed.consume(zeros);
        if !is_all {
            return Ok(Some(packed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::{BufReader, Write as _};

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        // So small that zeros are met in several pieces.
        Members::new(BufReader::with_capacity(7, bytes)).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn members_are_one_text_and_zeros_behind_them_are_nothing() {
        let two = [packed("one\n"), packed("two\n")].concat();
        assert_eq!(unpacked(&two).unwrap(), "one\ntwo\n");
        assert_eq!(unpacked(&[&two[..], &[0; 1000]].concat()).unwrap(), "one\ntwo\n");
        assert_eq!(unpacked(&[&two[..], &[0; 9], &packed("three\n")].concat()).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn what_is_cut_or_followed_by_something_else_is_an_error() {
        let one = packed("one\n");
        for bad in [&one[..one.len() - 1], &[&one[..], b"x"].concat(), &[&one[..], &[0, 0], b"xyz"].concat()]
        {
            assert!(unpacked(bad).is_err(), "{bad:?}");
        }
    }
}
