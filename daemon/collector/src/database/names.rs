//! DNS names among netblocks: looked up by the system's resolver, several at a time and not for long.
//!
//! What a name came to the last time is kept beside the output, for a time when the resolver has nothing to say.

use super::rules::netblocks::Addresses;
use program::aside::Aside;
use program::log;
use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    fs,
    io::{self, Write as _},
    net::{IpAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Names that are looked up at a time.
const AT_ONCE: usize = 16;

/// Time for all of them together.
const LIMIT: Duration = Duration::from_secs(15);

type Known = BTreeMap<String, Vec<IpAddr>>;

/// The addresses of names, or those that they had the last time, which are in a file that belongs to `output`.
pub fn look_up<'a>(names: impl Iterator<Item = &'a str>, output: &Path) -> BTreeMap<String, Addresses> {
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.is_empty() {
        return BTreeMap::new();
    }
    let memory = memory(output);
    let mut earlier = remembered(&memory);
    let mut found = resolved(names.clone(), LIMIT, |name| {
        let addresses = (name, 0).to_socket_addrs();
        addresses.map(|addresses| addresses.map(|address| address.ip()).collect()).unwrap_or_default()
    });
    let mut answers = BTreeMap::new();
    let mut known = Known::new();
    for name in names {
        let addresses = found.remove(&name).filter(|addresses| !addresses.is_empty());
        let is_earlier = addresses.is_none();
        let addresses = addresses.or_else(|| earlier.remove(&name)).unwrap_or_default();
        if !addresses.is_empty() {
            known.insert(name.clone(), addresses.clone());
        }
        answers.insert(name, Addresses { addresses, earlier: is_earlier });
    }
    if let Err(error) = remember(&memory, &known) {
        let memory = memory.display();
        log::warning(format_args!(
            "names {memory}: cannot be written ({error}); names that cannot be looked up the next time are left out"
        ));
    }
    answers
}

/// What each name comes to within `limit`, addresses in order; a name without an answer is left out.
///
/// A look-up that takes longer goes on in a thread of its own that nobody waits for.
fn resolved(
    names: Vec<String>,
    limit: Duration,
    resolve: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static,
) -> Known {
    let end = Instant::now() + limit;
    let threads = names.len().min(AT_ONCE);
    let (mut expected, mut found) = (names.len(), Known::new());
    let (waiting, resolve) = (Arc::new(Mutex::new(VecDeque::from(names))), Arc::new(resolve));
    let (say, hear) = mpsc::channel();
    for _ in 0..threads {
        let (waiting, resolve, say) = (Arc::clone(&waiting), Arc::clone(&resolve), say.clone());
        thread::spawn(move || {
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some(name) = next() {
                let mut addresses = resolve(&name);
                addresses.sort();
                addresses.dedup();
                // Fails when nobody waits any longer.
                if say.send((name, addresses)).is_err() {
                    return;
                }
            }
        });
    }
    while expected > 0
        && let Ok((name, addresses)) = hear.recv_timeout(end.saturating_duration_since(Instant::now()))
    {
        found.insert(name, addresses);
        expected -= 1;
    }
    found
}

/// The file of what names came to: `.OUTPUT.names`.
fn memory(output: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(output.file_name().unwrap_or_default());
    name.push(".names");
    output.with_file_name(name)
}

/// Lines of a name and its addresses.
fn remembered(memory: &Path) -> Known {
    let text = match fs::read_to_string(memory) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                let memory = memory.display();
                log::warning(format_args!(
                    "names {memory}: cannot be read ({error}); names that cannot be looked up are left out"
                ));
            }
            return Known::new();
        }
    };
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next()?.to_owned();
        Some((name, words.filter_map(|word| word.parse().ok()).collect()))
    };
    text.lines().filter_map(line).collect()
}

fn remember(memory: &Path, known: &Known) -> io::Result<()> {
    let mut aside = Aside::create(memory)?;
    let mut text = String::new();
    for (name, addresses) in known {
        text.push_str(name);
        addresses.iter().for_each(|address| text.push_str(&format!(" {address}")));
        text.push('\n');
    }
    aside.write_all(text.as_bytes())?;
    aside.publish(0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_names_hold_up_nobody() {
        let names: Vec<String> =
            (0..40).map(|n| format!("{n}.example")).chain(["slow.example".into()]).collect();
        // Never told to go on, and not waited for.
        let (_never, tell) = mpsc::channel::<()>();
        let tell = Mutex::new(tell);
        let found = resolved(names, Duration::from_millis(500), move |name| {
            if name == "slow.example" {
                let _ = tell.lock().unwrap().recv();
            }
            vec!["192.0.2.2".parse().unwrap(), "192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()]
        });
        let addresses: Vec<IpAddr> = vec!["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        assert_eq!(found.len(), 40);
        assert!(found.values().all(|found| *found == addresses) && !found.contains_key("slow.example"));
    }

    #[test]
    fn what_a_name_came_to_is_kept_for_when_it_has_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("list");
        let known = Known::from([
            ("gone.invalid".into(), vec!["192.0.2.9".parse().unwrap(), "2001:db8::9".parse().unwrap()]),
            ("unasked.invalid".into(), vec!["192.0.2.8".parse().unwrap()]),
        ]);
        remember(&memory(&output), &known).unwrap();
        for _ in 0..2 {
            let answers = look_up(["gone.invalid", "localhost", "never.invalid"].into_iter(), &output);
            assert_eq!(
                answers["gone.invalid"],
                Addresses { addresses: known["gone.invalid"].clone(), earlier: true }
            );
            assert_eq!(answers["never.invalid"].addresses, Vec::<IpAddr>::new());
            assert!(answers["localhost"].addresses.iter().all(IpAddr::is_loopback));
            assert!(!answers["localhost"].earlier && !answers["localhost"].addresses.is_empty());
        }
        let text = fs::read_to_string(folder.path().join(".list.names")).unwrap();
        assert!(
            text.starts_with("gone.invalid 192.0.2.9 2001:db8::9\nlocalhost ") && !text.contains("unasked")
        );
    }
}
