//! The COUNTERS message: what the whole daemon has counted, as any of its workers tells it.
//!
//! The front end sends it empty to ask. The worker answers under the same id with entries of ten bytes: a key (u16) and
//! a value (u64). What a reader does not know it passes over, so a later version may add keys and drop them; a key's
//! meaning and unit never change. Counters never fall as long as the master lives: neither by reloads nor by lost
//! workers.

use super::{
    frame::{WireError, frame},
    head::{Kind, ReplyHead, Tier},
};

/// Number of the message.
pub(super) const COUNTERS: u8 = 7;
/// Bytes of an entry.
const ENTRY_LEN: usize = 10;
/// The bit of a key that says that it counts requests: the kind's number is in bits 8 to 11, the place of status and
/// tier among [`PLACES`] in bits 0 to 7.
const OF_REQUESTS: u16 = 1 << 15;
/// The status of an outcome that has no place of its own.
pub const OTHER_STATUS: u16 = 0;

/// Status and tier of the outcomes that are told apart, by place. New ones are added at the end.
const PLACES: [(u16, Tier); 14] = [
    (OTHER_STATUS, Tier::None),
    (200, Tier::Location),
    (200, Tier::Netblock),
    (200, Tier::Asn),
    (200, Tier::Country),
    (200, Tier::CountryContinent),
    (200, Tier::Geoip),
    (200, Tier::Continent),
    (200, Tier::Global),
    (200, Tier::None),
    (400, Tier::None),
    (404, Tier::None),
    (200, Tier::Near),
    (200, Tier::Origin),
];

/// What a value is the number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A single counter.
    Counter(Counter),
    /// Requests that were answered so.
    Requests(Outcome),
}

/// How a value is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A count since the start, which only rises.
    Count,
    /// A number as it stands.
    Gauge,
    /// A moment, in seconds since the epoch; 0 if it has not been.
    Time,
    /// A number of seconds; 0 if there is none.
    Span,
}

macro_rules! counters {
    ($($counter:ident = $key:literal, $unit:ident, $name:literal $(of $input:literal)?, $help:literal;)*) => {
        /// A single counter or gauge of the daemon; its number is its place among all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Counter { $(#[doc = $help] $counter,)* }

        impl Counter {
            /// All of them, by place.
            pub const ALL: [Counter; [$($key),*].len()] = [$(Counter::$counter),*];

            /// How its value is to be read.
            pub fn unit(self) -> Unit {
                match self { $(Counter::$counter => Unit::$unit,)* }
            }

            /// The input of the cache that it is about, if it is about one; those of all inputs share a name.
            pub fn input(self) -> Option<&'static str> {
                match self { $(Counter::$counter => None $(.or(Some($input)))?,)* }
            }

            /// Its name outside: in the metrics and in the JSON of `mirrorlistd status`.
            pub fn name(self) -> &'static str {
                match self { $(Counter::$counter => $name,)* }
            }

            /// What it tells, in a sentence.
            pub fn help(self) -> &'static str {
                match self { $(Counter::$counter => $help,)* }
            }

            fn key(self) -> u16 {
                match self { $(Counter::$counter => $key,)* }
            }
        }
    };
}

// Each is declared here alone: its key in the message, how its value is to be read, its name outside, what it tells.
// Memory, message, metrics and status follow. Keys and names are public: they do not change, and are not used again.
counters! {
    Generation = 1, Gauge, "mirrorlist_daemon_generation", "Number of the generation that answers.";
    CacheBuilt = 2, Time, "mirrorlist_cache_built_timestamp_seconds", "When the cache file was built.";
    CacheSource = 3, Time, "mirrorlist_cache_source_timestamp_seconds",
        "When the data in the cache was made; its age is time() minus this.";
    CacheBytes = 4, Gauge, "mirrorlist_cache_size_bytes", "Size of the cache.";
    Hosts = 5, Gauge, "mirrorlist_cache_hosts", "Hosts in the cache.";
    Directories = 6, Gauge, "mirrorlist_cache_directories", "Directories in the cache.";
    Repositories = 7, Gauge, "mirrorlist_cache_repositories", "Repositories in the cache.";
    WorkersWanted = 8, Gauge, "mirrorlist_daemon_workers_wanted", "Workers that there should be.";
    WorkersReady = 9, Gauge, "mirrorlist_daemon_workers_ready", "Workers that are ready to answer.";
    WorkersRestarted = 10, Count, "mirrorlist_daemon_worker_restarts", "Workers started in place of lost ones.";
    Reloads = 11, Count, "mirrorlist_daemon_reloads", "Reloads whose cache came to answer.";
    ReloadsFailed = 12, Count, "mirrorlist_daemon_reloads_failed", "Reloads that were given up or taken back.";
    LastReload = 13, Gauge, "mirrorlist_daemon_last_reload_outcome",
        "How the last reload went: 0 there was none, 1 well, 2 it failed.";
    LastReloadTime = 14, Time, "mirrorlist_daemon_last_reload_timestamp_seconds", "When the last reload was over.";
    Started = 15, Time, "mirrorlist_daemon_start_timestamp_seconds", "When the daemon was started.";
    MirrormanagerTime = 16, Time, "mirrorlist_cache_input_timestamp_seconds" of "mirrormanager",
        "When what an input of the cache says was made.";
    NetblocksTime = 17, Time, "mirrorlist_cache_input_timestamp_seconds" of "netblocks",
        "When what an input of the cache says was made.";
    ContinentsTime = 18, Time, "mirrorlist_cache_input_timestamp_seconds" of "continents",
        "When what an input of the cache says was made.";
    GeoipTime = 19, Time, "mirrorlist_cache_input_timestamp_seconds" of "geoip",
        "When what an input of the cache says was made.";
    MirrormanagerMaxAge = 20, Span, "mirrorlist_cache_input_max_age_seconds" of "mirrormanager",
        "Age beyond which an input of the cache is too old.";
    NetblocksMaxAge = 21, Span, "mirrorlist_cache_input_max_age_seconds" of "netblocks",
        "Age beyond which an input of the cache is too old.";
    ContinentsMaxAge = 22, Span, "mirrorlist_cache_input_max_age_seconds" of "continents",
        "Age beyond which an input of the cache is too old.";
    GeoipMaxAge = 23, Span, "mirrorlist_cache_input_max_age_seconds" of "geoip",
        "Age beyond which an input of the cache is too old.";
    SuspendedUrls = 24, Gauge, "mirrorlist_suspended_urls", "URLs of the cache that are suspended.";
    SuspendedHosts = 25, Gauge, "mirrorlist_suspended_hosts", "Hosts all of whose URLs are suspended.";
    Connections = 32, Count, "mirrorlist_daemon_connections_accepted", "Connections that workers have taken.";
    FramesRefused = 33, Count, "mirrorlist_daemon_frames_refused",
        "Frames that were refused, each with its connection.";
    BytesSent = 34, Count, "mirrorlist_daemon_sent_bytes", "Bytes sent to front ends.";
    LogLinesDropped = 35, Count, "mirrorlist_daemon_access_log_lines_dropped",
        "Lines of the access log that could not be written.";
    RequestLogLinesDropped = 36, Count, "mirrorlist_daemon_request_log_lines_dropped",
        "Lines of the request log that could not be written.";
    RedirectorHead = 48, Count, "mirrorlist_redirector_head_requests", "Paths of the redirector that were asked for by HEAD.";
    RedirectorOriginOnly = 49, Count, "mirrorlist_redirector_origin_only",
        "Redirects to an origin that alone has such files.";
    RedirectorOriginYoung = 50, Count, "mirrorlist_redirector_origin_young",
        "Redirects to an origin for files too new to be on mirrors.";
    RedirectorOriginUnknown = 51, Count, "mirrorlist_redirector_origin_unknown",
        "Redirects to an origin for paths that no mirror is known to have.";
    RedirectorOriginNoMirror = 52, Count, "mirrorlist_redirector_origin_without_mirror",
        "Redirects to an origin for want of a mirror that fits the client.";
    RedirectorInvalidPaths = 53, Count, "mirrorlist_redirector_invalid_paths",
        "Paths of the redirector that lead nowhere.";
    RedirectorWithoutMirror = 54, Count, "mirrorlist_redirector_without_mirror",
        "Paths of the redirector for which no mirror fits the client, and no origin.";
}

/// How requests were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    kind: Kind,
    place: u8,
}

/// The entries of a message; none in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters<'a>(&'a [[u8; ENTRY_LEN]]);

impl Outcome {
    /// How many outcomes there are.
    pub const COUNT: usize = Kind::ALL.len() * PLACES.len();

    /// The outcome of a request that was answered so.
    pub fn of(head: &ReplyHead) -> Outcome {
        let place = match (head.tier, head.status) {
            (Tier::None, 200) => 9,
            (Tier::None, 400) => 10,
            (Tier::None, 404) => 11,
            (Tier::Near, 200 | 302) => 12,
            (Tier::Origin, 200 | 302) => 13,
            (tier, 200 | 302) if tier != Tier::Other => tier as u8,
            _ => 0,
        };
        Outcome { kind: head.kind, place }
    }

    /// All outcomes, ascending by [`Outcome::index`].
    pub fn all() -> impl Iterator<Item = Outcome> {
        let of_kind = |kind| (0..PLACES.len() as u8).map(move |place| Outcome { kind, place });
        Kind::ALL.into_iter().flat_map(of_kind)
    }

    /// Its number among all, below [`Outcome::COUNT`].
    pub fn index(self) -> usize {
        self.kind as usize * PLACES.len() + usize::from(self.place)
    }

    /// What was asked for.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// The status; [`OTHER_STATUS`] stands for all that are not told apart.
    pub fn status(self) -> u16 {
        match (self.kind, self.tier()) {
            (Kind::Redirect | Kind::File, tier) if tier != Tier::None => 302,
            _ => self.place().0,
        }
    }

    /// The tier of the first listed mirror.
    pub fn tier(self) -> Tier {
        self.place().1
    }

    fn place(self) -> (u16, Tier) {
        PLACES[usize::from(self.place)]
    }
}

impl Key {
    fn decode(key: u16) -> Option<Key> {
        if key & OF_REQUESTS == 0 {
            return Counter::ALL.into_iter().find(|counter| counter.key() == key).map(Key::Counter);
        }
        let [place, kind] = (key & !OF_REQUESTS).to_le_bytes();
        let kind = *Kind::ALL.get(usize::from(kind))?;
        let known = usize::from(place) < PLACES.len();
        known.then_some(Key::Requests(Outcome { kind, place }))
    }

    fn encode(self) -> u16 {
        match self {
            Key::Counter(counter) => counter.key(),
            Key::Requests(outcome) => OF_REQUESTS | u16::from_le_bytes([outcome.place, outcome.kind as u8]),
        }
    }
}

impl<'a> Counters<'a> {
    pub(super) fn decode(payload: &'a [u8]) -> Result<Counters<'a>, WireError> {
        match payload.as_chunks() {
            (entries, []) => Ok(Counters(entries)),
            _ => Err(WireError::Truncated { what: "COUNTERS" }),
        }
    }

    /// Whether this asks for counters.
    pub fn is_question(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys with their values, those that this version knows. None stands twice in a worker's answer, and what has
    /// not been counted yet may be missing.
    pub fn entries(&self) -> impl Iterator<Item = (Key, u64)> + 'a {
        self.0.iter().filter_map(|[k0, k1, value @ ..]| {
            Some((Key::decode(u16::from_le_bytes([*k0, *k1]))?, u64::from_le_bytes(*value)))
        })
    }
}

/// Appends a COUNTERS frame: a worker's answer, or the question if there are no entries.
pub fn encode_counters(out: &mut Vec<u8>, id: u64, entries: &[(Key, u64)]) {
    frame(out, COUNTERS, id, entries.len() * ENTRY_LEN);
    for (key, value) in entries {
        out.extend_from_slice(&key.encode().to_le_bytes());
        out.extend_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HEADER_LEN, MAX_REPLY, Message, next_frame};
    use super::*;
    use std::collections::HashSet;

    fn sent(entries: &[(Key, u64)]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_counters(&mut out, 3, entries);
        out
    }

    fn heard(bytes: &[u8]) -> Vec<(Key, u64)> {
        let frame = next_frame(bytes, MAX_REPLY).unwrap().unwrap();
        assert_eq!(frame.header.id, 3);
        let Ok(Message::Counters(counters)) = Message::decode(&frame) else { panic!("not counters") };
        assert_eq!(counters.is_question(), frame.payload.is_empty());
        counters.entries().collect()
    }

    #[test]
    fn every_key_comes_out_as_it_went_in() {
        let single = Counter::ALL.into_iter().map(Key::Counter);
        let keys = single.chain(Outcome::all().map(Key::Requests));
        let entries: Vec<_> = keys.zip((1..).map(|n| n << 33)).collect();
        assert_eq!(entries.len(), Counter::ALL.len() + Outcome::COUNT);
        assert_eq!(heard(&sent(&entries)), entries);
        assert_eq!(heard(&sent(&[])), []);
    }

    #[test]
    fn the_layout_is_that_of_the_first_version() {
        let head = |kind, status, tier| ReplyHead { status, kind, tier };
        let redirect = Outcome::of(&head(Kind::Redirect, 302, Tier::Global));
        let entries = [(Key::Counter(Counter::LogLinesDropped), 0x0102), (Key::Requests(redirect), 7)];
        let expected = [35, 0, 2, 1, 0, 0, 0, 0, 0, 0, 8, 0x83, 7, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(sent(&entries)[HEADER_LEN..], expected);
    }

    /// What others read by key or name. A counter more is no change to it.
    #[test]
    fn public_keys_and_names_stay_as_they_are() {
        let public = [
            (1, "mirrorlist_daemon_generation"),
            (2, "mirrorlist_cache_built_timestamp_seconds"),
            (3, "mirrorlist_cache_source_timestamp_seconds"),
            (4, "mirrorlist_cache_size_bytes"),
            (5, "mirrorlist_cache_hosts"),
            (6, "mirrorlist_cache_directories"),
            (7, "mirrorlist_cache_repositories"),
            (8, "mirrorlist_daemon_workers_wanted"),
            (9, "mirrorlist_daemon_workers_ready"),
            (10, "mirrorlist_daemon_worker_restarts"),
            (11, "mirrorlist_daemon_reloads"),
            (12, "mirrorlist_daemon_reloads_failed"),
            (13, "mirrorlist_daemon_last_reload_outcome"),
            (14, "mirrorlist_daemon_last_reload_timestamp_seconds"),
            (15, "mirrorlist_daemon_start_timestamp_seconds"),
            (16, "mirrorlist_cache_input_timestamp_seconds"),
            (20, "mirrorlist_cache_input_max_age_seconds"),
            (32, "mirrorlist_daemon_connections_accepted"),
            (33, "mirrorlist_daemon_frames_refused"),
            (34, "mirrorlist_daemon_sent_bytes"),
            (35, "mirrorlist_daemon_access_log_lines_dropped"),
            (36, "mirrorlist_daemon_request_log_lines_dropped"),
        ];
        for (key, name) in public {
            let Some(Key::Counter(counter)) = Key::decode(key) else { panic!("{key}: no counter") };
            assert_eq!(counter.name(), name);
        }
    }

    #[test]
    fn every_counter_has_a_key_of_its_own_and_one_name_of_the_right_form() {
        let (mut keys, mut names) = (HashSet::new(), HashSet::new());
        for counter in Counter::ALL {
            let (name, help) = (counter.name(), counter.help());
            assert!(keys.insert(counter.key()) && names.insert((name, counter.input())), "{counter:?}");
            assert!(counter.key() & OF_REQUESTS == 0, "{counter:?}");
            // The metrics' text ends counts with `_total`.
            assert!(name.starts_with("mirrorlist_") && !name.ends_with("_total"), "{name}");
            assert_eq!(counter.unit() == Unit::Time, name.ends_with("_timestamp_seconds"), "{name}");
            assert!(help.ends_with('.'), "{help}");
        }
    }

    #[test]
    fn an_outcome_says_what_the_reply_said() {
        for (index, outcome) in Outcome::all().enumerate() {
            assert_eq!(outcome.index(), index);
            let head = ReplyHead { status: outcome.status(), kind: outcome.kind(), tier: outcome.tier() };
            assert_eq!(Outcome::of(&head), outcome);
            let odd = Outcome::of(&ReplyHead { status: 503, ..head });
            assert_eq!((odd.kind(), odd.status(), odd.tier()), (outcome.kind(), OTHER_STATUS, Tier::None));
        }
    }

    #[test]
    fn keys_of_a_later_version_are_passed_over() {
        let mut bytes = sent(&[(Key::Counter(Counter::Hosts), 5); 5]);
        let kind = (Kind::ALL.len() as u16) << 8;
        let unknown = [999, OF_REQUESTS | kind, OF_REQUESTS | PLACES.len() as u16, OF_REQUESTS | 0x7fff];
        for (entry, key) in unknown.into_iter().enumerate() {
            let at = HEADER_LEN + entry * ENTRY_LEN;
            bytes[at..at + 2].copy_from_slice(&u16::to_le_bytes(key));
        }
        assert_eq!(heard(&bytes), [(Key::Counter(Counter::Hosts), 5)]);
    }

    #[test]
    fn an_entry_cut_short_is_an_error() {
        let whole = sent(&[(Key::Counter(Counter::Hosts), 5)]);
        for cut in 1..ENTRY_LEN {
            let mut short = whole[..HEADER_LEN + cut].to_vec();
            short[0..4].copy_from_slice(&(cut as u32).to_le_bytes());
            let frame = next_frame(&short, MAX_REPLY).unwrap().unwrap();
            assert_eq!(Message::decode(&frame), Err(WireError::Truncated { what: "COUNTERS" }), "at {cut}");
        }
    }
}
