//! Where mirrors cannot lead us: servers on addresses that are not allowed count connections, and count none.

use crate::{
    server::{Manner, Server},
    world::{CURRENT, World},
};
use std::net::{Ipv4Addr, Ipv6Addr};

#[test]
fn redirects_and_names_lead_to_no_address_that_is_not_allowed() {
    let secret = Server::start(Manner::Has(CURRENT));
    let six = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let secret_six = six.then(|| Server::at(Ipv6Addr::LOCALHOST.into(), Manner::Has(CURRENT), None));
    let port = secret.address.port();
    let mut ways = vec![
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://LOCALHOST.:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://user:word@127.0.0.1:{port}/"),
    ];
    ways.extend(secret_six.iter().map(|server| format!("http://[::1]:{}/", server.address.port())));
    // Mirrors at an address that is allowed: some lead there, in one step or two.
    let at = |manner| Server::at(Ipv4Addr::new(127, 0, 0, 2).into(), manner, None);
    let second: Vec<_> = ways.iter().map(|way| at(Manner::Leads(way.clone()))).collect();
    let mut servers: Vec<_> = ways.iter().map(|way| at(Manner::Leads(way.clone()))).collect();
    servers.extend(second.iter().map(|server| at(Manner::Leads(server.url("on")))));
    let good = at(Manner::Has(CURRENT));
    servers.push(at(Manner::Leads(good.url("here/repomd.xml"))));
    let mut world = World::of(servers);
    world.config.allow_addresses = vec!["127.0.0.2/32".parse().unwrap()];
    // Others are there from the beginning.
    for (way, id) in ways.iter().filter(|way| way.starts_with("http")).zip(1000..) {
        world.list.hcurl.push(crate::world::url(id, &format!("{way}linux")));
        for record in &mut world.list.mirror_list {
            record.global.push(id);
            let value = vec![id];
            record.by_host_id.push(interchange::message::IntInts { key: Some(id), value });
        }
    }
    world.publish();
    // What cannot be contacted can be said nothing of, but for names that do not exist at all.
    let summary = world.rounds(3);
    assert!(summary.figures.good == 1 && summary.figures.unknown >= 2 * ways.len() as u64, "{summary:?}");
    assert_eq!(secret.connections(), 0);
    assert!(secret_six.is_none_or(|server| server.connections() == 0));
    assert!(good.connections() > 0 && second.iter().all(|server| server.connections() > 0));
    let said = world.json("mirrors.json").to_string();
    assert!(said.contains("leads to 127.0.0.1, which is no public address"), "{said}");
}

#[test]
fn redirects_are_followed_five_times_and_to_http_and_https_alone() {
    let end = Server::start(Manner::Has(CURRENT));
    let mut chain = vec![end.url("end/repomd.xml")];
    for _ in 0..6 {
        chain.push(Server::start(Manner::Leads(chain.last().unwrap().clone())).url("on"));
    }
    let servers = [
        chain[4].clone(),
        chain[5].clone(),
        "ftp://127.0.0.1/pub".into(),
        "file:///etc/passwd".into(),
        "http://".into(),
    ];
    let mut servers: Vec<_> = servers.into_iter().map(|to| Server::start(Manner::Leads(to))).collect();
    servers.push(Server::start(Manner::Has(CURRENT)));
    // Round and round.
    servers[5].set(Manner::Leads(servers[5].url("again")));
    servers.extend((0..6).map(|_| Server::start(Manner::Has(CURRENT))));
    let mut world = World::of(servers);
    world.rounds(3);
    // Six redirects: the server's own, and five of the chain.
    assert_eq!(world.suspended(), world.urls([1, 5]));
    assert!(world.lines().iter().all(|line| line.reason == "more than 5 redirects"), "{:?}", world.lines());
    let unknown = |at: usize| world.json("mirrors.json")["mirrors"][at]["urls"][0]["answer"] == "unknown";
    assert!(unknown(2) && unknown(3) && unknown(4) && !unknown(0));
}
