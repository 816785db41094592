//! Users and groups as options name them: by name, or by number.

use nix::unistd::{Group, User};
use std::fs;

/// The number of a user. The error begins with `option`.
pub fn user(option: &str, given: &str) -> Result<u32, String> {
    let look_up = || User::from_name(given).map(|user| user.map(|user| user.uid.as_raw()));
    number(option, "user", given, look_up)
}

/// The number of a group. The error begins with `option`.
pub fn group(option: &str, given: &str) -> Result<u32, String> {
    let look_up = || Group::from_name(given).map(|group| group.map(|group| group.gid.as_raw()));
    number(option, "group", given, look_up)
}

/// The numbers of users whose processes are to be told from those of others.
///
/// In a user namespace that does not have them (a container, PrivateUsers= of systemd) they all look like `nobody`, so
/// there they are an error.
pub fn peers(given: &[String]) -> Result<Vec<u32>, String> {
    let namespace = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let known = |uid: u32| namespace.is_empty() || namespace.lines().any(|line| contains(line, uid));
    let peer = |name: &String| match user("peer", name)? {
        uid if known(uid) => Ok(uid),
        uid => Err(format!(
            "peer: user {uid} is not in the daemon's user namespace, so it could not be told apart"
        )),
    };
    given.iter().map(peer).collect()
}

fn number(
    option: &str,
    kind: &str,
    given: &str,
    look_up: impl FnOnce() -> nix::Result<Option<u32>>,
) -> Result<u32, String> {
    // All ones stands for nobody at all in every call that takes a number.
    if let Some(number) = given.parse().ok().filter(|number| *number != u32::MAX) {
        return Ok(number);
    }
    match look_up() {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(format!("{option}: there is no {kind} `{given}`")),
        Err(errno) => Err(format!("{option}: {kind} `{given}` could not be looked up ({errno})")),
    }
}

/// Whether a line of a map of numbers (first inside, first outside, how many) has this one inside.
fn contains(line: &str, uid: u32) -> bool {
    let mut fields = line.split_whitespace().map(str::parse::<u32>);
    let (Some(Ok(first)), _, Some(Ok(count))) = (fields.next(), fields.next(), fields.next()) else {
        return false;
    };
    uid >= first && uid - first < count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_have_names_or_numbers() {
        assert_eq!((user("u", "root"), group("g", "root")), (Ok(0), Ok(0)));
        assert_eq!((user("u", "4711"), group("g", "4712")), (Ok(4711), Ok(4712)));
        assert_eq!(
            user("socket-owner", "no-such-user"),
            Err("socket-owner: there is no user `no-such-user`".into())
        );
        assert_eq!(group("socket-group", ""), Err("socket-group: there is no group ``".into()));
        assert!(user("u", "4294967295").is_err() && user("u", "-1").is_err());
    }

    #[test]
    fn a_map_holds_ranges() {
        assert!(contains("         0          0 4294967295", 65_534));
        assert!(contains("998 998 1", 998) && !contains("998 998 1", 997) && !contains("998 998 1", 999));
        assert!(!contains("", 0));
    }
}
