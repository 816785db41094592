//! What programs print on standard output, for a person or a script, and how it spells times and numbers.

use super::failure::Failure;
pub use super::grouped::grouped;
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
};
use time::OffsetDateTime;

/// Prints a value for a script or a person.
pub fn printed(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
    let text = if json {
        serde_json::to_string_pretty(value)
            .map_err(|error| Failure::system(format!("standard output: {error}")))?
    } else {
        text()
    };
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        // Whoever closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => {
            outcome.map_err(|error| Failure::system(format!("standard output: cannot be written ({error})")))
        }
    }
}

/// A time as RFC 3339 writes it; `None` for none given and for one that no calendar reaches.
pub fn date(seconds: u64) -> Option<String> {
    let seconds = i64::try_from(seconds).ok().filter(|&seconds| seconds > 0)?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let (date, month) = (time.date(), u8::from(time.month()));
    let (hour, minute, second) = time.to_hms();
    Some(format!("{}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", date.year(), date.day()))
}

/// A number of things, in one word or the other.
pub fn counted(number: impl fmt::Display, one: &str, many: &str) -> String {
    let number = grouped(number);
    let what = if number == "1" { one } else { many };
    format!("{number} {what}")
}

/// A time span in its two largest units.
pub fn age(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_said_of_one_alone() {
        let said = [0, 1, 2, 1000].map(|number| counted(number, "host", "hosts"));
        assert_eq!(said, ["0 hosts", "1 host", "2 hosts", "1,000 hosts"]);
    }

    #[test]
    fn an_age_has_two_units_at_most() {
        assert_eq!(
            [0, 59, 60, 7199, 86_400 * 3 + 3600].map(age),
            ["0 s", "59 s", "1 min 0 s", "1 h 59 min", "3 d 1 h"]
        );
    }
}
