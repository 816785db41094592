//! Lists of hashes, such as `CHECKSUM`, and the files beside them that they are of: each list is read when it has changed, all of
//! them within a time. One that cannot be read says what it said.

use super::{
    AGAIN, AT_ONCE, Error, Reading, SETTLED, hashes,
    listing::{Listed, Shown},
    plan::Plan,
};
use crate::{
    run::tree::{Image, Version},
    store::tree::{HashList, HashLists},
};
use futures_util::{StreamExt as _, stream};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long all of them may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes of a list.
const LONGEST: usize = 1 << 20;

/// A list, and where it stands.
struct List<'a> {
    path: String,
    listed: &'a Listed,
    /// The path of its directory.
    directory: &'a str,
    shown: &'a Shown<'a>,
}

impl Reading<'_> {
    /// Files of which lists beside them say the hashes, and these lists from now on.
    pub async fn images(
        &mut self,
        plan: &Plan,
        shown: &[Shown<'_>],
        patience: Duration,
    ) -> (Vec<Image>, HashLists) {
        self.progress.step("reading lists of hashes");
        let by_path: BTreeMap<&str, &Shown<'_>> = shown.iter().map(|shown| (&*shown.path, shown)).collect();
        let mut lists: Vec<List<'_>> = Vec::new();
        for (directory, names) in &plan.lists {
            let directory = &*plan.directories[*directory as usize].path;
            let Some(shown) = by_path.get(self.inside(directory)).copied() else { continue };
            let listed = names.iter().filter_map(|name| shown.files.iter().find(|file| file.name == *name));
            lists.extend(listed.map(|listed| {
                let path = format!("{directory}/{}", listed.name);
                List { path, listed, directory, shown }
            }));
        }
        // Should the time not be enough: those of which nothing is known come first.
        lists.sort_by_key(|list| self.lists.contains_key(&list.path));
        let (this, end) = (&*self, Instant::now() + patience);
        let asked = stream::iter(&lists).map(|list| async move { (list, this.list(list, end).await) });
        let answers: Vec<(&List<'_>, Result<HashList, Error>)> = asked.buffered(AT_ONCE).collect().await;
        let (mut kept, mut unread) = (HashLists::new(), Vec::new());
        let mut said: BTreeMap<&str, (&Shown<'_>, BTreeMap<String, Version>)> = BTreeMap::new();
        for (list, answer) in answers {
            let (_, files) = said.entry(list.directory).or_insert((list.shown, BTreeMap::new()));
            let known = self.lists.get(&list.path);
            match answer {
                Ok(now) => {
                    hashes::add_list(&now.said, |_| true, files);
                    kept.insert(list.path.clone(), now);
                    continue;
                }
                Err(Error::Unread) => unread.push(&*list.path),
                Err(cause) => self.odd.push(format!("hashes {}: {cause}", list.path)),
            }
            if let Some(known) = known {
                hashes::add_list(&known.said, |name| list.is_still_of(known, name), files);
                kept.insert(list.path.clone(), known.clone());
            }
        }
        if let [first, others @ ..] = &*unread {
            let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
            let (cause, seconds) = (Error::Unread, patience.as_secs_f64());
            self.odd.push(format!("hashes {first}{more}: {cause} within {seconds} s"));
        }
        (images(said), kept)
    }

    /// What a list says now.
    async fn list(&self, list: &List<'_>, end: Instant) -> Result<HashList, Error> {
        let Listed { size, time, .. } = *list.listed;
        let known = self.lists.get(&list.path);
        // Over a network only what has changed is asked for.
        let same = known.filter(|known| self.reader.is_remote() && (known.size, known.time) == (size, time));
        if let Some(known) = same {
            return Ok(known.clone());
        }
        let content = timeout_at(end, self.reader.read(self.inside(&list.path), LONGEST)).await;
        let content = content.map_err(|_| Error::Unread)??;
        let said = hashes::lines(&String::from_utf8_lossy(&content));
        // As with indexes: what is read may be a copy of the one before it, of the same size.
        let is_another = known.is_some_and(|known| known.said != said);
        let is_settled = self.now.saturating_sub(time) >= SETTLED;
        let is_as_listed = content.len() as u64 == size && (is_another || is_settled);
        Ok(HashList { size: if is_as_listed { size } else { AGAIN.0 }, time, said })
    }
}

impl List<'_> {
    /// Whether what a list said of a file, which it may say no longer, is about the file that is there.
    fn is_still_of(&self, known: &HashList, name: &str) -> bool {
        let is_it = |file: &&Listed| file.name == name;
        known.time == self.listed.time
            || self.shown.files.iter().find(is_it).is_some_and(|file| file.time <= known.time)
    }
}

/// Files by what is said in their directories.
fn images(said: BTreeMap<&str, (&Shown<'_>, BTreeMap<String, Version>)>) -> Vec<Image> {
    let mut images = Vec::new();
    for (path, (shown, files)) in said {
        for (name, mut version) in files {
            match shown.files.iter().find(|file| file.name == name) {
                Some(file) => (version.size, version.time) = (file.size, file.time),
                // One of many, of which not all were kept.
                None if !shown.is_whole => {}
                None => continue,
            }
            images.push(Image { path: format!("{path}/{name}"), version });
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::site::Contents,
        http::{Client, address::Addresses},
        progress::Progress,
        run::{primary::contents::Reader, tree::Directory},
        store::tree::Indexes,
    };
    use std::net::TcpListener;

    fn listed(name: &str, size: u64, time: u64) -> Listed {
        Listed { name: name.into(), size, time }
    }

    #[test]
    fn lists_that_nobody_answers_for_do_not_hold_the_run_and_say_what_they_said() {
        // Takes connections, and says nothing.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let contents = Contents::Web(format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap());
        let addresses = Addresses::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let client = Client::new("https://example.org/", addresses).unwrap();
        let count = 3 * AT_ONCE as u32;
        let directories = (0..count).map(|at| Directory { path: format!("d{at}"), category: 0, unit: at });
        let plan = Plan {
            directories: directories.collect(),
            lists: (0..count).map(|at| (at, vec!["CHECKSUM".into()])).collect(),
            ..Plan::default()
        };
        // The first file is as old as when the list was read, the second is newer.
        let files = [listed("a.iso", 9, 5), listed("b.iso", 9, 6), listed("CHECKSUM", 150, 7)];
        let shown = |at: u32| Shown { path: format!("d{at}"), files: &files, is_whole: true };
        let shown: Vec<Shown<'_>> = (0..count).map(shown).collect();
        let (hash, other) = ("ab".repeat(32), "cd".repeat(32));
        let said = format!("{hash}  a.iso\n{other}  b.iso\n");
        let known = HashLists::from([("d0/CHECKSUM".into(), HashList { size: 150, time: 5, said })]);
        let (indexes, progress) = (Indexes::new(), Progress::start());
        let mut reading = Reading {
            reader: Reader::new(&contents, &client),
            prefix: "",
            before: &indexes,
            lists: &known,
            now: 1_000_000,
            odd: Vec::new(),
            progress: &progress,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let patience = Duration::from_millis(100);
        let (images, kept) = runtime.block_on(reading.images(&plan, &shown, patience));
        assert_eq!(kept, known);
        let version = Version { size: 9, time: 5, sha256: hash, ..Version::default() };
        assert_eq!(images, [Image { path: "d0/a.iso".into(), version }]);
        assert_eq!(reading.odd, ["hashes d1/CHECKSUM, and 23 more: not read within 0.1 s"]);
    }
}
