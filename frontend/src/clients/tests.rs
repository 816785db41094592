//! Who makes room, and who is cut off, with a clock of the tests' own.

use super::*;
use program::options;

fn clients(most_unread: usize) -> Rc<Clients> {
    let limits = Limits { unsent: most_unread, ..options::defaults() };
    Rc::new(Clients::new(limits, 1, Arc::default()))
}

/// One that waits, and has been idle since then.
fn idle(clients: &Rc<Clients>, address: &str, since: Instant) -> Rc<Client> {
    let client = clients.enter(Peer::Address(address.parse().unwrap()));
    client.waits.set(true);
    client.since.set(since);
    client
}

/// Which of these were told this, and not before.
fn told(all: &[Rc<Client>], order: Order, before: &[usize]) -> Vec<usize> {
    (0..all.len()).filter(|at| all[*at].order.get() == order && !before.contains(at)).collect()
}

#[test]
fn the_longest_idle_of_the_address_that_has_most_goes_first_and_who_asks_stays() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let clients = clients(1);
    let all = [
        idle(&clients, "192.0.2.1", at(0)),
        idle(&clients, "2001:db8::1", at(3)),
        idle(&clients, "2001:db8::2", at(2)),
        idle(&clients, "2001:db8::3", at(1)),
        idle(&clients, "2001:db8::4", at(9)),
    ];
    // One of the crowd is asking, and another has only just stopped.
    all[3].waits.set(false);
    let mut order = Vec::new();
    for _ in 0..5 {
        clients.make_room(at(10) + Duration::from_millis(500));
        order.extend(told(&all, Order::MakeRoom, &order));
    }
    assert_eq!(order, [2, 1, 4, 0]);
}

#[test]
fn who_has_gone_no_longer_makes_a_crowd() {
    let start = Instant::now();
    let now = start + Duration::from_secs(10);
    let clients = clients(1);
    let quiet = idle(&clients, "192.0.2.1", start);
    let crowd = [(); 3].map(|()| idle(&clients, "192.0.2.2", start));
    clients.make_room(now);
    assert_eq!(told(&crowd, Order::MakeRoom, &[]).len(), 1);
    let left = crowd.into_iter().next().unwrap();
    left.since.set(now);
    clients.make_room(now + GOOD_FOR);
    assert_eq!(quiet.order.get(), Order::MakeRoom);
    drop((quiet, left));
    assert!(clients.all.borrow().is_empty());
}

#[test]
fn however_many_want_to_get_in_all_are_looked_at_once_in_a_while() {
    let start = Instant::now();
    let now = start + Duration::from_secs(10);
    let at = |seconds| start + Duration::from_secs(seconds);
    let clients = clients(1);
    let mut all: Vec<_> =
        (1..=4).map(|number| idle(&clients, &format!("192.0.2.{number}"), at(number))).collect();
    clients.make_room(now);
    assert_eq!(told(&all, Order::MakeRoom, &[]), [0]);
    // One asks, and another has made way for one that has only just come.
    all[1].waits(false);
    all[1].waits(true);
    all[1].since.set(now);
    drop(all.remove(2));
    all.push(idle(&clients, "192.0.2.5", now));
    all.push(idle(&clients, "192.0.2.6", start));
    clients.make_room(now);
    assert_eq!(told(&all, Order::MakeRoom, &[0]), [2], "the fourth");
    clients.make_room(now);
    assert_eq!(told(&all, Order::MakeRoom, &[0, 2]), [0; 0], "the last was not there yet");
    clients.make_room(now + GOOD_FOR);
    assert_eq!(told(&all, Order::MakeRoom, &[0, 2]), [4]);
}

/// One whose answer does not fit, since then, and that has taken so much of it.
fn reader(clients: &Rc<Clients>, answer: usize, since: Instant, taken: usize) -> Rc<Client> {
    let client = clients.enter(Peer::Unix);
    client.answer.set(answer);
    client.phase.set(Phase::Unread);
    clients.unread.set(clients.unread.get() + answer);
    clients.readers.borrow_mut().insert(client.key);
    client.since.set(since);
    client.offered.set(100_000);
    client.on_written(taken);
    client.on_unread(100_000);
    client
}

#[test]
fn the_slowest_goes_first_and_one_is_left() {
    let start = Instant::now();
    let now = start + Duration::from_secs(10);
    // One that sips, one that reads slowly and steadily, two that have just come, and one that reads nothing.
    let readers = [(start, 10_000), (start, 200_000), (now, 0), (now, 0), (start, 0)];
    for (limit, gone) in [(250, &[][..]), (249, &[4]), (199, &[0, 4]), (149, &[0, 3, 4]), (1, &[0, 2, 3, 4])]
    {
        let clients = clients(limit);
        let all = readers.map(|(since, taken)| reader(&clients, 50, since, taken));
        clients.cut_off_slowest(now);
        assert_eq!(told(&all, Order::End, &[]), gone, "{limit}");
        // They are told once, and the others stay.
        clients.cut_off_slowest(now);
        assert_eq!(told(&all, Order::End, &[]), gone, "{limit}");
        assert_eq!(clients.counters.slow_readers.get(), gone.len() as u64);
        assert_eq!(clients.unread.get(), 5 * 50);
        // Who has read all, asks again, or is gone no longer counts.
        all[0].on_flushed();
        all[1].on_request(false);
        assert_eq!(clients.unread.get(), 3 * 50);
        assert_eq!(clients.readers.borrow().len(), 3);
        drop(all);
        assert_eq!(clients.unread.get(), 0);
        assert!(clients.readers.borrow().is_empty());
    }
}
