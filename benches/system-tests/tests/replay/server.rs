//! A server that is asked, and what is known about it.

use crate::{
    dice::Dice,
    exchange::Asked,
    http::Connection,
    judge::judge,
    model::{
        Model,
        prefix::{Prefix, plain},
    },
    request::Written,
    script::Step,
    tally::Tally,
};
use std::net::IpAddr;
use testkit::load::Target;

/// Differences after which asking on is of no use.
pub const ENOUGH: usize = 20;

/// A server, its model, and what came of asking.
pub struct Server {
    connections: Vec<(Connection, Option<IpAddr>)>,
    trusted: Vec<Prefix>,
    pub model: Model,
    pub tally: Tally,
    /// Lines of the access log that there should be.
    pub log: Vec<String>,
    /// Requests that were answered differently, and how.
    pub differences: Vec<String>,
}

impl Server {
    /// A server that can be reached in these ways and believes these proxies, and us.
    pub fn new(targets: Vec<Target>, trusted: &[&str], model: Model) -> Server {
        let connect = |target: Target| {
            let mut connection = Connection::new(target);
            let peer = connection.peer().unwrap_or_else(|error| panic!("{error}"));
            (connection, peer)
        };
        let connections: Vec<_> = targets.into_iter().map(connect).collect();
        let mut trusted: Vec<Prefix> = trusted.iter().filter_map(|prefix| Prefix::parse(prefix)).collect();
        let peers = connections.iter().filter_map(|(_, peer)| *peer);
        trusted
            .extend(peers.map(|peer| Prefix::of(plain(peer), if plain(peer).is_ipv4() { 32 } else { 128 })));
        Server {
            connections,
            trusted,
            model,
            tally: Tally::default(),
            log: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Asks as it stands: an unknown client over the last way, which may be a UNIX socket, all others over the first.
    pub fn ask(&mut self, step: Step) {
        let way = if step.asked.client.is_some() { 0 } else { self.connections.len() - 1 };
        let written = Written::plain(step.asked, &step.forwarded, self.connections[way].1, &self.trusted);
        self.send(way, &written);
    }

    /// Asks in some shape over some way.
    pub fn ask_somehow(&mut self, dice: &mut Dice, asked: Asked) {
        let way = dice.below(self.connections.len());
        let written = Written::any(dice, asked, self.connections[way].1, &self.trusted);
        self.send(way, &written);
    }

    fn send(&mut self, way: usize, written: &Written) {
        if self.differences.len() >= ENOUGH {
            return;
        }
        let (connection, _) = &mut self.connections[way];
        let answer = connection.ask(&written.bytes, written.verb == "HEAD");
        if written.last {
            connection.close();
        }
        match answer.and_then(|answer| judge(&self.model, written, &answer)) {
            Ok(Some(expected)) => {
                self.tally.count(&expected);
                self.log.extend(expected.log);
            }
            Ok(None) => {}
            Err(difference) => self.differences.push(format!("{written}\n{difference}")),
        }
    }

    /// Panics with the differences, if there were any.
    pub fn agrees(&self, name: &str) {
        println!("{name}: {} answers compared: {:?}", self.tally.total(), self.tally);
        let differences = self.differences.join("\n\n");
        assert!(differences.is_empty(), "{name}, {:?}:\n{differences}", self.model.rules);
    }
}
