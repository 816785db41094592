//! What `check` keeps: where URLs and hosts stand, what has changed, how repositories spread.
//!
//! A round is one transaction, which writes what is another way than before and little else: of a round in which nothing
//! happens, one row.

use super::Store;
use crate::check::{
    judge::{Change, Judgement, Standing, State, Suspension, What, families::Known},
    repomd::Age,
    seconds::{DAY, HOUR},
};
use program::failure::Failure;
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How long changes and counts are kept.
pub const KEPT: u64 = 400 * DAY;

/// What the state has in place of an age when a host was not measured.
const UNMEASURED: u8 = 5;

/// Whoever is measured again within this, and is as far as before, has been so all the time.
const GAP: u64 = DAY;

/// The figures of a round.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Rounds so far, this one too.
    pub number: u64,
    /// When it began, in seconds since the epoch.
    pub time: u64,
    /// How long it took.
    pub seconds: f64,
    /// Hosts that were asked.
    pub hosts: u64,
    /// URLs that answered well.
    pub good: u64,
    /// URLs that failed.
    pub failed: u64,
    /// URLs of which nothing can be said.
    pub unknown: u64,
    /// Why nobody is suspended by it, or nobody of a category.
    pub brakes: Vec<String>,
}

/// What a round has found out of one repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// `PREFIX+ARCH`.
    pub repository: String,
    /// By host.
    pub ages: BTreeMap<i64, Age>,
}

/// What a round leaves to be kept.
#[derive(Debug)]
pub struct Kept<'a> {
    /// Its figures.
    pub figures: &'a Figures,
    /// Before it.
    pub before: &'a State,
    /// What it came to.
    pub judgement: &'a Judgement,
    /// What it has found out of a repository, if it was to.
    pub spread: Option<&'a Spread>,
    /// http URLs that were asked by https, and whether that gave the same.
    pub also_https: &'a BTreeMap<String, bool>,
    /// Names of hosts.
    pub names: &'a BTreeMap<i64, String>,
}

/// Hosts by the age of a repository, in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hour {
    /// When it begins.
    pub hour: u64,
    /// The current version, or a newer one.
    pub current: u64,
    /// At most a day behind.
    pub one_day: u64,
    /// At most two days behind.
    pub two_days: u64,
    /// Further behind.
    pub older: u64,
    /// No answer.
    pub no_answer: u64,
}

fn time(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

fn seconds(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}

impl Store {
    /// Where everything stands.
    pub fn state(&self) -> Result<State, Failure> {
        let last_round = self.figures()?.map(|figures| figures.time);
        self.read(|connection| {
            let mut statement =
                connection.prepare("select url, failures, good, since, until, reason from url")?;
            let urls = statement.query_map([], |row| {
                let (since, until): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
                let reason = row.get::<_, Option<String>>(5)?.unwrap_or_default();
                let suspended = since.zip(until);
                let suspended = suspended.map(|(since, until)| Suspension {
                    since: seconds(since),
                    until: seconds(until),
                    reason,
                });
                Ok((row.get(0)?, Standing { failures: row.get(1)?, good: row.get(2)?, suspended }))
            })?;
            let urls = urls.collect::<Result<_, _>>()?;
            let mut statement = connection.prepare("select host, has, missed4, missed6 from family")?;
            let families = statement.query_map([], |row| {
                let has: u8 = row.get(1)?;
                let missed = [row.get(2)?, row.get(3)?];
                Ok((row.get(0)?, Known { has: [has & 1 != 0, has & 2 != 0], missed }))
            })?;
            Ok(State { last_round, urls, families: families.collect::<Result<_, _>>()? })
        })
    }

    /// By host, the versions of IP by which it answers; hosts of which none is known are not in it.
    pub fn families(&self) -> Result<BTreeMap<i64, Vec<u32>>, Failure> {
        let families = self.state()?.families.into_iter();
        let families =
            families.map(|(host, known)| (host, known.numbers().map(u32::from).collect::<Vec<_>>()));
        Ok(families.filter(|(_, numbers)| !numbers.is_empty()).collect())
    }

    /// The figures of the last round.
    pub fn figures(&self) -> Result<Option<Figures>, Failure> {
        self.read(|connection| {
            let sql = "select number, time, seconds, hosts, good, failed, unknown, brakes from round";
            connection
                .query_row(sql, [], |row| {
                    let number = |at| row.get::<_, i64>(at).map(seconds);
                    let brakes: String = row.get(7)?;
                    Ok(Figures {
                        number: number(0)?,
                        time: number(1)?,
                        seconds: row.get(2)?,
                        hosts: number(3)?,
                        good: number(4)?,
                        failed: number(5)?,
                        unknown: number(6)?,
                        brakes: brakes.lines().map(str::to_owned).collect(),
                    })
                })
                .optional()
        })
    }

    /// Repositories that have not been looked at in this hour, of these.
    pub fn due<'r>(&self, repositories: &'r [String], now: u64) -> Result<Vec<&'r str>, Failure> {
        let hour = time(now / HOUR * HOUR);
        self.read(|connection| {
            let sql = "select name from hourly join repository on id = repository where hour = ?";
            let done =
                connection.prepare(sql)?.query_map([hour], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let done: BTreeSet<String> = done;
            Ok(repositories.iter().map(|name| &**name).filter(|name| !done.contains(*name)).collect())
        })
    }

    /// Keeps a round.
    pub fn keep(&mut self, kept: &Kept<'_>) -> Result<(), Failure> {
        self.write(|transaction| {
            figures(transaction, kept.figures)?;
            standings(transaction, &kept.before.urls, &kept.judgement.state.urls)?;
            families(transaction, &kept.before.families, &kept.judgement.state.families)?;
            let now = time(kept.figures.time);
            for Change { host, url, what, why, .. } in &kept.judgement.changes {
                let sql = "insert into change (time, host, url, what, why) values (?, ?, ?, ?, ?)";
                transaction.prepare_cached(sql)?.execute(params![now, host, url, what.name(), why])?;
            }
            for (url, is_same) in kept.also_https {
                let sql = if *is_same {
                    "insert or replace into also_https (time, url) values (?1, ?2)"
                } else {
                    "delete from also_https where url = ?2 and time <= ?1"
                };
                transaction.prepare_cached(sql)?.execute(params![now, url])?;
            }
            if let Some(spread) = kept.spread {
                self::spread(transaction, spread, kept.figures.time)?;
            }
            if kept.figures.time / HOUR != kept.before.last_round.unwrap_or(0) / HOUR {
                names(transaction, kept.names)?;
            }
            if kept.figures.time / DAY != kept.before.last_round.unwrap_or(0) / DAY {
                forget(transaction, time(kept.figures.time.saturating_sub(KEPT)))?;
            }
            Ok(())
        })
    }

    /// http URLs whose https gives the same.
    pub fn also_https(&self) -> Result<BTreeSet<String>, Failure> {
        self.read(|connection| {
            let mut statement = connection.prepare("select url from also_https")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// The changes from a time on, oldest first: when, what, and about whom.
    pub fn changes(&self, from: u64) -> Result<Vec<(u64, Told)>, Failure> {
        self.read(|connection| {
            let sql = "select time, change.host, coalesce(name, ''), url, what, why
                from change left join host on id = change.host where time >= ? order by time, change.rowid";
            let mut statement = connection.prepare(sql)?;
            let told = statement.query_map([time(from)], |row| {
                let told = Told {
                    host: row.get(1)?,
                    name: row.get(2)?,
                    url: row.get(3)?,
                    what: row.get(4)?,
                    why: row.get(5)?,
                };
                Ok((seconds(row.get(0)?), told))
            })?;
            told.collect()
        })
    }

    /// How a repository has spread, hour by hour.
    pub fn hours(&self, repository: &str, from: u64) -> Result<Vec<Hour>, Failure> {
        self.read(|connection| {
            let sql = "select hour, current, one_day, two_days, older, no_answer from hourly
                join repository on id = repository where name = ? and hour >= ? order by hour";
            let mut statement = connection.prepare(sql)?;
            let hours = statement.query_map(params![repository, time(from)], |row| {
                let number = |at| row.get::<_, i64>(at).map(seconds);
                Ok(Hour {
                    hour: number(0)?,
                    current: number(1)?,
                    one_day: number(2)?,
                    two_days: number(3)?,
                    older: number(4)?,
                    no_answer: number(5)?,
                })
            })?;
            hours.collect()
        })
    }

    /// By repository: the last hour that was measured.
    pub fn last_hours(&self) -> Result<BTreeMap<String, Hour>, Failure> {
        let names: Vec<String> = self.read(|connection| {
            let mut statement = connection.prepare("select name from repository")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })?;
        let mut last = BTreeMap::new();
        for name in names {
            let hour = self.hours(&name, 0)?.pop();
            last.extend(hour.map(|hour| (name, hour)));
        }
        Ok(last)
    }

    /// By host of the last measurement: its age of a repository, and since when.
    pub fn ages(&self, repository: &str) -> Result<BTreeMap<i64, (Age, u64)>, Failure> {
        self.read(|connection| {
            let sql = "select host, age, max(time) from age join repository on id = repository
                where name = ? group by host";
            let mut statement = connection.prepare(sql)?;
            let ages = statement.query_map([repository], |row| {
                let number: u8 = row.get(1)?;
                let age = Age::from_number(number).unwrap_or(Age::NoAnswer);
                let of_host = (row.get(0)?, (age, seconds(row.get(2)?)));
                Ok((number != UNMEASURED).then_some(of_host))
            })?;
            ages.filter_map(Result::transpose).collect()
        })
    }

    /// Names of hosts, also of those that have gone.
    pub fn names(&self) -> Result<BTreeMap<i64, String>, Failure> {
        self.read(|connection| {
            let mut statement = connection.prepare("select id, name from host")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }
}

/// A change, as it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The host's number.
    pub host: i64,
    /// Its name, as far as known.
    pub name: String,
    /// The URL, or nothing where it is about the host.
    pub url: String,
    /// What: [`What::name`].
    pub what: String,
    /// Why.
    pub why: String,
}

impl Told {
    /// Whether it is of this kind.
    pub fn is(&self, what: What) -> bool {
        self.what == what.name()
    }
}

fn figures(transaction: &Transaction<'_>, figures: &Figures) -> rusqlite::Result<()> {
    let sql = "insert or replace into round (id, number, time, seconds, hosts, good, failed, unknown, brakes)
        values (1, ?, ?, ?, ?, ?, ?, ?, ?)";
    let number = |number: u64| time(number);
    transaction.prepare_cached(sql)?.execute(params![
        number(figures.number),
        number(figures.time),
        figures.seconds,
        number(figures.hosts),
        number(figures.good),
        number(figures.failed),
        number(figures.unknown),
        figures.brakes.join("\n")
    ])?;
    Ok(())
}

fn standings(
    transaction: &Transaction<'_>,
    before: &BTreeMap<String, Standing>,
    after: &BTreeMap<String, Standing>,
) -> rusqlite::Result<()> {
    for url in before.keys().filter(|url| !after.contains_key(*url)) {
        transaction.prepare_cached("delete from url where url = ?")?.execute([url])?;
    }
    for (url, standing) in after.iter().filter(|(url, standing)| before.get(*url) != Some(standing)) {
        let of = |time: fn(&Suspension) -> u64| standing.suspended.as_ref().map(|s| self::time(time(s)));
        let reason = standing.suspended.as_ref().map(|suspension| &suspension.reason);
        let sql = "insert or replace into url (url, failures, good, since, until, reason) values (?, ?, ?, ?, ?, ?)";
        transaction.prepare_cached(sql)?.execute(params![
            url,
            standing.failures,
            standing.good,
            of(|suspension| suspension.since),
            of(|suspension| suspension.until),
            reason
        ])?;
    }
    Ok(())
}

fn families(
    transaction: &Transaction<'_>,
    before: &BTreeMap<i64, Known>,
    after: &BTreeMap<i64, Known>,
) -> rusqlite::Result<()> {
    for host in before.keys().filter(|host| !after.contains_key(host)) {
        transaction.prepare_cached("delete from family where host = ?")?.execute([host])?;
    }
    for (host, known) in after.iter().filter(|(host, known)| before.get(host) != Some(known)) {
        let has = u8::from(known.has[0]) | u8::from(known.has[1]) << 1;
        let sql = "insert or replace into family (host, has, missed4, missed6) values (?, ?, ?, ?)";
        transaction.prepare_cached(sql)?.execute(params![host, has, known.missed[0], known.missed[1]])?;
    }
    Ok(())
}

fn names(transaction: &Transaction<'_>, names: &BTreeMap<i64, String>) -> rusqlite::Result<()> {
    for (host, name) in names {
        let sql = "insert into host (id, name) values (?, ?)
            on conflict do update set name = excluded.name where name != excluded.name";
        transaction.prepare_cached(sql)?.execute(params![host, name])?;
    }
    Ok(())
}

fn spread(transaction: &Transaction<'_>, spread: &Spread, now: u64) -> rusqlite::Result<()> {
    transaction.execute("insert or ignore into repository (name) values (?)", [&spread.repository])?;
    let sql = "select id from repository where name = ?";
    let id: i64 = transaction.query_row(sql, [&spread.repository], |row| row.get(0))?;
    let count = |age| spread.ages.values().filter(|found| **found == age).count() as i64;
    let [current, one_day, two_days, older, no_answer] = Age::ALL.map(count);
    let sql = "insert or replace into hourly values (?, ?, ?, ?, ?, ?, ?)";
    let hour = time(now / HOUR * HOUR);
    transaction.execute(sql, params![id, hour, current, one_day, two_days, older, no_answer])?;
    for (host, age) in &spread.ages {
        self::age(transaction, id, *host, age.number(), now)?;
    }
    if !spread.ages.is_empty() {
        for host in measured(transaction, id)?.into_iter().filter(|host| !spread.ages.contains_key(host)) {
            self::age(transaction, id, host, UNMEASURED, now)?;
        }
    }
    Ok(())
}

/// All hosts that ever had an age of a repository, one look-up each.
fn measured(transaction: &Transaction<'_>, repository: i64) -> rusqlite::Result<Vec<i64>> {
    let sql = "with recursive known (host) as (
        select (select host from age where repository = ?1 order by host limit 1)
        union all
        select (select host from age where repository = ?1 and host > known.host order by host limit 1)
            from known where known.host is not null)
        select host from known where host is not null";
    let mut statement = transaction.prepare_cached(sql)?;
    statement.query_map([repository], |row| row.get(0))?.collect()
}

/// Notes the number of a host's age, if it is another one than before.
fn age(
    transaction: &Transaction<'_>,
    repository: i64,
    host: i64,
    number: u8,
    now: u64,
) -> rusqlite::Result<()> {
    let sql = "select age, time from age where repository = ? and host = ? order by time desc limit 2";
    let before: Vec<(u8, i64)> = transaction
        .prepare_cached(sql)?
        .query_map([repository, host], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    match before[..] {
        [(last, _), ..] if last == number => {}
        [(UNMEASURED, since), (last, _)] if last == number && now <= seconds(since) + GAP => {
            let sql = "delete from age where repository = ? and host = ? and time = ?";
            transaction.prepare_cached(sql)?.execute([repository, host, since])?;
        }
        _ => {
            let sql = "insert or replace into age (repository, host, time, age) values (?, ?, ?, ?)";
            transaction.prepare_cached(sql)?.execute(params![repository, host, time(now), number])?;
        }
    }
    Ok(())
}

/// What is older than is kept; of ages the last before that stays, for it is the one that counted then.
fn forget(transaction: &Transaction<'_>, before: i64) -> rusqlite::Result<()> {
    transaction.execute("delete from change where time < ?", [before])?;
    transaction.execute("delete from hourly where hour < ?", [before])?;
    let sql = "delete from age where time < ?1 and exists (select 1 from age as later
        where later.repository = age.repository and later.host = age.host and later.time > age.time and later.time <= ?1)";
    transaction.execute(sql, [before])?;
    // Nobody asks since when a host has had none.
    transaction.execute("delete from age where time < ? and age = ?", params![before, UNMEASURED])?;
    Ok(())
}
