//! The switchboard's promises, with a clock of the tests' own.

use super::{super::links::MOST_UNREAD, *};
use bytes::Bytes;
use hyper::HeaderMap;
use program::options;
use std::{mem, time::Duration};
use wire::{Accept, Kind, Message, Method, ReplyHead, Tier, UrlScheme};

/// A switchboard with room for four calls, and the time.
struct Desk {
    board: Switchboard,
    now: Instant,
}

impl Desk {
    fn new() -> Desk {
        let relay = Relay { in_flight: 4, ..options::defaults() };
        Desk { board: Switchboard::new(relay, MOST_LINKS, Arc::default()), now: Instant::now() }
    }

    fn link(&mut self, slot: u16, slots: u16, generation: u64) -> LinkId {
        self.board.link_up(Hello { slot, slots, pid: 1, generation }, self.now)
    }

    fn ask(&mut self, path: &str) -> CallKey {
        let question = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::NONE,
            client: None,
            path: path.as_bytes(),
            query: b"",
        };
        self.board.ask(&question, self.now)
    }

    /// What a link has to send.
    fn take_out(&mut self, link: LinkId) -> Vec<u8> {
        mem::take(&mut self.board.link(link).out)
    }

    /// What a link has to send: ids and paths of requests; PINGs are `None`.
    fn sent(&mut self, link: LinkId) -> Vec<Option<(u64, String)>> {
        let bytes = self.take_out(link);
        let mut rest = &bytes[..];
        let mut sent = Vec::new();
        while let Some(frame) = wire::next_frame(rest, wire::MAX_REQUEST).unwrap() {
            sent.push(match Message::decode(&frame).unwrap() {
                Message::Request(request) => {
                    Some((frame.header.id, String::from_utf8(request.path.to_vec()).unwrap()))
                }
                Message::Ping => None,
                other => panic!("{other:?}"),
            });
            rest = &rest[frame.wire_len()..];
        }
        sent
    }

    /// The id of the only request that a link has to send.
    fn sent_id(&mut self, link: LinkId) -> u64 {
        match &self.sent(link)[..] {
            [Some((id, _))] => *id,
            other => panic!("not one request: {other:?}"),
        }
    }

    fn reply(&mut self, link: LinkId, id: u64, body: &'static str) {
        let head = ReplyHead { status: 200, kind: Kind::Other, tier: Tier::None };
        let body = Bytes::from_static(body.as_bytes());
        let answer = Answer { head, headers: HeaderMap::new(), body, took: Duration::ZERO };
        self.board.link(link).silent_since = None;
        self.board.answered(link, id, answer, self.now);
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.board.tick(self.now);
    }

    /// `Some(None)`: over without an answer.
    fn outcome(&mut self, call: CallKey) -> Option<Option<Bytes>> {
        match self.board.poll_answer(call, Waker::noop()) {
            Poll::Pending => None,
            Poll::Ready(answer) => Some(answer.map(|answer| answer.body)),
        }
    }
}

fn said(body: &'static str) -> Option<Option<Bytes>> {
    Some(Some(Bytes::from_static(body.as_bytes())))
}

#[test]
fn calls_of_one_turn_go_together_and_those_of_many_are_dealt_out_evenly() {
    let mut desk = Desk::new();
    desk.board.relay.in_flight = 100;
    let links = [desk.link(0, 3, 1), desk.link(1, 3, 1), desk.link(2, 3, 1)];
    for _ in 0..TOGETHER + 3 {
        desk.ask("/");
    }
    let mut sent = links.map(|link| desk.sent(link).len());
    sent.sort_unstable();
    assert_eq!(sent, [0, 3, TOGETHER]);
    for _ in 0..2 * TOGETHER - 3 {
        desk.ask("/");
        assert_eq!(links.map(|link| desk.sent(link).len()).iter().sum::<usize>(), 1);
    }
    assert_eq!(links.map(|link| desk.board.link(link).in_flight), [TOGETHER; 3]);
    // Who has so many gets no more of a turn than its share.
    for _ in 0..6 {
        desk.ask("/");
    }
    assert_eq!(links.map(|link| desk.sent(link).len()), [2; 3]);
}

#[test]
fn an_answer_over_another_link_or_with_another_id_is_nobodys() {
    let mut desk = Desk::new();
    let (first, call) = (desk.link(0, 2, 1), desk.ask("/"));
    let second = desk.link(1, 2, 1);
    let id = desk.sent_id(first);
    desk.reply(second, id, "wrong link");
    for bit in 0..64 {
        desk.reply(first, id ^ 1 << bit, "wrong id");
    }
    assert_eq!(desk.outcome(call), None);
    desk.reply(first, id, "right");
    assert_eq!(desk.outcome(call), said("right"));
}

#[test]
fn a_late_answer_never_reaches_the_next_call_in_the_same_place() {
    let mut desk = Desk::new();
    let link = desk.link(0, 1, 1);
    let first = desk.ask("/first");
    let late = desk.sent_id(link);
    desk.board.withdraw(first);
    let second = desk.ask("/second");
    desk.reply(link, late, "for the first");
    assert_eq!(desk.outcome(second), None);
    let id = desk.sent_id(link);
    desk.reply(link, id, "for the second");
    desk.reply(link, id, "twice");
    assert_eq!(desk.outcome(second), said("for the second"));
}

#[test]
fn after_the_patience_a_call_goes_to_another_worker_once() {
    let mut desk = Desk::new();
    let (first, call) = (desk.link(0, 3, 1), desk.ask("/"));
    let old = desk.sent_id(first);
    let others = [desk.link(1, 3, 1), desk.link(2, 3, 1)];
    desk.pass(249);
    assert_eq!(others.map(|link| desk.sent(link).len()), [0, 0]);
    desk.pass(1);
    assert_eq!(others.map(|link| desk.sent(link).len()).iter().sum::<usize>(), 1);
    desk.reply(first, old, "too late");
    assert_eq!(desk.outcome(call), None);
    desk.pass(1000);
    assert_eq!(others.map(|link| desk.sent(link).len()), [0, 0], "a second retry");
    desk.pass(750);
    assert_eq!(desk.outcome(call), Some(None));
}

#[test]
fn with_one_worker_alone_its_late_answer_still_counts() {
    let mut desk = Desk::new();
    let (link, call) = (desk.link(0, 1, 1), desk.ask("/"));
    let id = desk.sent_id(link);
    desk.pass(1900);
    desk.reply(link, id, "late but in time");
    assert_eq!(desk.outcome(call), said("late but in time"));
}

#[test]
fn a_silent_worker_is_avoided_until_it_says_something() {
    let mut desk = Desk::new();
    let (silent, _) = (desk.link(0, 2, 1), desk.ask("/"));
    desk.sent(silent);
    let other = desk.link(1, 2, 1);
    desk.pass(250);
    desk.ask("/");
    desk.ask("/");
    assert_eq!((desk.sent(silent), desk.sent(other).len()), (vec![None], 3), "a PING, and nothing more");
    desk.board.link(silent).silent_since = None;
    desk.ask("/");
    assert_eq!(desk.sent(silent).len(), 1);
}

#[test]
fn a_worker_that_does_not_answer_a_ping_is_given_up() {
    let mut desk = Desk::new();
    let (silent, other) = (desk.link(0, 2, 1), desk.link(1, 2, 1));
    for _ in 0..2 {
        desk.ask("/");
        desk.take_out(silent);
        desk.take_out(other);
    }
    desk.pass(250);
    assert_eq!(desk.sent(silent).iter().filter(|frame| frame.is_none()).count(), 1);
    desk.pass(4999);
    assert!(desk.board.may_stay(silent, || desk.now).is_ok());
    desk.board.link(other).silent_since = None;
    desk.pass(1);
    assert!(matches!(desk.board.may_stay(silent, || desk.now), Err(End::Silent)));
    assert!(desk.board.may_stay(other, || desk.now).is_ok());
}

#[test]
fn what_a_lost_link_leaves_goes_to_another_worker() {
    let mut desk = Desk::new();
    let (first, call) = (desk.link(0, 2, 1), desk.ask("/"));
    desk.board.link_down(first, desk.now);
    assert_eq!(desk.outcome(call), None, "it waits for a worker");
    let second = desk.link(0, 2, 1);
    let id = desk.sent_id(second);
    desk.reply(second, id, "the second");
    assert_eq!(desk.outcome(call), said("the second"));
}

#[test]
fn a_retiring_worker_gets_no_call_and_may_finish_what_it_has() {
    let mut desk = Desk::new();
    let (old, call) = (desk.link(0, 1, 1), desk.ask("/"));
    let id = desk.sent_id(old);
    desk.board.link(old).retiring = true;
    assert!(desk.board.lacks_links());
    desk.ask("/");
    assert_eq!(desk.sent(old), []);
    assert!(desk.board.may_stay(old, || desk.now).is_ok());
    let new = desk.link(0, 1, 2);
    assert_eq!(desk.sent(new).len(), 1, "what waited");
    desk.reply(old, id, "the last words");
    assert_eq!(desk.outcome(call), said("the last words"));
    assert!(matches!(desk.board.may_stay(old, || desk.now), Err(End::Retired)));
}

#[test]
fn without_a_worker_a_call_ends_at_its_deadline() {
    let mut desk = Desk::new();
    let call = desk.ask("/");
    desk.pass(1999);
    assert_eq!(desk.outcome(call), None);
    desk.pass(1);
    assert_eq!(desk.outcome(call), Some(None));
    assert!(desk.board.is_empty() && desk.board.queue.is_empty());
}

#[test]
fn calls_above_the_bound_wait_for_room_and_none_is_forgotten() {
    let mut desk = Desk::new();
    let link = desk.link(0, 1, 1);
    let calls: Vec<_> = (0..10).map(|number| desk.ask(&format!("/{number}"))).collect();
    desk.board.withdraw(calls[5]);
    let mut order = Vec::new();
    let mut open = VecDeque::new();
    while order.len() < 9 {
        open.extend(desk.sent(link).into_iter().flatten());
        assert!((1..=4).contains(&open.len()), "{} in flight", open.len());
        let Some((id, path)) = open.pop_front() else { break };
        order.push(path);
        desk.reply(link, id, "x");
    }
    assert_eq!(order, ["/0", "/1", "/2", "/3", "/4", "/6", "/7", "/8", "/9"]);
}

#[test]
fn only_the_newest_generation_is_wanted_and_each_slot_once() {
    let mut desk = Desk::new();
    let hello = |slot, generation| Hello { slot, slots: 2, pid: 1, generation };
    assert!(desk.board.lacks_links());
    assert!(desk.board.wants(&hello(0, 1)));
    let old = desk.link(0, 2, 1);
    assert!(desk.board.lacks_links());
    assert!(!desk.board.wants(&hello(0, 1)));
    assert!(desk.board.wants(&hello(1, 1)));
    desk.link(1, 2, 1);
    assert!(!desk.board.lacks_links());
    let new = desk.link(1, 2, 2);
    assert!(desk.board.lacks_links(), "slot 0 of the new generation");
    assert!(!desk.board.wants(&hello(1, 1)), "an older generation");
    desk.link(0, 2, 2);
    assert!(!desk.board.lacks_links());
    desk.board.link_down(new, desk.now);
    desk.board.link_down(old, desk.now);
    assert!(desk.board.lacks_links());
    assert!(desk.board.wants(&hello(1, 2)));
}

#[test]
fn a_restarted_daemon_that_counts_from_one_again_is_wanted() {
    let mut desk = Desk::new();
    let old = desk.link(0, 1, 7);
    desk.board.link_down(old, desk.now);
    assert!(desk.board.wants(&Hello { slot: 0, slots: 1, pid: 2, generation: 1 }));
}

#[test]
fn two_deaths_in_a_row_make_a_call_wait_for_a_new_worker_and_the_third_ends_it() {
    let mut desk = Desk::new();
    // All three are dead; the switchboard hears of it one by one.
    let links = [desk.link(0, 3, 1), desk.link(1, 3, 1), desk.link(2, 3, 1)];
    let call = desk.ask("/");
    for link in links {
        desk.board.link_down(link, desk.now);
        assert_eq!(desk.outcome(call), None);
    }
    let new = desk.link(0, 3, 1);
    let id = desk.sent_id(new);
    desk.reply(new, id, "alive");
    assert_eq!(desk.outcome(call), said("alive"));

    let poison = desk.ask("/poison");
    desk.board.link_down(new, desk.now);
    for _ in 0..2 {
        assert_eq!(desk.outcome(poison), None);
        let next = desk.link(0, 3, 1);
        desk.sent_id(next);
        desk.board.link_down(next, desk.now);
    }
    assert_eq!(desk.outcome(poison), Some(None));
}

/// One of them may be what their worker has died of, or hangs in.
#[test]
fn calls_that_were_together_are_dealt_out_when_they_are_sent_once_more() {
    for ends in [
        |desk: &mut Desk, link| assert!(!desk.board.link_down(link, desk.now)),
        |desk: &mut Desk, _| desk.pass(250),
    ] {
        let mut desk = Desk::new();
        desk.board.relay.in_flight = 100;
        let links = [desk.link(0, 3, 1), desk.link(1, 3, 1), desk.link(2, 3, 1)];
        for _ in 0..TOGETHER {
            desk.ask("/");
        }
        let at = links.iter().position(|link| desk.sent(*link).len() == TOGETHER).unwrap();
        ends(&mut desk, links[at]);
        let others = links.into_iter().filter(|link| *link != links[at]);
        assert_eq!(others.map(|link| desk.sent(link).len()).collect::<Vec<_>>(), [TOGETHER / 2; 2]);
    }
}

#[test]
fn a_call_that_waits_for_a_new_worker_holds_up_no_other() {
    let mut desk = Desk::new();
    let links = [desk.link(0, 3, 1), desk.link(1, 3, 1), desk.link(2, 3, 1)];
    let call = desk.ask("/unlucky");
    // Whichever has it goes first, twice.
    let mut left = links.to_vec();
    for _ in 0..2 {
        let at = left.iter().position(|link| !desk.sent(*link).is_empty()).unwrap();
        desk.board.link_down(left.remove(at), desk.now);
    }
    assert!(desk.sent(left[0]).is_empty());
    let other = desk.ask("/other");
    desk.pass(0);
    let id = desk.sent_id(left[0]);
    desk.reply(left[0], id, "other");
    assert_eq!((desk.outcome(other), desk.outcome(call)), (said("other"), None));
}

#[test]
fn what_workers_die_of_takes_no_other_call_along() {
    let mut desk = Desk::new();
    desk.board.relay.in_flight = 100;
    let mut link = desk.link(0, 1, 1);
    let paths = (0..TOGETHER).map(|number| if number == 5 { "/poison" } else { "/food" });
    let calls: Vec<_> = paths.map(|path| (path, desk.ask(path))).collect();
    let mut deaths = 0;
    loop {
        let sent: Vec<_> = desk.sent(link).into_iter().flatten().collect();
        if sent.is_empty() {
            break;
        }
        if sent.iter().any(|(_, path)| path == "/poison") {
            assert_eq!(sent.len(), if deaths < 2 { TOGETHER } else { 1 });
            deaths += 1;
            desk.board.link_down(link, desk.now);
            link = desk.link(0, 1, 1);
        } else {
            sent.into_iter().for_each(|(id, _)| desk.reply(link, id, "fine"));
        }
    }
    assert_eq!(deaths, 3);
    for (path, call) in calls {
        let expected = if path == "/poison" { Some(None) } else { said("fine") };
        assert_eq!(desk.outcome(call), expected, "{path}");
    }
}

#[test]
fn nothing_joins_a_call_that_has_met_two_deaths_until_it_is_answered() {
    let mut desk = Desk::new();
    let unlucky = desk.ask("/unlucky");
    for _ in 0..2 {
        let link = desk.link(0, 2, 1);
        desk.sent_id(link);
        desk.board.link_down(link, desk.now);
    }
    let first = desk.link(0, 2, 1);
    let id = desk.sent_id(first);
    let other = desk.ask("/other");
    desk.pass(0);
    assert_eq!((desk.sent(first), desk.outcome(other)), (vec![], None), "there is no other worker");
    let second = desk.link(1, 2, 1);
    desk.ask("/third");
    assert_eq!((desk.sent(first).len(), desk.sent(second).len()), (0, 2));
    desk.reply(first, id, "after all");
    assert_eq!(desk.outcome(unlucky), said("after all"));
    desk.ask("/fourth");
    desk.ask("/fifth");
    assert_eq!((desk.sent(first).len(), desk.sent(second).len()), (2, 0));
}

#[test]
fn the_next_new_worker_is_for_the_call_that_waits_for_it_whoever_else_waits() {
    let mut desk = Desk::new();
    let mut left = vec![desk.link(0, 3, 1), desk.link(1, 3, 1), desk.link(2, 3, 1)];
    let unlucky = desk.ask("/unlucky");
    for _ in 0..2 {
        let at = left.iter().position(|link| !desk.sent(*link).is_empty()).unwrap();
        desk.board.link_down(left.remove(at), desk.now);
    }
    let old = left[0];
    for number in 0..5 {
        desk.ask(&format!("/{number}"));
    }
    let open: Vec<_> = desk.sent(old).into_iter().flatten().collect();
    let new = desk.link(0, 3, 1);
    // What the old one has long had goes there no sooner than what waits for room.
    desk.pass(250);
    assert_eq!((open.len(), desk.sent(old), desk.sent(new)), (4, vec![None], vec![]));
    desk.reply(old, open[0].0, "room for one more");
    let id = desk.sent_id(new);
    desk.reply(old, open[1].0, "and for another one");
    assert_eq!((desk.sent(old).len(), desk.sent(new).len()), (1, 0));
    desk.reply(new, id, "alive");
    assert_eq!(desk.outcome(unlucky), said("alive"));
}

#[test]
fn a_worker_that_asks_whether_we_live_and_reads_nothing_costs_little() {
    let mut desk = Desk::new();
    let link = desk.link(0, 1, 1);
    for ping in 0..100_000 {
        desk.board.link(link).pong(ping);
    }
    let bytes = desk.take_out(link);
    assert!((1..=MOST_UNREAD + wire::HEADER_LEN).contains(&bytes.len()), "{}", bytes.len());
    // Once that is sent it is answered again.
    desk.board.link(link).pong(7);
    assert_eq!(desk.take_out(link).len(), wire::HEADER_LEN);
}

#[test]
fn a_worker_that_was_silent_did_not_die_of_the_call() {
    let mut desk = Desk::new();
    for slot in 0..2 {
        desk.link(slot, 4, 0);
    }
    let call = desk.ask("/");
    let silent = desk.board.calls[call].link();
    desk.pass(250);
    assert_ne!(desk.board.calls[call].link(), silent);
    for deaths in 1..=MOST_DEATHS + 1 {
        let link = desk.board.calls[call].link().unwrap();
        desk.board.link_down(link, desk.now);
        assert_eq!(desk.board.calls[call].deaths, deaths);
        if deaths <= MOST_DEATHS {
            assert!(!matches!(desk.board.calls[call].state, CallState::Over(_)), "{deaths}");
            desk.link(u16::from(deaths) + 1, 4, 0);
        }
    }
    assert!(matches!(desk.board.calls[call].state, CallState::Over(None)));
}

#[test]
fn where_descriptors_are_scarce_there_are_fewer_links_than_workers() {
    let mut desk = Desk::new();
    desk.board.most_links = 1;
    let link = desk.link(0, 64, 0);
    assert!(
        !desk.board.lacks_links() && !desk.board.wants(&Hello { slot: 1, slots: 64, pid: 1, generation: 0 })
    );
    desk.board.link_down(link, desk.now);
    assert!(
        desk.board.lacks_links() && desk.board.wants(&Hello { slot: 1, slots: 64, pid: 1, generation: 0 })
    );
}

#[test]
fn links_are_bounded_whatever_generations_a_worker_makes_up() {
    let mut desk = Desk::new();
    for generation in 0..10_000 {
        if desk.board.wants(&Hello { slot: 0, slots: 2, pid: 1, generation }) {
            desk.link(0, 2, generation);
        }
    }
    assert_eq!(desk.board.links.len(), MOST_LINKS);
    assert!(!desk.board.lacks_links(), "more would be tried for ever");
}

#[test]
fn a_worker_that_talks_and_reads_nothing_is_left_in_the_end() {
    let mut desk = Desk::new();
    let link = desk.link(0, 1, 1);
    let path = format!("/{}", "x".repeat(8000));
    let mut asked = 0;
    while !matches!(desk.board.may_stay(link, || desk.now), Err(End::Unread)) {
        let call = desk.ask(&path);
        desk.board.link(link).silent_since = None;
        desk.now += desk.board.relay.deadline;
        desk.board.tick(desk.now);
        assert!(matches!(desk.board.poll_answer(call, Waker::noop()), Poll::Ready(None)));
        asked += 1;
        assert!(asked < 3000, "it gathers without end");
    }
    assert!(asked > 1000, "what may be in flight fits");
    // One that reads, however much there was, is not.
    desk.take_out(link);
    assert!(desk.board.may_stay(link, || desk.now).is_ok());
}
