//! Indexes of a primary over HTTP, of which mirrors have a later version, or which are not yet what is listed.

use crate::{
    primary::{Files, repomd},
    server::Server,
    site::{NOW, Site},
};
use std::sync::Arc;

const DAY: u64 = 86_400;

const SECTIONS: &str = "[[category]]\nname = 'Linux'\ntop = 'linux'\n\
                        [[repository]]\npath = '^linux/os$'\nname = 'os'\narch = 'x86_64'\n";

const INDEX: &str = "linux/os/repodata/repomd.xml";

/// A tree whose index is of one time inside, and of another one where it is listed.
fn files(time: u64, listed: u64) -> Arc<Files> {
    let index = repomd(0, time).into_bytes();
    let list = format!(
        "[Files]\n1\td\t0\tlinux\n1\td\t0\tlinux/os\n1\td\t0\tlinux/os/repodata\n{listed}\tf\t{}\t{INDEX}\n[End]\n",
        index.len()
    );
    Arc::new(Files::from([(INDEX.to_owned(), index), ("list".into(), list.into_bytes())]))
}

/// A primary, and a mirror of it.
fn site(files: &Arc<Files>) -> (Site, Arc<Server>, Arc<Server>) {
    let (primary, mirror) = (Server::start(files), Server::start(files));
    let mut site = Site::new(SECTIONS);
    site.primary = format!("file-list = 'list'\nchecksum-base = '{}'\n", primary.url());
    site.mirror("m.example", &format!("[urls]\nLinux = '{}linux'\n", mirror.url()));
    (site, primary, mirror)
}

/// The times of the versions that clients are told.
fn told(site: &Site) -> Vec<u64> {
    let list = site.list();
    assert_eq!(site.listed()["linux/os"].len(), 1);
    list.file_details[0].files[0].details.iter().map(|version| version.timestamp.unwrap()).collect()
}

/// How often the index was asked for since this was asked the last time.
fn asked(primary: &Server) -> usize {
    primary.requests().iter().filter(|head| head.starts_with(&format!("GET /{INDEX} "))).count()
}

#[test]
fn what_a_mirror_has_newer_is_read_again_in_the_same_run_whatever_is_listed() {
    let old = NOW - 10 * DAY;
    let (site, primary, mirror) = site(&files(old, old));
    site.run(NOW).unwrap();
    assert_eq!((told(&site), asked(&primary)), (vec![old], 1));
    site.run(NOW + 60).unwrap();
    assert_eq!(asked(&primary), 0);
    // The list lags behind.
    primary.set(&files(NOW, old));
    mirror.set(&files(NOW, old));
    let summary = site.run(NOW + 120).unwrap();
    assert_eq!(
        (summary.crawl.newer, told(&site), asked(&primary)),
        (vec!["linux/os".into()], vec![NOW, old], 1)
    );
    let summary = site.run(NOW + 180).unwrap();
    assert_eq!((summary.crawl.newer, told(&site)), (Vec::<String>::new(), vec![NOW, old]));
    // A mirror by itself makes no version.
    mirror.set(&files(NOW + 240, old));
    for run in 0..2 {
        assert_eq!(site.run(NOW + 240 + run).unwrap().crawl.newer, ["linux/os"]);
        assert_eq!(told(&site), [NOW, old]);
    }
    asked(&primary);
    primary.set(&files(NOW + 240, old));
    assert_eq!(site.run(NOW + 300).unwrap().crawl.newer, [""; 0]);
    assert_eq!((told(&site), asked(&primary)), (vec![NOW + 240, NOW], 1));
}

#[test]
fn an_index_that_is_read_for_the_first_time_may_be_an_old_copy_of_the_same_length() {
    let (old, new) = (NOW - 5 * DAY, NOW - 3600);
    let (site, primary, _mirror) = site(&files(old, new));
    site.run(NOW).unwrap();
    assert_eq!(told(&site), [old]);
    primary.set(&files(new, new));
    site.run(NOW + 60).unwrap();
    assert_eq!((told(&site), asked(&primary)), (vec![new, old], 2));
    site.run(NOW + 120).unwrap();
    assert_eq!(asked(&primary), 0);
}
