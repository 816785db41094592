//! How many sockets systemd has passed. Source: sd_listen_fds(3).

use std::{env, ffi::OsString, process};

/// Sockets that one process can be passed, more than anybody passes.
const MOST: u32 = 1024;

/// How many sockets the environment says were passed to this very process; in words why that cannot be told. What to
/// listen on instead is not to be guessed then.
pub fn count() -> Result<u32, String> {
    read(env::var_os("LISTEN_PID"), env::var_os("LISTEN_FDS"))
}

fn read(pid: Option<OsString>, number: Option<OsString>) -> Result<u32, String> {
    let is_ours = pid.and_then(|pid| pid.to_str()?.parse().ok()) == Some(process::id());
    let Some(number) = number.filter(|_| is_ours) else { return Ok(0) };
    let digits = number.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .filter(|count| *count <= MOST)
        .ok_or_else(|| format!("LISTEN_FDS is {number:?}, expected a number up to {MOST}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_sockets_that_cannot_be_read_is_refused_if_they_are_ours() {
        let ours = process::id().to_string();
        let counted = |pid: &str, number: &str| read(Some(pid.into()), Some(number.into()));
        assert_eq!(counted(&ours, "2"), Ok(2));
        assert_eq!(counted(&ours, "0"), Ok(0));
        assert_eq!(read(Some((&ours).into()), None), Ok(0));
        for number in ["garbage", "", "-1", "+1", "1x", "1 ", "1025", "4294967295", "99999999999999999999"] {
            let said = counted(&ours, number).unwrap_err();
            assert!(said.contains(&format!("LISTEN_FDS is {number:?}")), "{said}");
            for other in ["1", "x", ""] {
                assert_eq!(counted(other, number), Ok(0), "{other:?}");
            }
            assert_eq!(read(None, Some(number.into())), Ok(0));
        }
    }
}
