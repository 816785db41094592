use super::*;
use crate::{
    config::site::{Contents, Listing},
    http::address::Addresses,
    run::{
        tree::{Repository, Tree, Unit},
        versions::Known,
    },
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

const NOW: u64 = 1_800_000_000;

fn repomd(time: u64) -> String {
    format!("<repomd><data type=\"primary\"><timestamp>{time}</timestamp></data></repomd>\n")
}

/// A primary over HTTP that has each request answered in a thread of its own.
fn primary(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Primary {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let path = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.to_owned()));
                lines.find(String::is_empty);
                answer(&path.unwrap_or_default(), &mut stream);
            });
        }
    });
    Primary {
        listing: Listing::List("list".into()),
        contents: Contents::Web(base),
        prefix: String::new(),
        keep_previous: 86_400,
        keep_older: 86_400,
    }
}

fn say(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    // How the client takes it is for the client to say.
    let _ = stream.write_all((head + body).as_bytes());
}

/// A tree of so many repositories, whose indexes are of a day ago.
fn read(count: u32) -> Read {
    let before = repomd(NOW - 86_400);
    let version = hashes::version(before.as_bytes(), NOW - 86_400);
    let mut tree = Tree::default();
    let mut indexes = crate::store::tree::Indexes::new();
    for at in 0..count {
        let index = format!("{at}/repodata/repomd.xml");
        let repository = Repository {
            name: format!("r{at}"),
            arch: "x86_64".into(),
            index: index.clone(),
            versions: vec![version.clone()],
        };
        tree.units.push(Unit {
            path: at.to_string(),
            category: 0,
            repository: Some(repository),
            newest: Vec::new(),
        });
        let versions = vec![Known { since: NOW - 86_400, version: version.clone() }];
        indexes.insert(index, Index { size: 1, time: 1, missed: 0, versions });
    }
    let lists = crate::store::tree::HashLists::new();
    Read { tree, indexes, lists, there: Vec::new(), repositories: u64::from(count), odd: Vec::new() }
}

/// Reads all again; the times of each one's versions then.
fn again(primary: &Primary, count: u32, patience: Duration) -> Vec<Vec<u64>> {
    let client = Client::new("https://example.org/", Addresses::new(vec!["127.0.0.0/8".parse().unwrap()]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut read = read(count);
    let units = (0..count).collect();
    runtime.block_on(read.again(primary, client.as_ref().unwrap(), &units, patience, NOW));
    assert!(read.indexes.values().all(|index| (index.size, index.time) == AGAIN));
    let times = |unit: &Unit| {
        let versions = &unit.repository.as_ref().unwrap().versions;
        versions.iter().map(|version| version.time).collect()
    };
    read.tree.units.iter().map(times).collect()
}

#[test]
fn eight_are_read_at_a_time() {
    // Nobody gets an answer before all have asked.
    let all = Barrier::new(AT_ONCE);
    let primary = primary(move |_, stream| {
        all.wait();
        say(stream, &repomd(NOW));
    });
    let count = AT_ONCE as u32 * 2;
    assert_eq!(again(&primary, count, PATIENCE), vec![[NOW, NOW - 86_400]; count as usize]);
}

#[test]
fn a_primary_that_says_nothing_does_not_hold_the_run() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let primary = primary(move |_, stream| {
        counted.fetch_add(1, Ordering::Relaxed);
        // Until the client goes away.
        let _ = std::io::Read::read(stream, &mut [0]);
    });
    let count = AT_ONCE as u32 * 2;
    let times = again(&primary, count, Duration::from_millis(100));
    assert_eq!(times, vec![[NOW - 86_400]; count as usize]);
    assert!(asked.load(Ordering::Relaxed) <= AT_ONCE, "the second half was not asked for");
}

#[test]
fn what_a_copy_that_is_behind_answers_is_not_newer() {
    let primary = primary(|path, stream| match path {
        "/0/repodata/repomd.xml" => say(stream, &repomd(NOW - 86_401)),
        "/1/repodata/repomd.xml" => say(stream, &repomd(NOW - 86_400).replace("primary", "other")),
        "/2/repodata/repomd.xml" => say(stream, "<html>"),
        _ => say(stream, &repomd(NOW - 86_399)),
    });
    let before = NOW - 86_400;
    let times = again(&primary, 4, PATIENCE);
    assert_eq!(times, [&[before][..], &[before], &[before], &[NOW - 86_399, before]]);
}
