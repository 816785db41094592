//! The SELECTs: the only place that speaks SQL. Every table by the names of its columns, in the order of its keys.
//!
//! All of them see one snapshot (repeatable read), write nothing (read only) and have time-outs. Rows come as binary COPY,
//! which costs least, and those of the large tables are handed on one by one. Texts are taken as bytes, which a database
//! without an encoding (SQL_ASCII) hands out unchecked: one that is not UTF-8 is one odd value and not the end.

use super::{
    catalog::Catalog,
    copy::Copy,
    directories::{self, Directories},
    rows::{
        Arch, Category, Detail, Host, HostCategory, HostUrl, OfHost, Pair, PeerAsn, Repository, Rows, Site,
    },
    skipped::{Reason, Skipped},
    values::{Taken, Values},
};
use crate::{connection::Error, progress::Progress};
use futures_util::TryStreamExt as _;
use std::{pin::pin, time::Duration};
use tokio::time::timeout;
use tokio_postgres::{Client, IsolationLevel, Transaction};

/// Rows that a small table may have: ten times and more what the largest known deployment has.
const MOST: usize = 1 << 20;

/// Begins to read: all that follows sees the database as it is now.
pub async fn begin(
    client: &mut Client,
    lock: Duration,
    statement: Duration,
) -> Result<Transaction<'_>, Error> {
    let begin = async |client| -> Result<Transaction<'_>, tokio_postgres::Error> {
        let builder = Client::build_transaction(client);
        let transaction =
            builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
        let (lock, statement) = (lock.as_millis(), statement.as_millis());
        let settings = format!(
            "set local lock_timeout = {lock}; set local statement_timeout = {statement};
             set local idle_in_transaction_session_timeout = {statement};
             select set_config('client_encoding', 'SQL_ASCII', true) where current_setting('server_encoding') = 'SQL_ASCII'"
        );
        transaction.batch_execute(&settings).await?;
        Ok(transaction)
    };
    begin(client).await.map_err(|error| Error::of("does not let us begin", &error))
}

/// Reads tables of one snapshot.
pub struct Reader<'a, 'client> {
    pub transaction: &'a Transaction<'client>,
    pub catalog: &'a Catalog,
    pub skipped: &'a mut Skipped,
    pub progress: &'a Progress,
    /// How long a table may take in all, waiting for locks included.
    pub patience: Duration,
}

impl Reader<'_, '_> {
    /// All rows of a small table.
    async fn all<T>(
        &mut self,
        table: &'static str,
        query: &str,
        take: impl Fn(&mut Values<'_>) -> Taken<T>,
    ) -> Result<Vec<T>, Error> {
        let mut taken = Vec::new();
        self.stream(table, query, take, |row, _| {
            taken.push(row);
            at_most(MOST, table, taken.len())
        })
        .await?;
        Ok(taken)
    }

    /// A table, row by row, with an end to our patience too: a server that is frozen keeps to no time-out.
    async fn stream<T>(
        &mut self,
        table: &'static str,
        query: &str,
        take: impl Fn(&mut Values<'_>) -> Taken<T>,
        each: impl FnMut(T, &mut Skipped) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let patience = self.patience;
        let reading = timeout(patience, self.whole_stream(table, query, take, each)).await;
        reading.unwrap_or_else(|_| Err(Error::frozen(&format!("table {table}"), patience)))
    }

    async fn whole_stream<T>(
        &mut self,
        table: &'static str,
        query: &str,
        take: impl Fn(&mut Values<'_>) -> Taken<T>,
        mut each: impl FnMut(T, &mut Skipped) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let of = |error: tokio_postgres::Error| Error::of(&format!("table {table}"), &error);
        self.progress.step(table);
        let query = format!("copy ({query}) to stdout (format binary)");
        let mut messages = pin!(self.transaction.copy_out(&query).await.map_err(of)?);
        let (mut copy, mut count) = (Copy::New, 0);
        let broken = |count| Error::broken(table, count);
        while let Some(message) = messages.try_next().await.map_err(of)? {
            let Some(row) = copy.row(&message).map_err(|_| broken(count))? else { continue };
            count += 1;
            let mut values = Values { row, table, skipped: self.skipped };
            let taken = take(&mut values).map_err(|_| broken(count))?;
            if !values.row.is_done() {
                return Err(broken(count));
            }
            each(taken, self.skipped)?;
            self.progress.rows(table, count);
        }
        if copy == Copy::Complete { Ok(()) } else { Err(broken(count)) }
    }

    /// The small tables.
    pub async fn rows(&mut self) -> Result<Rows, Error> {
        Ok(Rows {
            sites: self.sites().await?,
            hosts: self.hosts().await?,
            categories: self.categories().await?,
            host_categories: self.host_categories().await?,
            urls: self.urls().await?,
            netblocks: self.of_hosts("host_netblock", "netblock").await?,
            countries_allowed: self.of_hosts("host_country_allowed", "country").await?,
            peer_asns: self.peer_asns().await?,
            page_countries: self.page_countries().await?,
            repositories: self.repositories().await?,
            arches: self.arches().await?,
            repository_redirects: self.pairs("repository_redirect", "from_repo", "to_repo").await?,
            continent_redirects: self.pairs("country_continent_redirect", "country", "continent").await?,
            netblock_countries: self.pairs("netblock_country", "netblock", "country").await?,
        })
    }

    async fn sites(&mut self) -> Result<Vec<Site>, Error> {
        let query =
            "select id::int4, user_active::bool, admin_active::bool, private::bool from site order by id";
        self.all("site", query, |row| {
            Ok(Site {
                id: row.key()?,
                user_active: row.flag(false)?,
                admin_active: row.flag(false)?,
                private: row.flag(true)?,
            })
        })
        .await
    }

    async fn hosts(&mut self) -> Result<Vec<Host>, Error> {
        let place = match self.catalog.has("host", &["latitude", "longitude"]) {
            true => "latitude::float8, longitude::float8",
            false => "null::float8, null::float8",
        };
        let query = format!(
            "select id::int4, name::text, site_id::int4, user_active::bool, admin_active::bool, private::bool, country::text,
                bandwidth_int::int4, internet2::bool, internet2_clients::bool, asn::int4,
                asn_clients::bool, max_connections::int4, {place}
             from host order by id"
        );
        self.all("host", &query, |row| {
            Ok(Host {
                id: row.key()?,
                name: row.text()?,
                site: row.number()?,
                user_active: row.flag(false)?,
                admin_active: row.flag(false)?,
                private: row.flag(true)?,
                country: row.text()?,
                bandwidth: row.number()?,
                internet2: row.flag(false)?,
                internet2_clients: row.flag(false)?,
                asn: row.number()?,
                asn_clients: row.flag(false)?,
                max_connections: row.number()?,
                latitude: row.fraction()?,
                longitude: row.fraction()?,
            })
        })
        .await
    }

    async fn categories(&mut self) -> Result<Vec<Category>, Error> {
        self.all("category", "select id::int4, topdir_id::int4 from category order by id", |row| {
            Ok(Category { id: row.key()?, top: row.number()? })
        })
        .await
    }

    async fn host_categories(&mut self) -> Result<Vec<HostCategory>, Error> {
        let query = "select id::int4, host_id::int4, category_id::int4, always_up2date::bool from host_category order by id";
        self.all("host_category", query, |row| {
            Ok(HostCategory {
                id: row.key()?,
                host: row.number()?,
                category: row.number()?,
                always_up_to_date: row.flag(false)?,
            })
        })
        .await
    }

    async fn urls(&mut self) -> Result<Vec<HostUrl>, Error> {
        let query = "select id::int4, host_category_id::int4, url::text from host_category_url
            where private = false order by id";
        self.all("host_category_url", query, |row| {
            Ok(HostUrl { id: row.key()?, host_category: row.number()?, url: row.text()? })
        })
        .await
    }

    async fn of_hosts(&mut self, table: &'static str, column: &str) -> Result<Vec<OfHost>, Error> {
        let query = format!("select id::int4, host_id::int4, {column}::text from {table} order by id");
        self.all(table, &query, |row| Ok(OfHost { id: row.key()?, host: row.number()?, text: row.text()? }))
            .await
    }

    async fn peer_asns(&mut self) -> Result<Vec<PeerAsn>, Error> {
        if !self.catalog.has("host_peer_asn", &["id", "host_id", "asn"]) {
            return Ok(Vec::new());
        }
        let query = "select id::int4, host_id::int4, asn::int4 from host_peer_asn order by id";
        self.all("host_peer_asn", query, |row| {
            Ok(PeerAsn { id: row.key()?, host: row.number()?, asn: row.number()? })
        })
        .await
    }

    async fn page_countries(&mut self) -> Result<Vec<i32>, Error> {
        if !self.catalog.has("host_country", &["host_id"]) {
            return Ok(Vec::new());
        }
        let query = "select distinct host_id::int4 from host_country where host_id is not null order by 1";
        self.all("host_country", query, |row| row.key()).await
    }

    async fn repositories(&mut self) -> Result<Vec<Repository>, Error> {
        let query =
            "select id::int4, prefix::text, arch_id::int4, directory_id::int4, disabled::bool from repository
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
        .await
    }

    async fn arches(&mut self) -> Result<Vec<Arch>, Error> {
        self.all("arch", "select id::int4, name::text from arch order by id", |row| {
            Ok(Arch { id: row.key()?, name: row.text()? })
        })
        .await
    }

    async fn pairs(&mut self, table: &'static str, from: &str, to: &str) -> Result<Vec<Pair>, Error> {
        let query = format!("select id::int4, {from}::text, {to}::text from {table} order by id");
        self.all(table, &query, |row| Ok(Pair { id: row.key()?, from: row.text()?, to: row.text()? })).await
    }

    /// `directory`.
    pub async fn directories(&mut self) -> Result<Directories, Error> {
        let (table, query) = ("directory", "select id::int4, name::text from directory order by id");
        let mut directories = Directories::default();
        let take = |row: &mut Values<'_>| Ok((row.key()?, row.text()?));
        self.stream(table, query, take, |(id, name), skipped| {
            match name {
                Some(name) => directories.add(id, name),
                None => skipped.add(table, Reason::Null, || id),
            }
            at_most(directories::MOST, table, directories.len())
        })
        .await?;
        Ok(directories)
    }

    /// `category_directory`: every pair of a category and a directory.
    pub async fn category_directories(
        &mut self,
        take: impl FnMut(i32, i32, &mut Skipped),
    ) -> Result<(), Error> {
        let query = "select category_id::int4, directory_id::int4 from category_directory order by 2, 1";
        self.numbers("category_directory", query, take).await
    }

    /// `host_category_dir`: every pair of a host's category and a directory that it has up to date.
    pub async fn up_to_date(&mut self, take: impl FnMut(i32, i32, &mut Skipped)) -> Result<(), Error> {
        let query = "select host_category_id::int4, directory_id::int4 from host_category_dir where up2date";
        self.numbers("host_category_dir", query, take).await
    }

    async fn numbers(
        &mut self,
        table: &'static str,
        query: &str,
        mut take: impl FnMut(i32, i32, &mut Skipped),
    ) -> Result<(), Error> {
        let pair = |row: &mut Values<'_>| Ok((row.number()?, row.number()?));
        self.stream(table, query, pair, |pair, skipped| {
            match pair {
                (Some(one), Some(other)) => take(one, other, skipped),
                (one, other) => {
                    let text = |value: Option<i32>| value.map_or("NULL".into(), |value| value.to_string());
                    skipped.add(table, Reason::Null, || format!("{}, {}", text(one), text(other)));
                }
            }
            Ok(())
        })
        .await
    }

    /// `file_detail`: by directory, in each by name of file, of each the newest first and unknown times last.
    pub async fn details(
        &mut self,
        take: impl FnMut(Detail, &mut Skipped) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let query = r#"select directory_id::int4, filename::text, "timestamp"::int8, size::int8, sha1::text, md5::text,
                sha256::text, sha512::text from file_detail
            order by directory_id, filename collate "C", case when "timestamp" >= 0 then "timestamp" end desc nulls last,
                id desc"#;
        let detail = |row: &mut Values<'_>| {
            Ok(Detail {
                directory: row.number()?,
                file: row.text()?,
                timestamp: row.long()?,
                size: row.long()?,
                sha1: row.text()?,
                md5: row.text()?,
                sha256: row.text()?,
                sha512: row.text()?,
            })
        };
        self.stream("file_detail", query, detail, take).await
    }
}

/// Refuses a table with more rows than can be meant.
fn at_most(most: usize, table: &str, count: usize) -> Result<(), Error> {
    if count <= most {
        return Ok(());
    }
    Err(Error::Refused(format!("table {table} has more than {most} rows, which is too many")))
}
