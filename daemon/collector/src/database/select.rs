//! The SELECTs: the only place that speaks SQL. Every table by the names of its columns, in the order of its keys.
//!
//! All of them see one snapshot (repeatable read), write nothing (read only) and have time-outs. The three large tables
//! come as binary COPY and are handed on row by row. Texts are taken as bytes, which a database without an encoding
//! (SQL_ASCII) hands out unchecked: one that is not UTF-8 is one odd value and not the end.

use super::{
    catalog::Catalog,
    directories::{self, Directories},
    rows::{
        Arch, Category, Detail, Host, HostCategory, HostUrl, OfHost, Pair, PeerAsn, Repository, Rows, Site,
    },
    skipped::{Reason, Skipped},
};
use crate::{connection::Error, progress::Progress};
use fallible_iterator::FallibleIterator as _;
use postgres::{
    Client, IsolationLevel, Row, Transaction,
    binary_copy::{BinaryCopyOutIter, BinaryCopyOutRow},
    types::{FromSql, Type},
};
use std::{error, time::Duration};

/// Rows that a small table may have: ten times and more what the largest known deployment has.
const MOST: u64 = 1 << 20;

/// Begins to read: all that follows sees the database as it is now.
pub fn begin(client: &mut Client, lock: Duration, statement: Duration) -> Result<Transaction<'_>, Error> {
    let begin = |client| -> Result<Transaction<'_>, postgres::Error> {
        let builder = Client::build_transaction(client);
        let mut transaction =
            builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
        let (lock, statement) = (lock.as_millis(), statement.as_millis());
        transaction.batch_execute(&format!(
            "set local lock_timeout = {lock}; set local statement_timeout = {statement};
             set local idle_in_transaction_session_timeout = {statement};
             select set_config('client_encoding', 'SQL_ASCII', true) where current_setting('server_encoding') = 'SQL_ASCII'"
        ))?;
        Ok(transaction)
    };
    begin(client).map_err(|error| Error::of("does not let us begin", &error))
}

/// A text as the database has it.
struct Text(Result<String, ()>);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Text, Box<dyn error::Error + Sync + Send>> {
        Ok(Text(String::from_utf8(raw.to_vec()).map_err(drop)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TEXT
    }
}

/// Values of a row, one after the other.
struct Values<'a, R> {
    row: &'a R,
    next: usize,
    table: &'static str,
    skipped: &'a mut Skipped,
}

/// What values are taken from.
trait Columns {
    fn column<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, postgres::Error>;
}

impl Columns for Row {
    fn column<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, postgres::Error> {
        self.try_get(at)
    }
}

impl Columns for BinaryCopyOutRow {
    fn column<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, postgres::Error> {
        self.try_get(at)
    }
}

impl<'a, R: Columns> Values<'a, R> {
    /// The next value; NULL is none.
    fn value<T: FromSql<'a>>(&mut self) -> Result<Option<T>, postgres::Error> {
        self.next += 1;
        self.row.column(self.next - 1)
    }

    /// A key, which is never NULL.
    fn key(&mut self) -> Result<i32, postgres::Error> {
        self.next += 1;
        self.row.column(self.next - 1)
    }

    /// A text; NULL and what is not UTF-8 is none.
    fn text(&mut self) -> Result<Option<String>, postgres::Error> {
        let value: Option<Text> = self.value()?;
        Ok(value.and_then(|Text(text)| {
            text.map_err(|()| self.skipped.add(self.table, Reason::NotUtf8, || "")).ok()
        }))
    }

    /// A flag that the schema does not let be NULL; what to take for it if it is all the same.
    fn flag(&mut self, otherwise: bool) -> Result<bool, postgres::Error> {
        let value = self.value()?;
        if value.is_none() {
            self.skipped.add(self.table, Reason::Null, || "a flag");
        }
        Ok(value.unwrap_or(otherwise))
    }
}

/// Reads tables of one snapshot.
pub struct Reader<'a, 'client> {
    pub transaction: &'a mut Transaction<'client>,
    pub catalog: &'a Catalog,
    pub skipped: &'a mut Skipped,
    pub progress: &'a Progress,
}

type Taken<T> = Result<T, postgres::Error>;

impl Reader<'_, '_> {
    /// All rows of a small table.
    fn all<T>(
        &mut self,
        table: &'static str,
        query: &str,
        take: impl Fn(&mut Values<'_, Row>) -> Taken<T>,
    ) -> Result<Vec<T>, Error> {
        let doing = || format!("table {table}");
        let of = |error: postgres::Error| Error::of(&doing(), &error);
        self.progress.step(table);
        let mut rows = self.transaction.query_raw(query, [0_i32; 0]).map_err(of)?;
        let mut taken = Vec::new();
        while let Some(row) = rows.next().map_err(of)? {
            if taken.len() as u64 == MOST {
                return Err(Error::Refused(format!(
                    "{} has more than {MOST} rows, which is too many",
                    doing()
                )));
            }
            let mut values = Values { row: &row, next: 0, table, skipped: self.skipped };
            taken.push(take(&mut values).map_err(of)?);
        }
        Ok(taken)
    }

    /// A large table, row by row.
    fn stream(
        &mut self,
        table: &'static str,
        query: &str,
        types: &[Type],
        mut take: impl FnMut(&mut Values<'_, BinaryCopyOutRow>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let of = |error: postgres::Error| Error::of(&format!("table {table}"), &error);
        self.progress.step(table);
        let copy = format!("copy ({query}) to stdout (format binary)");
        let reader = self.transaction.copy_out(&copy).map_err(of)?;
        let mut rows = BinaryCopyOutIter::new(reader, types);
        let mut count = 0;
        while let Some(row) = rows.next().map_err(of)? {
            take(&mut Values { row: &row, next: 0, table, skipped: self.skipped })?;
            count += 1;
            self.progress.rows(table, count);
        }
        Ok(())
    }

    /// The small tables.
    pub fn rows(&mut self) -> Result<Rows, Error> {
        Ok(Rows {
            sites: self.sites()?,
            hosts: self.hosts()?,
            categories: self.categories()?,
            host_categories: self.host_categories()?,
            urls: self.urls()?,
            netblocks: self.of_hosts("host_netblock", "netblock")?,
            countries_allowed: self.of_hosts("host_country_allowed", "country")?,
            peer_asns: self.peer_asns()?,
            page_countries: self.page_countries()?,
            repositories: self.repositories()?,
            arches: self.arches()?,
            repository_redirects: self.pairs("repository_redirect", "from_repo", "to_repo")?,
            continent_redirects: self.pairs("country_continent_redirect", "country", "continent")?,
            netblock_countries: self.pairs("netblock_country", "netblock", "country")?,
        })
    }

    fn sites(&mut self) -> Result<Vec<Site>, Error> {
        let query = "select id::int4, user_active, admin_active, private from site order by id";
        self.all("site", query, |row| {
            Ok(Site {
                id: row.key()?,
                user_active: row.flag(false)?,
                admin_active: row.flag(false)?,
                private: row.flag(true)?,
            })
        })
    }

    fn hosts(&mut self) -> Result<Vec<Host>, Error> {
        let place = match self.catalog.has("host", &["latitude", "longitude"]) {
            true => "latitude::float8, longitude::float8",
            false => "null::float8, null::float8",
        };
        let query = format!(
            "select id::int4, name::text, site_id::int4, user_active, admin_active, private, country::text,
                bandwidth_int::int4, internet2, internet2_clients, asn::int4, asn_clients, max_connections::int4, {place}
             from host order by id"
        );
        self.all("host", &query, |row| {
            Ok(Host {
                id: row.key()?,
                name: row.text()?,
                site: row.value()?,
                user_active: row.flag(false)?,
                admin_active: row.flag(false)?,
                private: row.flag(true)?,
                country: row.text()?,
                bandwidth: row.value()?,
                internet2: row.flag(false)?,
                internet2_clients: row.flag(false)?,
                asn: row.value()?,
                asn_clients: row.flag(false)?,
                max_connections: row.value()?,
                latitude: row.value()?,
                longitude: row.value()?,
            })
        })
    }

    fn categories(&mut self) -> Result<Vec<Category>, Error> {
        self.all("category", "select id::int4, topdir_id::int4 from category order by id", |row| {
            Ok(Category { id: row.key()?, top: row.value()? })
        })
    }

    fn host_categories(&mut self) -> Result<Vec<HostCategory>, Error> {
        let query = "select id::int4, host_id::int4, category_id::int4, always_up2date from host_category order by id";
        self.all("host_category", query, |row| {
            Ok(HostCategory {
                id: row.key()?,
                host: row.value()?,
                category: row.value()?,
                always_up_to_date: row.flag(false)?,
            })
        })
    }

    fn urls(&mut self) -> Result<Vec<HostUrl>, Error> {
        let query = "select id::int4, host_category_id::int4, url::text from host_category_url
            where private = false order by id";
        self.all("host_category_url", query, |row| {
            Ok(HostUrl { id: row.key()?, host_category: row.value()?, url: row.text()? })
        })
    }

    fn of_hosts(&mut self, table: &'static str, column: &str) -> Result<Vec<OfHost>, Error> {
        let query = format!("select id::int4, host_id::int4, {column}::text from {table} order by id");
        self.all(table, &query, |row| Ok(OfHost { id: row.key()?, host: row.value()?, text: row.text()? }))
    }

    fn peer_asns(&mut self) -> Result<Vec<PeerAsn>, Error> {
        if !self.catalog.has("host_peer_asn", &["id", "host_id", "asn"]) {
            return Ok(Vec::new());
        }
        let query = "select id::int4, host_id::int4, asn::int4 from host_peer_asn order by id";
        self.all("host_peer_asn", query, |row| {
            Ok(PeerAsn { id: row.key()?, host: row.value()?, asn: row.value()? })
        })
    }

    fn page_countries(&mut self) -> Result<Vec<i32>, Error> {
        if !self.catalog.has("host_country", &["host_id"]) {
            return Ok(Vec::new());
        }
        let query = "select distinct host_id::int4 from host_country where host_id is not null order by 1";
        self.all("host_country", query, |row| row.key())
    }

    fn repositories(&mut self) -> Result<Vec<Repository>, Error> {
        let query =
            "select id::int4, prefix::text, arch_id::int4, directory_id::int4, disabled from repository
            where directory_id is not null and version_id is not null and arch_id is not null order by id";
        self.all("repository", query, |row| {
            Ok(Repository {
                id: row.key()?,
                prefix: row.text()?,
                arch: row.key()?,
                directory: row.key()?,
                disabled: row.flag(false)?,
            })
        })
    }

    fn arches(&mut self) -> Result<Vec<Arch>, Error> {
        self.all("arch", "select id::int4, name::text from arch order by id", |row| {
            Ok(Arch { id: row.key()?, name: row.text()? })
        })
    }

    fn pairs(&mut self, table: &'static str, from: &str, to: &str) -> Result<Vec<Pair>, Error> {
        let query = format!("select id::int4, {from}::text, {to}::text from {table} order by id");
        self.all(table, &query, |row| Ok(Pair { id: row.key()?, from: row.text()?, to: row.text()? }))
    }

    /// `directory`.
    pub fn directories(&mut self) -> Result<Directories, Error> {
        let (table, query) = ("directory", "select id::int4, name::text from directory order by id");
        let mut directories = Directories::default();
        self.stream(table, query, &[Type::INT4, Type::TEXT], |row| {
            let of = |error| Error::of("table directory", &error);
            let id = row.key().map_err(of)?;
            let Some(name) = row.text().map_err(of)? else {
                row.skipped.add(table, Reason::Null, || id);
                return Ok(());
            };
            if directories.len() == directories::MOST {
                let most = directories::MOST;
                return Err(Error::Refused(format!(
                    "table directory has more than {most} rows, which is too many"
                )));
            }
            directories.add(id, name);
            Ok(())
        })?;
        Ok(directories)
    }

    /// `category_directory`: every pair of a category and a directory.
    pub fn category_directories(
        &mut self,
        mut take: impl FnMut(i32, i32, &mut Skipped),
    ) -> Result<(), Error> {
        let query = "select category_id::int4, directory_id::int4 from category_directory order by 2, 1";
        self.numbers("category_directory", query, &mut take)
    }

    /// `host_category_dir`: every pair of a host's category and a directory that it has up to date.
    pub fn up_to_date(&mut self, mut take: impl FnMut(i32, i32, &mut Skipped)) -> Result<(), Error> {
        let query = "select host_category_id::int4, directory_id::int4 from host_category_dir where up2date";
        self.numbers("host_category_dir", query, &mut take)
    }

    fn numbers(
        &mut self,
        table: &'static str,
        query: &str,
        take: &mut dyn FnMut(i32, i32, &mut Skipped),
    ) -> Result<(), Error> {
        let of = |error| Error::of(&format!("table {table}"), &error);
        self.stream(table, query, &[Type::INT4, Type::INT4], |row| {
            match (row.value().map_err(of)?, row.value().map_err(of)?) {
                (Some(one), Some(other)) => take(one, other, row.skipped),
                (one, other) => {
                    let text = |value: Option<i32>| value.map_or("NULL".into(), |value| value.to_string());
                    row.skipped.add(table, Reason::Null, || format!("{}, {}", text(one), text(other)));
                }
            }
            Ok(())
        })
    }

    /// `file_detail`: by directory, in each by name of file, of each the newest first and unknown times last.
    pub fn details(
        &mut self,
        mut take: impl FnMut(Detail, &mut Skipped) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let query = r#"select directory_id::int4, filename::text, "timestamp"::int8, size::int8, sha1::text, md5::text,
                sha256::text, sha512::text from file_detail
            order by directory_id, filename collate "C", case when "timestamp" >= 0 then "timestamp" end desc nulls last,
                id desc"#;
        let types =
            [Type::INT4, Type::TEXT, Type::INT8, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT];
        self.stream("file_detail", query, &types, |row| {
            let detail = |row: &mut Values<'_, BinaryCopyOutRow>| -> Taken<Detail> {
                Ok(Detail {
                    directory: row.value()?,
                    file: row.text()?,
                    timestamp: row.value()?,
                    size: row.value()?,
                    sha1: row.text()?,
                    md5: row.text()?,
                    sha256: row.text()?,
                    sha512: row.text()?,
                })
            };
            let detail = detail(row).map_err(|error| Error::of("table file_detail", &error))?;
            take(detail, row.skipped)
        })
    }
}
