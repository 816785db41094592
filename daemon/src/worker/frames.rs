//! What a worker does with a frame.

use super::Desk;
use wire::{
    Counter, Kind, MAX_REQUEST, Message, Method, ReplyStart, WireError, encode_counters, encode_pong,
    next_frame,
};

/// Answers the first frame of `input`. Returns its length and whether it asked for anything; `None` while it is not all
/// there.
pub fn answer_next(
    input: &[u8],
    desk: &mut Desk<'_>,
    output: &mut Vec<u8>,
) -> Result<Option<(usize, bool)>, WireError> {
    let Some(frame) = next_frame(input, MAX_REQUEST)? else { return Ok(None) };
    let id = frame.header.id;
    let asked = match Message::decode(&frame)? {
        Message::Request(request) => {
            let start = ReplyStart::begin(output, id);
            let answer = desk.service.answer(&request, desk.now, &mut desk.dice, &mut desk.scratch, output);
            start.finish(output, &answer.head, answer.headers_len);
            desk.counters.answered(&answer.head);
            if let Some(counter) = answer.counted {
                desk.counters.add(counter, 1);
            }
            if answer.head.kind == Kind::File && request.method == Method::Head {
                desk.counters.add(Counter::RedirectorHead, 1);
            }
            true
        }
        Message::Counters(counters) if counters.is_question() => {
            encode_counters(output, id, &desk.counters.all.entries());
            true
        }
        Message::Ping => {
            encode_pong(output, id);
            false
        }
        // Nothing that a front end has to say to a worker; a later version may.
        Message::Hello(_) | Message::Reply(_) | Message::GoAway(_) | Message::Pong => false,
        Message::Counters(_) | Message::Unknown(_) => false,
    };
    Ok(Some((frame.wire_len(), asked)))
}
