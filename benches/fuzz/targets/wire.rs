//! Frames and messages: any bytes are a message or an error, and a message comes out as it went in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{
    MAX_REPLY, MAX_REQUEST, MAX_URI, Message, ReplyStart, encode_counters, encode_goaway, encode_hello,
    encode_ping, encode_pong, encode_request, next_frame,
};

fuzz_target!(|bytes: &[u8]| {
    for limit in [MAX_REQUEST, MAX_REPLY] {
        let mut rest = bytes;
        while let Ok(Some(frame)) = next_frame(rest, limit) {
            assert!(frame.payload.len() <= limit);
            if let Ok(message) = Message::decode(&frame) {
                comes_out_as_it_went_in(&message, frame.header.id);
            }
            rest = &rest[frame.wire_len()..];
        }
    }
});

fn comes_out_as_it_went_in(message: &Message<'_>, id: u64) {
    let mut bytes = Vec::new();
    match message {
        Message::Hello(hello) => encode_hello(&mut bytes, hello),
        // A path and query that together are longer than a frame may be: only towards the front end.
        Message::Request(request) if request.path.len() + request.query.len() > MAX_URI => return,
        Message::Request(request) => encode_request(&mut bytes, id, request),
        Message::Reply(reply) => {
            let start = ReplyStart::begin(&mut bytes, id);
            bytes.extend_from_slice(reply.headers);
            bytes.extend_from_slice(reply.body);
            start.finish(&mut bytes, &reply.head, reply.headers.len());
        }
        Message::GoAway(reason) => encode_goaway(&mut bytes, reason),
        Message::Ping => encode_ping(&mut bytes, id),
        Message::Pong => encode_pong(&mut bytes, id),
        Message::Counters(counters) => {
            let entries: Vec<_> = counters.entries().collect();
            encode_counters(&mut bytes, id, &entries);
            let frame = next_frame(&bytes, MAX_REPLY).expect("a frame").expect("a whole frame");
            let Ok(Message::Counters(again)) = Message::decode(&frame) else { panic!("no counters") };
            // Keys of other versions are left out.
            assert!(again.entries().eq(entries));
            return;
        }
        Message::Unknown(_) => return,
    }
    let frame = next_frame(&bytes, MAX_REPLY).expect("a frame").expect("a whole frame");
    assert_eq!(frame.wire_len(), bytes.len());
    assert_eq!(Message::decode(&frame).as_ref(), Ok(message));
}
