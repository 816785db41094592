//! https: a certificate that clients would not take counts against URLs of https, and against nothing else.

use crate::{
    apart::trusting,
    certificates::{authority, certificate, expired, has_openssl},
    primary::Primary,
    server::Server,
    world::{World, has, mirror, name},
};

#[test]
fn a_certificate_that_nobody_trusts_leaves_out_the_url_and_not_the_mirror() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path());
    let primary = Primary::new(3, 1);
    let files = primary.files();
    let start = || Server::with_tls(&files, certificate(folder.path(), "IP:127.77.0.1", true));
    let mut servers = vec![start(), start()];
    servers.extend((0..3).map(|_| Server::start(&files)));
    let mut world = World::of(primary, servers);
    // The first has an http URL, too; the second has not.
    let [https, http] = [world.servers[0].url(), world.servers[0].plain_url()];
    world.mirrors[0] = mirror(0, &[http, https.clone()]);
    let alone = world.servers[1].url();
    let (verdicts, summary) = world.run();
    assert_eq!((has(&verdicts, 0), has(&verdicts, 1)), (&[true; 4][..], &[false; 4][..]));
    assert_eq!(
        (&verdicts.mirrors[&name(0)].bad_urls, &verdicts.mirrors[&name(1)].bad_urls),
        (&vec![https], &vec![alone])
    );
    let [(silent, why)] = &*summary.silent else { panic!("{summary:?}") };
    assert!(*silent == name(1) && why.starts_with("TLS fails ("), "{why}");
}

#[test]
fn an_expired_certificate_and_one_of_another_name_count_against_https_alone() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path());
    let primary = Primary::new(3, 1);
    let files = primary.files();
    // Servers are on addresses that are not known before; their certificates are for all of these.
    let names: Vec<String> = (1..=250)
        .flat_map(|last| (0..16).map(move |low| (low, last)))
        .map(|(low, last)| {
            let third = (std::process::id() % 16) * 16 + low;
            format!("IP:127.77.{third}.{last}")
        })
        .collect();
    let good = certificate(folder.path(), &names.join(","), true);
    let other = certificate(folder.path(), "DNS:other.example", true);
    let past = expired(folder.path(), &names.join(","));
    let servers = [good, other, past].map(|config| Server::with_tls(&files, config));
    let mut world = World::of(primary, servers.into());
    for at in 0..3 {
        let urls = [world.servers[at].plain_url(), world.servers[at].url()];
        world.mirrors[at] = mirror(at, &urls);
    }
    let summary = trusting(&mut world, folder.path());
    assert_eq!((summary.good, &summary.silent), (12, &vec![]));
    let urls = |at: usize| world.store().record(&name(at)).unwrap().urls;
    let why = |at: usize, url: String| urls(at)[&url].why.clone();
    assert!(urls(0).values().all(|url| url.is_in()) && urls(0).len() == 2, "{:?}", urls(0));
    for (at, cause) in [(1, "not valid for name"), (2, "certificate expired")] {
        let https = world.servers[at].url();
        let said = why(at, https.clone())
            .replace("NotValidForName", "not valid for name")
            .replace("Expired", "certificate expired");
        assert!(said.starts_with("TLS fails (") && said.contains(cause), "{said}");
        assert!(!urls(at)[&https].is_in() && urls(at)[&world.servers[at].plain_url()].is_in());
    }
    // One connection after the other: https and then http, each kept open.
    assert_eq!(world.connections()[0], 2);
    // With a certificate that is good again, it is back.
    let mended = Server::with_tls(&files, certificate(folder.path(), &names.join(","), true));
    world.mirrors[2] = mirror(2, &[mended.url()]);
    let summary = trusting(&mut world, folder.path());
    assert_eq!(summary.good, 12);
}

#[test]
fn when_https_fails_with_most_mirrors_it_is_our_own_fault() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path());
    let primary = Primary::new(2, 1);
    let files = primary.files();
    let config = certificate(folder.path(), "IP:127.77.0.1", true);
    let mut world = World::of(primary, (0..3).map(|_| Server::with_tls(&files, config.clone())).collect());
    for at in 0..3 {
        world.mirrors[at] = mirror(at, &[world.servers[at].url(), world.servers[at].plain_url()]);
    }
    let (verdicts, summary) = world.run();
    assert_eq!(summary.good, 9);
    let brake = summary.brake.as_ref().unwrap();
    assert!(brake.starts_with("3 of 3 mirrors fail by https, which"), "{brake}");
    assert!(brake.ends_with("; no URL is left out for that"), "{brake}");
    let status = crate::status::text(&world, &[]);
    assert!(
        status.contains(&format!(
            "  brake      {brake}
"
        )),
        "{status}"
    );
    assert!(verdicts.mirrors.values().all(|mirror| mirror.bad_urls.is_empty()), "{verdicts:?}");
    // Not for ever: then each counts.
    for run in 2..=5 {
        let (verdicts, summary) = world.run();
        let held = summary.brake.is_some();
        assert_eq!((held, summary.good), (run <= 3, 9), "run {run}: {summary:?}");
        assert!(verdicts.mirrors.values().all(|mirror| mirror.bad_urls.is_empty() == held), "run {run}");
    }
}

#[test]
fn a_mirror_counts_once_however_many_dead_urls_of_https_its_file_has() {
    let mut world = World::new(Primary::new(2, 1), 3);
    world.run();
    let dead = (0..40).map(|at| format!("https://127.77.0.1:1/{at}/"));
    let urls: Vec<String> = dead.chain([world.servers[0].url()]).collect();
    world.mirrors[0] = mirror(0, &urls);
    for _ in 0..5 {
        let (_, summary) = world.run();
        assert_eq!((summary.brake, summary.braked_https, summary.good), (None, 0, 9));
    }
}

#[test]
fn mirrors_that_died_long_ago_do_not_spend_the_brake_for_the_others() {
    let mut world = World::new(Primary::new(2, 1), 8);
    for at in 0..3 {
        world.mirrors[at] = mirror(at, &["https://127.77.0.1:1/".to_owned()]);
    }
    // Nobody knows of a new state whether they ever worked; while they count, the brake is for them.
    let braked: Vec<u64> = (0..6).map(|_| world.run().1.braked_https).collect();
    assert_eq!(braked, [1, 2, 3, 4, 0, 0]);
}
