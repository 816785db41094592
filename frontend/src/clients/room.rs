//! Which connection is closed so that another one gets in.
//!
//! One of those that want nothing at the moment: of the address that has most connections the one that has been idle for
//! the longest, so that whoever takes all places loses his own. Who is to go next is found out for several at a time, for
//! that looks at every connection of the thread.

use super::Client;
use std::{
    cmp::Reverse,
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    rc::Rc,
    time::{Duration, Instant},
};
use wire::net::Peer;

/// How many are found at a time.
const AT_ONCE: usize = 32;

/// For how long what was found is good: who has most may soon be another one.
const GOOD_FOR: Duration = Duration::from_millis(100);

/// The connections that are to go next, all of the same address and the first to go last.
#[derive(Debug, Default)]
pub(super) struct Room {
    next: Vec<Rc<Client>>,
    found: Option<Instant>,
}

impl Room {
    /// The next one to go at `now`, if there is one among `all`.
    pub(super) fn next(&mut self, now: Instant, all: impl FnOnce() -> Vec<Rc<Client>>) -> Option<Rc<Client>> {
        let is_good = self.found.is_some_and(|found| now.duration_since(found) < GOOD_FOR);
        while let Some(client) = self.next.pop().filter(|_| is_good) {
            // It may have asked for something meanwhile, or have ended.
            if client.is_dispensable(now) {
                return Some(client);
            }
        }
        (self.next, self.found) = (dispensable(&all(), now), Some(now));
        self.next.pop()
    }
}

/// Those of the address that has most of `all`, among the addresses that have any to spare.
fn dispensable(all: &[Rc<Client>], now: Instant) -> Vec<Rc<Client>> {
    let mut count: HashMap<_, usize> = HashMap::new();
    for client in all {
        *count.entry(whose(client)).or_default() += 1;
    }
    let found = || all.iter().filter(|client| client.is_dispensable(now));
    let most = found().map(|client| whose(client)).max_by_key(|whose| count.get(whose));
    let mut next: Vec<_> = found().filter(|client| Some(whose(client)) == most).map(Rc::clone).collect();
    next.sort_unstable_by_key(|client| Reverse(client.since.get()));
    next.drain(..next.len().saturating_sub(AT_ONCE));
    next
}

/// Whose connections are counted together: an IPv4 address, the first half of an IPv6 address, which is what one customer
/// has at least, or nobody for all who come over a socket file.
fn whose(client: &Client) -> Option<IpAddr> {
    match client.peer {
        Peer::Address(IpAddr::V6(address)) => Some(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
        Peer::Address(address) => Some(address),
        Peer::Unix => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Order, *};

    fn client(address: &str, idle_since: Instant) -> Rc<Client> {
        let client = Client::new(Peer::Address(address.parse().unwrap()));
        client.waits.set(true);
        client.since.set(idle_since);
        Rc::new(client)
    }

    #[test]
    fn the_longest_idle_of_the_address_that_has_most_goes_first_and_who_asks_stays() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let all = vec![
            client("192.0.2.1", at(0)),
            client("2001:db8::1", at(3)),
            client("2001:db8::2", at(2)),
            client("2001:db8::3", at(1)),
            client("2001:db8::4", at(9)),
        ];
        // One of the crowd is asking, and another has only just stopped.
        all[3].waits.set(false);
        let mut room = Room::default();
        let mut next = || room.next(at(10) + Duration::from_millis(500), || all.clone());
        let mut order = Vec::new();
        while let Some(gone) = next() {
            gone.order.set(Order::MakeRoom);
            order.push(all.iter().position(|client| Rc::ptr_eq(client, &gone)).unwrap());
        }
        assert_eq!(order, [2, 1, 4, 0]);
    }

    #[test]
    fn what_was_found_is_of_one_address_and_not_good_for_long() {
        let start = Instant::now();
        let now = start + Duration::from_secs(10);
        let quiet = client("192.0.2.1", start);
        let crowd: Vec<_> = (0..3).map(|_| client("192.0.2.2", now)).collect();
        crowd[0].since.set(start);
        let all: Vec<_> = crowd.iter().chain([&quiet]).map(Rc::clone).collect();
        let mut room = Room::default();
        let mut next = |now| room.next(now, || all.clone()).inspect(|gone| gone.order.set(Order::MakeRoom));
        assert!(Rc::ptr_eq(&next(now).unwrap(), &crowd[0]));
        // Of the crowd more are idle by now, and they still have most.
        crowd.iter().for_each(|client| client.since.set(start));
        assert!(!Rc::ptr_eq(&next(now).unwrap(), &quiet));
        // Later the crowd has gone.
        crowd[1..].iter().for_each(|client| client.waits.set(false));
        assert!(Rc::ptr_eq(&next(now + GOOD_FOR).unwrap(), &quiet));
    }

    #[test]
    fn who_has_asked_since_it_was_chosen_stays() {
        let start = Instant::now();
        let all: Vec<_> = (1..4).map(|last| client(&format!("192.0.2.{last}"), start)).collect();
        let now = start + Duration::from_secs(10);
        let mut room = Room::default();
        room.next(now, || all.clone()).unwrap().order.set(Order::MakeRoom);
        all.iter().for_each(|client| client.since.set(now));
        assert!(room.next(now, || all.clone()).is_none());
    }
}
