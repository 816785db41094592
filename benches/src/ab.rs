//! `ab`, the load generator of MirrorManager's own test: what it prints, taken apart.
//!
//! Debian has it in apache2-utils. It has one thread and opens a connection for each request; at some 20,000 requests a second
//! it is the limit itself.

use serde::Serialize;
use std::{
    net::SocketAddr,
    process::{Command, Stdio},
};

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Requests a second.
    pub per_second: f64,
    /// Half of all answers came within so many milliseconds.
    pub p50_ms: f64,
    /// 99 of a hundred.
    pub p99_ms: f64,
    /// All.
    pub longest_ms: f64,
    /// Bytes of an answer's body.
    pub bytes: f64,
}

/// Whether there is one.
pub fn is_installed() -> bool {
    let mut command = Command::new("ab");
    command.arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// `ab -n REQUESTS -c CONCURRENCY` of one target, a connection for each request. A request that fails, or gets another status
/// than 2xx, is an error.
pub fn run(address: SocketAddr, target: &str, requests: u32, concurrency: u32) -> Result<Run, String> {
    let (requests, concurrency) = (requests.to_string(), concurrency.to_string());
    // Answers differ in length, for their order is drawn anew and not all headers are of one length.
    let output = Command::new("ab")
        .args(["-q", "-l", "-n", &requests, "-c", &concurrency])
        .arg(format!("http://{address}{target}"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("ab: cannot be started ({error})"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("ab: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    read(&said).ok_or_else(|| format!("ab: not all is well, or not understood: {said}"))
}

/// Reads what it prints; `None` where requests have failed.
fn read(said: &str) -> Option<Run> {
    let figure = |begin: &str| -> Option<f64> {
        let rest = said.lines().find_map(|line| line.trim_start().strip_prefix(begin))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let none = |begin: &str| figure(begin).is_none_or(|count| count == 0.0);
    let is_well = none("Failed requests:") && none("Non-2xx responses:") && none("Write errors:");
    is_well.then_some(Run {
        per_second: figure("Requests per second:")?,
        p50_ms: figure("50%")?,
        p99_ms: figure("99%")?,
        longest_ms: figure("100%")?,
        bytes: figure("HTML transferred:")? / figure("Complete requests:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "
Document Length:        Variable

Concurrency Level:      10
Time taken for tests:   0.315 seconds
Complete requests:      5000
Failed requests:        0
Total transferred:      328535000 bytes
HTML transferred:       327500000 bytes
Requests per second:    15873.02 [#/sec] (mean)
Time per request:       0.630 [ms] (mean)

Percentage of the requests served within a certain time (ms)
  50%      1
  66%      1
  99%      2
 100%      3 (longest request)
";

    #[test]
    fn what_ab_prints_is_understood() {
        let run = Run { per_second: 15873.02, p50_ms: 1.0, p99_ms: 2.0, longest_ms: 3.0, bytes: 65500.0 };
        assert_eq!(read(SAID), Some(run));
    }

    #[test]
    fn a_run_with_failures_is_none() {
        let failed = SAID.replace("Failed requests:        0", "Failed requests:        1");
        assert_eq!(read(&failed), None);
        let refused = SAID.replace("Total transferred", "Non-2xx responses:      5000\nTotal transferred");
        assert_eq!(read(&refused), None);
        assert_eq!(read("ab: killed"), None);
    }
}
