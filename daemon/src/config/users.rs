//! Users and groups as options name them: by name, or by number.

use crate::failure::Failure;
use nix::unistd::{Group, User};
use std::fs;

/// Takes a user for its number.
pub fn user(given: &str) -> Result<u32, Failure> {
    number("user", given, || User::from_name(given).map(|user| user.map(|user| user.uid.as_raw())))
}

/// Takes a group for its number.
pub fn group(given: &str) -> Result<u32, Failure> {
    number("group", given, || Group::from_name(given).map(|group| group.map(|group| group.gid.as_raw())))
}

/// Takes a user, for its number, whose processes are to be told from those of others.
///
/// In a user namespace that does not have them (a container, PrivateUsers= of systemd) they all look like `nobody`, so
/// there they are an error.
pub fn peer(given: &str) -> Result<u32, Failure> {
    let namespace = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let uid = user(given)?;
    if namespace.is_empty() || namespace.lines().any(|line| contains(line, uid)) {
        return Ok(uid);
    }
    let cause = format!("user {uid} is not in the daemon's user namespace, so it could not be told apart");
    Err(Failure::config(cause))
}

fn number(
    kind: &str,
    given: &str,
    look_up: impl FnOnce() -> nix::Result<Option<u32>>,
) -> Result<u32, Failure> {
    // All ones stands for nobody at all in every call that takes a number.
    if let Some(number) = given.parse().ok().filter(|number| *number != u32::MAX) {
        return Ok(number);
    }
    look_up()
        .map_err(|errno| Failure::config(format!("that {kind} could not be looked up ({errno})")))?
        .ok_or_else(|| Failure::config(format!("there is no such {kind}")))
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
        assert_eq!((user("root"), group("root")), (Ok(0), Ok(0)));
        assert_eq!((user("4711"), group("4712")), (Ok(4711), Ok(4712)));
        let refused = |outcome: Result<u32, Failure>| outcome.unwrap_err().to_string();
        assert_eq!(refused(user("no-such-user")), "there is no such user");
        assert_eq!(refused(group("")), "there is no such group");
        assert!(user("4294967295").is_err() && user("-1").is_err());
    }

    #[test]
    fn a_map_holds_ranges() {
        assert!(contains("         0          0 4294967295", 65_534));
        assert!(contains("998 998 1", 998) && !contains("998 998 1", 997) && !contains("998 998 1", 999));
        assert!(!contains("", 0));
    }
}
