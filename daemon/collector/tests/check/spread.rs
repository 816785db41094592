//! How far a repository has spread, by which family hosts answer, and who could be asked by https.

use crate::{
    server::{Manner, Server},
    world::{BEGIN, CURRENT, World},
};
use collector::{
    check::seconds::{DAY, HOUR},
    store::Store,
};
use serde_json::json;
use std::net::Ipv6Addr;

#[test]
fn hosts_are_counted_by_age_once_an_hour_the_dead_ones_too() {
    let mut world = World::new(10);
    world.config.propagation =
        vec!["linux-1+x86_64".into(), "linux-2+x86_64".into(), "unknown+x86_64".into()];
    for (server, manner) in [
        (1, Manner::Has(CURRENT + 60)),
        (2, Manner::Has(CURRENT - 3600)),
        (3, Manner::Has(CURRENT - 100_000)),
        (4, Manner::Has(CURRENT - 1_000_000)),
        (5, Manner::Status(503)),
        (6, Manner::Lacks("9/b/os", CURRENT)),
    ] {
        world.servers[server].set(manner);
    }
    world.servers[7].die();
    // Host 7 is not said to have the repository, and has it not.
    world.list.mirror_list[1].by_host_id.retain(|record| record.key != Some(7));
    world.publish();
    world.rounds(5);
    let file = world.json("propagation.json");
    let repository = |name: usize| &file["repositories"][name];
    let hour = BEGIN / HOUR * HOUR;
    let counts = |current, no_answer| json!([{ "hour": hour, "current": current, "one_day": 1, "two_days": 1, "older": 1, "no_answer": no_answer }]);
    assert_eq!(repository(0)["hours"], counts(4, 2));
    // The one that lacks the other repository has this one.
    assert_eq!(repository(1)["hours"], counts(5, 2));
    assert_eq!(repository(2), &json!({ "name": "unknown+x86_64", "hours": [], "hosts": [] }));
    let of_host = |id: usize, age: &str| json!({ "id": id, "name": format!("mirror {id}"), "age": age, "since": BEGIN });
    let hosts = repository(0)["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 9);
    assert_eq!((&hosts[2], &hosts[4]), (&of_host(3, "one_day"), &of_host(5, "older")));
    // Once an hour each, in rounds of its own; others go round as always.
    let asked = |server: usize, path: &str| {
        world.servers[server].requests().iter().filter(|request| request.contains(path)).count()
    };
    assert_eq!(["9/a/os", "9/b/os", "9/c/os"].map(|path| asked(0, path)).iter().sum::<usize>(), 5);

    // An hour later one has caught up.
    world.now += HOUR;
    world.servers[4].set(Manner::Has(CURRENT));
    world.rounds(1);
    let file = world.json("propagation.json");
    let hours = file["repositories"][0]["hours"].as_array().unwrap();
    assert_eq!((hours.len(), &hours[1]["current"], &hours[1]["older"]), (2, &json!(5), &json!(0)));
    assert_eq!(file["repositories"][0]["hosts"][4]["since"], json!(world.now));
    let store = Store::open_to_read(&world.config.state).unwrap();
    assert_eq!(store.last_hours().unwrap()["linux-1+x86_64"].current, 5);
}

#[test]
fn hosts_that_are_no_longer_measured_are_not_told_of() {
    let mut world = World::new(6);
    world.config.propagation = vec!["linux-1+x86_64".into()];
    world.servers[3].set(Manner::Has(CURRENT - 1_000_000));
    let all = world.list.clone();
    world.round();
    let of_fourth = |world: &World| {
        let file = world.json("propagation.json");
        let hosts = file["repositories"][0]["hosts"].as_array().unwrap().clone();
        hosts.into_iter().find(|host| host["id"] == 4)
    };
    assert_eq!(of_fourth(&world).unwrap()["since"], json!(BEGIN));
    let without = |world: &mut World, later: u64| {
        for directory in &mut world.list.mirror_list {
            directory.global.retain(|host| *host != 4);
            directory.by_host_id.retain(|record| record.key != Some(4));
        }
        world.publish();
        world.now += HOUR;
        world.round();
        assert_eq!(of_fourth(world), None);
        world.list = all.clone();
        world.publish();
        world.now += later;
        world.round();
    };
    // For an hour nobody has asked it: it is as it was.
    without(&mut world, HOUR);
    let back = of_fourth(&world).unwrap();
    assert_eq!((&back["age"], &back["since"]), (&json!("older"), &json!(BEGIN)));
    // For days.
    without(&mut world, 3 * DAY);
    let back = of_fourth(&world).unwrap();
    assert_eq!((&back["age"], &back["since"]), (&json!("older"), &json!(world.now)));
}

#[test]
fn a_round_that_is_not_believed_measures_nothing() {
    let mut world = World::new(6);
    world.config.propagation = vec!["linux-0+x86_64".into()];
    world.servers.iter().for_each(|server| server.die());
    world.rounds(2);
    assert!(!world.output("propagation.json").exists());
    world.servers.iter().for_each(|server| server.revive());
    world.round();
    assert_eq!(world.json("propagation.json")["repositories"][0]["hours"][0]["current"], 6);
}

#[test]
fn families_are_those_by_which_a_host_takes_connections() {
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("skipped: no IPv6 on this machine");
        return;
    }
    let six = Server::at(Ipv6Addr::LOCALHOST.into(), Manner::Has(CURRENT), None);
    let four = Server::start(Manner::Has(CURRENT));
    let mut world = World::of(vec![four, six, Server::start(Manner::Has(CURRENT))]);
    world.config.allow_addresses.push("::1/128".parse().unwrap());
    world.round();
    let families = |world: &World| {
        let file = world.json("mirrors.json");
        [0, 1, 2].map(|mirror| file["mirrors"][mirror]["families"].clone())
    };
    assert_eq!(families(&world), [json!([4]), json!([6]), json!([4])]);
    world.servers[2].die();
    world.rounds(2);
    assert_eq!(families(&world)[2], json!([4]));
    world.round();
    assert_eq!(families(&world), [json!([4]), json!([6]), json!([])]);
    // The only one by IPv6: nobody answers by it, which says nothing.
    world.servers[1].die();
    world.rounds(4);
    assert_eq!(families(&world)[1], json!([6]));
}
