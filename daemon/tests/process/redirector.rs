//! The redirector's draw, which nobody keeps: every worker of every generation draws alike for a client, whatever order
//! a cache has its hosts in, and over clients the weights hold.

use crate::support::{
    Client, Daemon, Said,
    cache::{WEIGHTED_HOSTS, weight, write_weighted_cache},
    daemon::folder,
    until,
};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use wire::{Accept, Method, Request, UrlScheme, encode_request};

/// Networks of clients that ask.
const NETWORKS: u16 = 3_000;

/// Where a worker leads a client of each network.
fn locations(client: &mut Client) -> Vec<String> {
    let mut ask = |network: u16| {
        let [high, low] = network.to_be_bytes();
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Https,
            accept: Accept::NONE,
            client: Some([10, high, low, 9].into()),
            path: b"/dl/pub/fedora/42/os/x.rpm",
            query: b"",
        };
        let mut bytes = Vec::new();
        encode_request(&mut bytes, u64::from(network), &request);
        client.send(&bytes).unwrap();
        match client.hear().unwrap() {
            Some(Said::Reply(_, 302, body)) => body,
            other => panic!("no redirect but {other:?}"),
        }
    };
    (0..NETWORKS).map(&mut ask).collect()
}

/// What all workers of the daemon say, which is one thing.
fn of_all_workers(daemon: &Daemon, generation: u64) -> Vec<String> {
    let workers = daemon.workers();
    assert_eq!(workers.len(), 3);
    let mut all = workers.iter().map(|pid| {
        let mut client = daemon.connect_to(*pid);
        assert_eq!(client.hello.generation, generation);
        locations(&mut client)
    });
    let first = all.next().unwrap();
    for other in all {
        assert_eq!(other, first);
    }
    first
}

#[test]
fn every_worker_leads_a_client_to_one_mirror_after_reloads_and_rebuilds_and_over_clients_weights_hold() {
    let folder = folder();
    write_weighted_cache(&folder.path().join("cache.mlc"), false);
    // So long that it does not end while this runs.
    let options = ["--workers", "3", "--redirector", "/dl/", "--sticky", "3650d"];
    let daemon = Daemon::spawn_in(folder, &options);
    until("ready", || daemon.log().contains("generation 1 is ready"));
    let first = of_all_workers(&daemon, 1);

    // The same file, then one with its hosts in another order.
    for generation in [2, 3] {
        if generation == 3 {
            write_weighted_cache(&daemon.cache(), true);
        }
        daemon.signal(Signal::SIGHUP);
        until("reloaded", || daemon.log().contains(&format!("generation {generation} is ready")));
        until("the old workers' end", || daemon.workers().len() == 3);
        assert_eq!(of_all_workers(&daemon, generation), first);
    }

    let mut found: BTreeMap<&str, f64> = BTreeMap::new();
    for location in &first {
        *found.entry(location.split("://").nth(1).unwrap().split('.').next().unwrap()).or_default() += 1.0;
    }
    let all: u32 = (0..WEIGHTED_HOSTS).map(weight).sum();
    let chi: f64 = (0..WEIGHTED_HOSTS)
        .map(|host| {
            let expected = f64::from(NETWORKS) * f64::from(weight(host)) / f64::from(all);
            let found = found.get(&*host.to_string()).copied().unwrap_or_default();
            (found - expected).powi(2) / expected
        })
        .sum();
    // Eight degrees of freedom: beyond this once in ten thousand.
    assert!(chi < 31.8, "{chi}: {found:?}");
}
