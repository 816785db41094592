//! The tree as a list in it says: Fedora's `fullfiletimelist`.
//!
//! Sections in brackets; in `[Files]` a line each: seconds since the epoch, type (`f`, `d`, `l`; a `-` behind it: not for
//! everybody), bytes, path, with tabs between. Where a link leads it does not say: that is looked up where the tree is on
//! this machine, and elsewhere links are left out.

use super::{Error, listing::Listing};
use std::{fs, path::Path};

/// Lists what the text says; `top` is where the tree is, if it is on this machine.
pub fn list(text: &str, top: Option<&Path>, listing: &mut Listing<'_>) -> Result<(), Error> {
    let lines = || {
        let inside = text.lines().scan(false, |is_in, line| {
            if line.starts_with('[') && line.ends_with(']') {
                *is_in = line == "[Files]";
                return Some(None);
            }
            Some(Some(line).filter(|line| *is_in && !line.is_empty()))
        });
        inside.flatten()
    };
    if lines().next().is_none() {
        return Err(Error::NoFiles);
    }
    if !text.lines().any(|line| line == "[End]") {
        return Err(Error::NoEnd);
    }
    let mut directories = Vec::new();
    for line in lines() {
        let entry = parse(line)?;
        if entry.kind == "d" {
            directories.push(entry.path);
        }
    }
    // Those above before those below, whatever the order of the list.
    directories.sort_unstable();
    directories.iter().try_for_each(|path| listing.directory(path))?;
    for line in lines() {
        let Entry { kind, path, .. } = parse(line)?;
        if kind == "l"
            && let Some(to) = top.and_then(|top| fs::read_link(top.join(path)).ok())
        {
            listing.link(path, &to.to_string_lossy());
        }
    }
    for line in lines() {
        let Entry { time, kind, size, path } = parse(line)?;
        if kind == "f" {
            listing.file(path, size, time);
        }
    }
    Ok(())
}

struct Entry<'t> {
    time: u64,
    kind: &'t str,
    size: u64,
    path: &'t str,
}

fn parse(line: &str) -> Result<Entry<'_>, Error> {
    let wrong = || Error::Line(line.escape_debug().take(200).collect());
    let mut fields = line.splitn(4, '\t');
    let mut next = || fields.next().ok_or_else(wrong);
    let (time, kind, size, path) = (next()?, next()?, next()?, next()?);
    Ok(Entry {
        time: time.parse::<i64>().map_err(|_| wrong())?.try_into().unwrap_or(0),
        kind,
        size: size.parse().map_err(|_| wrong())?,
        path: path.trim_start_matches("./"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_half_a_list_is_an_error() {
        let text = "[Version]\n2\n\n[Files]\n10\td\t0\tlinux/a\n9\td\t0\tlinux\n12\tf\t34\tlinux/a/f x\n12\tf-\t34\tlinux/a/g\n\
                    8\td-\t0\tlinux/secret\n8\tf\t1\tlinux/secret/f\n7\tl\t3\tlinux/b\n\n[Checksums SHA1]\nab linux/f\n\n[End]\n";
        let mut listing = Listing::new(&|_| false);
        list(text, None, &mut listing).unwrap();
        let shown = listing.shown().unwrap();
        let paths: Vec<&str> = shown.iter().map(|shown| &*shown.path).collect();
        assert_eq!(paths, ["", "linux", "linux/a"]);
        let files: Vec<_> = shown[2].files.iter().map(|file| (&*file.name, file.size, file.time)).collect();
        assert_eq!(files, [("f x", 34, 12)]);
        for (text, cause) in [
            ("", "has no section [Files]"),
            ("[Files]\n[End]\n", "has no section [Files]"),
            ("[Files]\n10\td\t0\tlinux\n", "has no [End]"),
            ("[Files]\n10\td\t0\n[End]\n", "none of [Files]: `10\\td\\t0`"),
            ("[Files]\nten\td\t0\ta\n[End]\n", "none of [Files]"),
            ("<html>\n", "has no section"),
        ] {
            let said = list(text, None, &mut Listing::new(&|_| false)).unwrap_err().to_string();
            assert!(said.contains(cause), "{text}: {said}");
        }
    }
}
