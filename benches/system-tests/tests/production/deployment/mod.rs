//! The largest deployment known, replayed on loopback with ours in place of its two servers and its script.
//!
//! Each hour MirrorManager's files come by `rsync --delay-updates`, a cache is built from them and the daemon takes it.
//! Clients ask Apache, which relays lists and metalinks to HAProxy and turns downloads into redirects; HAProxy relays
//! to the front end, which it asks for a metalink every second, by HTTP/1.0. The access log is copied and cut while it
//! is written. Here an hour is a moment: twenty updates under load, and neither HAProxy nor any client notices one.

mod haproxy;
mod proxies;
mod rsync;
mod site;

use crate::{
    support::{
        curl::{Answer, curl},
        has, programs, wait_until,
    },
    web::logrotate::{copytruncate, example, rotate, whole_lines},
};
use cache::{CacheBytes, View};
use site::Site;
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use testkit::load::{
    Outcome, Plan, Target,
    questions::{Kind, questions},
    run,
};

const UPDATES: u64 = 20;
/// Within a second, when the machine has nothing else to do; ten times as long is too long in any case.
const MOST: Duration = Duration::from_secs(10);
/// Long enough for HAProxy to look in between.
const BETWEEN_UPDATES: Duration = Duration::from_millis(500);

const LIST: &str = "http://mirrors.example.org/mirrorlist?repo=fedora-42&arch=x86_64&time";
const DOWNLOAD: &str =
    "download.example.org/pub/fedora/linux/releases/42/Everything/x86_64/os/Packages/gtk+.rpm";

/// Requests about all that the cache holds, through Apache, until told to stop.
fn load(web: SocketAddr, cache: &Path, keep_alive: bool, stop: &AtomicBool) -> Outcome {
    let bytes = CacheBytes::read(cache).unwrap();
    let asked = questions(&View::check(&bytes).unwrap(), Kind::Mix, 1024, 1);
    let plan = Plan {
        target: Target::Tcp(web),
        connections: 4,
        pipeline: 1,
        keep_alive,
        requests: u64::MAX,
        limit: Duration::from_secs(300),
    };
    run(&plan, &asked, stop).unwrap()
}

fn database_time(answer: &Answer) -> Option<u64> {
    answer.body.lines().nth(1)?.strip_prefix("# database creation time: ")?.parse().ok()
}

/// Brings an update and returns how long it took from the new cache's arrival to an answer from it.
fn update(site: &mut Site, number: u64) -> Duration {
    let time = site.publish(number);
    site.fetch();
    site.build();
    let arrived = Instant::now();
    let answers_from_it = || database_time(&curl(site.web(), LIST, &[])) == Some(time);
    if number.is_multiple_of(2) {
        site.signal();
        wait_until("an answer from the new data", answers_from_it);
    } else {
        site.reload();
        assert!(answers_from_it(), "update {number}: the reload is over, and answers are old");
    }
    arrived.elapsed()
}

/// A download leads to a mirror by the scheme of the client, whatever happens.
fn download(site: &Site) {
    for (scheme, address) in [("http", site.web()), ("https", site.web_tls())] {
        let answer = curl(address, &format!("{scheme}://{DOWNLOAD}"), &[]);
        let location = answer.header("location");
        let is_there =
            location.starts_with(&format!("{scheme}://")) && location.ends_with("/Packages/gtk+.rpm");
        assert!(answer.status == 302 && is_there, "{answer:?}");
    }
}

#[test]
fn twenty_updates_under_load_are_noticed_by_nobody() {
    if !has(&["apache2", "haproxy", "rsync", "logrotate", "curl", "openssl"]) {
        return;
    }
    let mut site = Site::start(&programs());
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = [true, false]
        .map(|keep_alive| {
            let (stop, web, cache) = (Arc::clone(&stop), site.web(), site.cache());
            thread::spawn(move || load(web, &cache, keep_alive, &stop))
        })
        .into();

    let (mut took, mut logged) = (Vec::new(), 0);
    let rotation = copytruncate(&example(&site.log(), site.stack.daemon.pid()));
    for number in 1..=UPDATES {
        took.push(update(&mut site, number));
        download(&site);
        if number.is_multiple_of(5) {
            rotate(site.folder(), &rotation);
            logged += whole_lines(&site.folder().join("access.log.1"));
        }
        thread::sleep(BETWEEN_UPDATES);
    }
    stop.store(true, Ordering::Relaxed);
    let outcomes: Vec<Outcome> = clients.into_iter().map(|thread| thread.join().unwrap()).collect();

    let seen = site.haproxy();
    let answered: u64 = outcomes.iter().map(|outcome| outcome.answered).sum();
    let longest = took.iter().max().unwrap();
    let mean = took.iter().sum::<Duration>() / took.len() as u32;
    eprintln!(
        "{UPDATES} updates, {answered} answers: from the cache's arrival to its first answer {mean:.0?}, \
        {longest:.0?} at most; longest answer {:.0?}; HAProxy: {seen:?}; {logged} lines logged before the last rotation",
        Duration::from_micros(outcomes.iter().map(|outcome| outcome.latency.max()).max().unwrap()),
    );
    for outcome in &outcomes {
        assert_eq!((outcome.failed(), &outcome.failures), (0, &Default::default()));
        assert!(outcome.answered > 100, "{outcome:?}");
    }
    assert_eq!((seen.status.as_str(), seen.last_check.as_str()), ("UP", "L7OK"));
    // That one check took longer than a second may be the machine's fault, which is a busy one.
    assert_eq!(seen.times_down, 0);
    assert_eq!((seen.connection_errors, seen.response_errors, seen.answers_5xx), (0, 0, 0), "{seen:?}");
    assert!(took.iter().all(|took| *took < MOST), "{took:?}");
    assert!(logged > 0 && fs::metadata(site.log()).unwrap().len() > 0, "{logged}");
    assert_eq!(site.generation(), UPDATES + 1);
}
