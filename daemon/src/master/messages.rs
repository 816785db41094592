//! What the supervisor says, in an operator's words.

use super::supervisor::{Message, SILENCE, SLOW};
use crate::log;
use std::path::Path;

/// Says it. The cache is read from `path`; `number` is the current generation, of `workers`, with these `facts`.
pub fn say(message: Message, path: &Path, (number, workers, facts): (u64, u16, &str)) {
    let path = path.display();
    match message {
        Message::Ready(took) => {
            let after = took.map_or(String::new(), |(took, old)| {
                format!(" after {} ms; retiring generation {old}", took.as_millis())
            });
            log::info(format_args!(
                "cache {path}: generation {number} is ready with {workers} workers ({facts}){after}"
            ));
        }
        Message::Replaced(loss, pid) => log::warning(format_args!("{loss}; replaced by {pid}")),
        Message::Lost(loss, pause) => {
            log::warning(format_args!("{loss}; next one in {} ms", pause.as_millis()));
        }
        Message::NotForked(generation, cause, pause) => log::warning(format_args!(
            "new worker of generation {generation}: not started ({cause}); next one in {} ms",
            pause.as_millis()
        )),
        // As many seconds as pings.
        Message::Silent(pid, generation) => log::warning(format_args!(
            "worker {pid} of generation {generation}: silent for {SILENCE} s; killing it"
        )),
        Message::Violation(pid, generation, said) => log::warning(format_args!(
            "worker {pid} of generation {generation}: protocol violation on its channel ({said}); killing it"
        )),
        Message::SlowLoader(pid) => log::warning(format_args!(
            "cache {path}: still being read after {} s (process {pid}); generation {number} answers meanwhile; \
             is the disk slow?",
            SLOW.as_secs()
        )),
        Message::Refused(refusal) => {
            log::error(format_args!("{refusal}; keeping generation {number} ({facts})"));
        }
        Message::GivenUp(error) => log::error(format_args!("{error}; keeping generation {number}")),
        Message::GoingBack(bad, old, new) => log::error(format_args!(
            "generation {bad}: its workers keep failing; going back to the cache of generation {old} as \
             generation {new}"
        )),
        Message::HeldUp(count, left) => log::warning(format_args!(
            "reload: waiting for one of {count} retired generations, which front ends still use; \
             the first is killed in {} s at the latest (drain-limit)",
            left.as_secs() + 1
        )),
        Message::StillBusy(generation) => log::warning(format_args!(
            "generation {generation}: still busy at the drain limit; killing its workers"
        )),
        Message::Stopping(signal) => log::info(format_args!("{signal}: stopping")),
    }
}
