//! The client behind proxies, as the front end finds it, against the model's reading of SPEC.md §2.

use crate::{
    dice::Dice,
    model::forwarded::client,
    random_hops::{ADDRESSES, TRUSTED, any, trusted},
    setting::setting,
};
use std::net::IpAddr;
use wire::net::{Peer, Trusted};

#[test]
fn the_client_behind_proxies_is_the_one_that_the_model_finds() {
    let mut dice = Dice::new(setting("ORACLE_SEED", 1));
    let prefixes = trusted();
    let trusted = Trusted::new(TRUSTED.iter().map(|text| text.parse().expect("a prefix")));
    for _ in 0..setting("ORACLE_REQUESTS", 10_000) {
        let peer: Option<IpAddr> =
            (!dice.percent(20)).then(|| dice.pick(&ADDRESSES).parse().expect("an address"));
        let lines = any(&mut dice);
        let found = trusted.client(peer.map_or(Peer::Unix, Peer::Address), lines.iter().map(Vec::as_slice));
        let shown: Vec<String> = lines.iter().map(|line| line.escape_ascii().to_string()).collect();
        assert_eq!(found, client(peer, &prefixes, &lines), "from {peer:?}: {shown:?}");
    }
}
