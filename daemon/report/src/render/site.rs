//! A folder of pages that is written aside and put in its place as a whole, so that nobody sees half of it.
//!
//! The old and the new folder change places in one step, or in two where the file system cannot do that. What is replaced is
//! a folder of this program's alone: it has a mark inside.

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, RenameFlags, renameat2},
};
use program::{failure::Failure, files::folder};
use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::{Builder, TempDir};

/// The file by which a folder is known as this program's.
const MARK: &str = ".mirrorlist-report";

/// What stands in it, before the names of what the site has.
const SAID: &str = "Written by mirrorlist-report, and replaced as a whole by it. It has:\n";

/// How the names of folders end that are beside the site: a new one, and an old one that gives its place to it.
const NEW: &str = ".new";
const OLD: &str = ".old";

/// A site as old as this that is not in its place is what a killed process has left: nobody writes for so long.
const FORSAKEN: Duration = Duration::from_secs(60 * 60);

/// A site that is being written. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Site {
    aside: TempDir,
    output: PathBuf,
}

impl Site {
    /// Begins the site that is to be at `output`.
    ///
    /// An error when there is something there that this program has not made, or nothing can be written beside it.
    pub fn begin(output: &Path) -> Result<Site, Failure> {
        // Where a link leads is what is served.
        let output = &output.canonicalize().unwrap_or_else(|_| output.to_owned());
        let is_free = match fs::read_dir(output) {
            Ok(mut entries) => output.join(MARK).exists() || entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(refused(output, &error)),
        };
        if !is_free {
            return Err(Failure::config(format!(
                "output {}: is a folder with something in it that this program has not written; name one that is empty or \
                 not there yet",
                output.display()
            )));
        }
        let name = output.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(name) = foreign(output) {
            return Err(Failure::config(format!(
                "output {}: has {name} in it, which this program has not written and would remove; move it to where the web \
                 server looks beside this folder",
                output.display()
            )));
        }
        let prefix = format!(".{name}.");
        remove_forsaken(folder(output), &prefix);
        let aside = Builder::new().prefix(&prefix).suffix(NEW).tempdir_in(folder(output));
        let site = Site { aside: aside.map_err(|error| refused(output, &error))?, output: output.to_owned() };
        site.write(MARK, SAID)?;
        Ok(site)
    }

    /// Writes a file, by its path in the site.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> Result<(), Failure> {
        let place = self.aside.path().join(path);
        let written = fs::create_dir_all(folder(&place)).and_then(|()| fs::write(&place, text));
        written.map_err(|error| refused(&self.output.join(path), &error))
    }

    /// Writes a file piece by piece, by its path in the site.
    pub fn stream(
        &self,
        path: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let place = self.aside.path().join(path);
        let written = File::create(&place).map(BufWriter::new).and_then(|mut out| {
            write(&mut out)?;
            out.flush()
        });
        written.map_err(|error| refused(&self.output.join(path), &error))
    }

    /// Puts the site in its place; what was there goes.
    pub fn publish(self) -> Result<(), Failure> {
        let failed = |error| refused(&self.output, &error);
        let names = names(self.aside.path()).map_err(failed)?;
        self.write(MARK, format!("{SAID}{}\n", names.join("\n")))?;
        // A web server of another user is to read it.
        fs::set_permissions(self.aside.path(), Permissions::from_mode(0o755)).map_err(failed)?;
        let (new, place) = (self.aside.path(), &self.output);
        let old = match renameat2(AT_FDCWD, new, AT_FDCWD, place, RenameFlags::RENAME_EXCHANGE) {
            Ok(()) => new.to_owned(),
            Err(Errno::ENOENT) => return fs::rename(new, place).map_err(failed),
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => replace(new, place)?,
            Err(error) => return Err(failed(error.into())),
        };
        match fs::remove_dir_all(&old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::system(format!(
                "output {}: the new site is in its place, and the one before cannot be removed ({error}); remove {}",
                self.output.display(),
                old.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// Puts a folder in the place of another on a file system that cannot exchange them; for a moment there is none. Returns where
/// the old one is then, which may be nowhere.
///
/// An error leaves the old one in its place, or says where it is.
fn replace(new: &Path, place: &Path) -> Result<PathBuf, Failure> {
    let failed = |error| refused(place, &error);
    let prefix = format!(".{}.", place.file_name().unwrap_or_default().to_string_lossy());
    let aside = Builder::new().prefix(&prefix).suffix(OLD).tempdir_in(folder(place)).map_err(failed)?;
    let had_one = match fs::rename(place, aside.path()) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failed(error)),
    };
    // It must outlive whatever happens now.
    let old = aside.keep();
    let Err(error) = fs::rename(new, place) else { return Ok(old) };
    let put_back = if had_one { fs::rename(&old, place) } else { fs::remove_dir(&old) };
    match put_back {
        Ok(()) => Err(failed(error)),
        Err(again) => Err(Failure::system(format!(
            "output {}: {error}, and the site before cannot be put back ({again}); it is {}",
            place.display(),
            old.display()
        ))),
    }
}

/// The names of what is in a folder, but for the mark.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.filter(|name| name.as_ref().map_or(true, |name| name != MARK)).collect()
}

/// Something in the site that the mark does not name.
fn foreign(output: &Path) -> Option<String> {
    let mark = fs::read_to_string(output.join(MARK)).ok()?;
    let own: Vec<&str> = mark.strip_prefix(SAID)?.lines().collect();
    names(output).ok()?.into_iter().find(|name| !own.contains(&&**name))
}

/// Removes sites that killed processes have left half written or half replaced, an hour later.
fn remove_forsaken(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_aside = name.starts_with(prefix) && [NEW, OLD].iter().any(|end| name.ends_with(end));
        let is_one = is_aside && entry.path().join(MARK).is_file();
        let age = entry.metadata().and_then(|about| about.modified()).map(|time| time.elapsed());
        if is_one && matches!(age, Ok(Ok(age)) if age > FORSAKEN) {
            // One that cannot be removed costs room on the disk, no more.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::system(format!("output {}: {error}; the site before stays as it is", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the mark, in order.
    fn all(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_site_is_replaced_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("site");
        let first = Site::begin(&output).unwrap();
        first.write("index.html", "1").unwrap();
        first.write("a/b/index.html", "old").unwrap();
        assert!(!output.exists());
        first.publish().unwrap();
        assert_eq!(all(&output), [MARK, "a", "index.html"]);
        assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o755);
        let dropped = Site::begin(&output).unwrap();
        dropped.write("index.html", "half").unwrap();
        drop(dropped);
        assert_eq!(fs::read(output.join("index.html")).unwrap(), b"1");
        let second = Site::begin(&output).unwrap();
        second.write("index.html", "2").unwrap();
        second.publish().unwrap();
        assert_eq!(all(&output), [MARK, "index.html"]);
        assert_eq!(fs::read(output.join("index.html")).unwrap(), b"2");
        assert_eq!(all(folder.path()), ["site"]);
    }

    #[test]
    fn a_file_system_that_cannot_exchange_folders_gets_the_new_one_too_or_keeps_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let [new, place] = ["new", "site"].map(|name| folder.path().join(name));
        let write = |path: &Path, text: &str| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("index.html"), text).unwrap();
        };
        let read = |path: &Path| fs::read_to_string(path.join("index.html")).unwrap();
        write(&place, "old");
        let said = replace(&new, &place).unwrap_err().to_string();
        assert!(said.ends_with("; the site before stays as it is"), "{said}");
        assert_eq!((read(&place), all(folder.path())), ("old".into(), vec!["site".to_owned()]));
        write(&new, "new");
        let old = replace(&new, &place).unwrap();
        assert_eq!((read(&place), read(&old)), ("new".into(), "old".into()));
        let name = old.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(".site.") && name.ends_with(".old"), "{name}");
        fs::remove_dir_all(&old).unwrap();
        fs::remove_dir_all(&place).unwrap();
        write(&new, "first");
        replace(&new, &place).unwrap();
        assert_eq!(read(&place), "first");
    }

    #[test]
    fn what_others_put_into_a_site_is_told_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("site");
        let site = Site::begin(&output).unwrap();
        site.write("index.html", "1").unwrap();
        site.publish().unwrap();
        drop(Site::begin(&output).unwrap());
        fs::write(output.join("robots.txt"), "").unwrap();
        let said = Site::begin(&output).unwrap_err().to_string();
        assert!(said.contains("has robots.txt in it, which this program has not written"), "{said}");
        assert!(output.join("robots.txt").exists());
    }

    #[test]
    fn what_others_have_made_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("site");
        fs::create_dir(&output).unwrap();
        Site::begin(&output).unwrap();
        fs::write(output.join("precious"), "").unwrap();
        assert!(Site::begin(&output).unwrap_err().to_string().contains("has not written"));
        assert!(Site::begin(&folder.path().join("absent/site")).is_err());
        assert!(Site::begin(&output.join("precious")).is_err());
        assert_eq!(all(folder.path()), ["site"]);
    }
}
