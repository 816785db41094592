//! A line of a log: what was asked for, and how it went.
//!
//! Source: SPEC.md §10.

use memchr::memchr;
use time::{Date, Month};

/// Day 0 of this program's days: 1970-01-01.
const EPOCH: i32 = 2_440_588;

/// Which of the service's logs a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Answered requests for a repository, one a line.
    Access,
    /// Every request that reached a worker, one a line.
    Requests,
}

impl Form {
    /// What the log is called.
    pub fn name(self) -> &'static str {
        match self {
            Form::Access => "access log",
            Form::Requests => "request log",
        }
    }

    /// The log that is called so.
    pub fn of(name: &str) -> Option<Form> {
        [Form::Access, Form::Requests].into_iter().find(|form| form.name() == name)
    }
}

/// What a line tells; words are escaped as they are in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'l> {
    /// The log that it is of.
    pub form: Form,
    /// Days since 1970-01-01.
    pub day: i32,
    /// The answered request for a repository, if it was one.
    pub asked: Option<Asked<'l>>,
    /// How the request went, which the access log does not tell.
    pub outcome: Option<Outcome<'l>>,
}

/// An answered request for a repository. What is not known is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'l> {
    /// The client's country.
    pub country: &'l [u8],
    /// The repository.
    pub repository: &'l [u8],
    /// The architecture.
    pub arch: &'l [u8],
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<'l> {
    /// The status of the answer.
    pub status: u16,
    /// What was asked for.
    pub kind: &'l [u8],
    /// The tier of the first mirror, `none` without one.
    pub tier: &'l [u8],
}

/// Reads lines one after the other; most are of the day of the one before.
#[derive(Debug, Default)]
pub struct Reader {
    /// The last date that was read, and its day.
    last: Option<([u8; 10], i32)>,
}

impl Reader {
    /// Reads a line, which comes without its end. `None` if it is of no log that is known here.
    pub fn line<'l>(&mut self, line: &'l [u8]) -> Option<Line<'l>> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"IP: ") { access(line, self) } else { request(line, self) }
    }

    fn day(&mut self, date: &[u8]) -> Option<i32> {
        if let Some((last, day)) = self.last
            && last == date
        {
            return Some(day);
        }
        let day = day(date)?;
        self.last = date.try_into().ok().map(|date| (date, day));
        Some(day)
    }
}

/// `IP: …; DATE: …; COUNTRY: …; REPO: …; ARCH: …`
fn access<'l>(line: &'l [u8], reader: &mut Reader) -> Option<Line<'l>> {
    let mut rest = line;
    let mut field = |name: &[u8]| {
        let value = rest.strip_prefix(name)?;
        let end = memchr(b';', value).unwrap_or(value.len());
        rest = value[end..].strip_prefix(b"; ").unwrap_or(&value[end..]);
        Some(known(&value[..end], b"N/A"))
    };
    field(b"IP: ")?;
    let day = reader.day(field(b"DATE: ")?)?;
    let (country, repository, arch) = (field(b"COUNTRY: ")?, field(b"REPO: ")?, field(b"ARCH: ")?);
    let asked = Some(Asked { country, repository, arch });
    rest.is_empty().then_some(Line { form: Form::Access, day, asked, outcome: None })
}

/// Nine words, a blank between each.
fn request<'l>(line: &'l [u8], reader: &mut Reader) -> Option<Line<'l>> {
    let mut rest = Some(line);
    let mut word = || {
        let line = rest?;
        let end = memchr(b' ', line);
        rest = end.map(|end| &line[end + 1..]);
        Some(&line[..end.unwrap_or(line.len())]).filter(|word| !word.is_empty())
    };
    let (time, _address, status, kind, tier) = (word()?, word()?, word()?, word()?, word()?);
    let mut words = || word().map(|word| known(word, b"-"));
    let (country, repository, arch, path) = (words()?, words()?, words()?, words()?);
    let status = str::from_utf8(status).ok().filter(|status| status.len() == 3)?.parse().ok()?;
    let is_time = time.len() == "2026-11-21T10:00:00Z".len() && time[10] == b'T' && time.ends_with(b"Z");
    let day = reader.day(time.get(..10).filter(|_| is_time)?)?;
    // A path decides instead of a repository, which may be any word then.
    let names_repository = !repository.is_empty() && !arch.is_empty() && path.is_empty();
    let asked =
        (matches!(status, 200 | 302) && names_repository).then_some(Asked { country, repository, arch });
    let outcome = Some(Outcome { status, kind, tier });
    rest.is_none().then_some(Line { form: Form::Requests, day, asked, outcome })
}

/// A value, empty where `none` stands for it.
fn known<'l>(value: &'l [u8], none: &[u8]) -> &'l [u8] {
    if value == none { b"" } else { value }
}

/// The day of a date such as `2026-11-21`.
fn day(date: &[u8]) -> Option<i32> {
    let number = |digits: &[u8]| {
        let value =
            |number, digit: &u8| digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0'));
        digits.iter().try_fold(0, value)
    };
    let [_, _, _, _, b'-', _, _, b'-', _, _] = date else { return None };
    let (year, month, day) = (number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    Some(date.to_julian_day() - EPOCH)
}

/// The date of a day.
pub fn date(day: i32) -> Option<Date> {
    Date::from_julian_day(day.checked_add(EPOCH)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[u8]) -> Option<Line<'_>> {
        Reader::default().line(line)
    }

    #[test]
    fn a_line_of_the_access_log_tells_what_was_asked_for() {
        let line = b"IP: 192.0.2.0; DATE: 1970-01-02; COUNTRY: DE; REPO: fedora-42; ARCH: x86_64";
        let asked = Asked { country: b"DE", repository: b"fedora-42", arch: b"x86_64" };
        let expected = Line { form: Form::Access, day: 1, asked: Some(asked), outcome: None };
        assert_eq!(parse(line), Some(expected));
        let line = b"IP: N/A; DATE: 1970-01-02; COUNTRY: N/A; REPO: a%3Bb; ARCH: x86_64";
        let asked = parse(line).unwrap().asked.unwrap();
        assert_eq!((asked.country, asked.repository), (&b""[..], &b"a%3Bb"[..]));
    }

    #[test]
    fn a_line_of_the_request_log_tells_how_it_went_too() {
        let line = b"2026-11-21T10:00:00Z - 200 metalink country DE fedora-42 x86_64 -";
        let line = parse(line).unwrap();
        assert_eq!(date(line.day).unwrap().to_string(), "2026-11-21");
        assert_eq!(line.asked.unwrap().repository, b"fedora-42");
        assert_eq!(line.outcome.unwrap(), Outcome { status: 200, kind: b"metalink", tier: b"country" });
        for refused in [
            &b"2026-11-21T10:00:00Z 192.0.2.0 404 mirrorlist none DE fedora-99 x86_64 -"[..],
            b"2026-11-21T10:00:00Z 192.0.2.0 302 redirect country DE - - pub/fedora/x.iso",
        ] {
            let line = parse(refused).unwrap();
            assert!(line.asked.is_none() && line.outcome.is_some());
        }
    }

    #[test]
    fn a_line_is_of_its_own_day_whatever_the_line_before_was_of() {
        let mut reader = Reader::default();
        let mut day = |date| {
            let line = format!("IP: N/A; DATE: {date}; COUNTRY: DE; REPO: fedora-42; ARCH: x86_64");
            reader.line(line.as_bytes()).map(|line| line.day)
        };
        let dates =
            ["1970-01-02", "1970-01-02", "1970-01-03", "1970-13-03", "1970-01-3", "1970-01-03", "1970-01-02"];
        assert_eq!(dates.map(&mut day), [Some(1), Some(1), Some(2), None, None, Some(2), Some(1)]);
    }

    #[test]
    fn what_is_cut_short_or_too_long_or_of_no_day_is_no_line() {
        let whole = [
            "IP: 192.0.2.0; DATE: 2026-11-21; COUNTRY: DE; REPO: fedora-42; ARCH: x86_64",
            "2026-11-21T10:00:00Z 192.0.2.0 200 mirrorlist country DE fedora-42 x86_64 -",
        ];
        for line in whole {
            assert!(parse(line.as_bytes()).is_some());
            // A value that is cut cannot be told from a short one; the last field itself can be missed.
            for length in 0..line.rfind([':', ' ']).unwrap() {
                assert_eq!(parse(&line.as_bytes()[..length]), None, "{}", &line[..length]);
            }
            assert_eq!(parse(format!("{line} x; Y: z").as_bytes()), None);
            for (from, to) in [("2026-11", "2026-13"), ("-21", "-31"), ("2026", "x026"), ("2026-", "2026/")] {
                assert_eq!(parse(line.replacen(from, to, 1).as_bytes()), None, "{from} {to}");
            }
        }
    }
}
