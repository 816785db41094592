//! Which tables and columns are read, and whether they are there: everything that is missing is said at once.
//!
//! Databases differ by their age; what came late, or is only of use here, may be absent.

use crate::connection::Error;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Transaction;

/// A table that is read.
struct Wanted {
    table: &'static str,
    columns: &'static [&'static str],
    /// Whether the whole table may be missing.
    optional: bool,
}

const fn needed(table: &'static str, columns: &'static [&'static str]) -> Wanted {
    Wanted { table, columns, optional: false }
}

/// All of them.
const WANTED: [Wanted; 18] = [
    needed("site", &["id", "user_active", "admin_active", "private"]),
    needed(
        "host",
        &[
            "id",
            "name",
            "site_id",
            "user_active",
            "admin_active",
            "private",
            "country",
            "bandwidth_int",
            "internet2",
            "internet2_clients",
            "asn",
            "asn_clients",
            "max_connections",
        ],
    ),
    needed("directory", &["id", "name"]),
    needed("category", &["id", "topdir_id"]),
    needed("category_directory", &["category_id", "directory_id"]),
    needed("host_category", &["id", "host_id", "category_id", "always_up2date"]),
    needed("host_category_dir", &["host_category_id", "directory_id", "up2date"]),
    needed("host_category_url", &["id", "host_category_id", "url", "private"]),
    needed("host_netblock", &["id", "host_id", "netblock"]),
    needed("host_country_allowed", &["id", "host_id", "country"]),
    needed("repository", &["id", "prefix", "version_id", "arch_id", "directory_id", "disabled"]),
    needed("arch", &["id", "name"]),
    needed(
        "file_detail",
        &["id", "directory_id", "filename", "timestamp", "size", "sha1", "md5", "sha256", "sha512"],
    ),
    needed("repository_redirect", &["id", "from_repo", "to_repo"]),
    needed("country_continent_redirect", &["id", "country", "continent"]),
    needed("netblock_country", &["id", "netblock", "country"]),
    Wanted { table: "host_peer_asn", columns: &["id", "host_id", "asn"], optional: true },
    Wanted { table: "host_country", columns: &["host_id"], optional: true },
];

/// Of the tables wanted, the columns that are there, and whether they may be read.
const QUERY: &str = "select wanted.name, attname::text, has_column_privilege(attrelid, attnum, 'select')
    from unnest($1::text[]) wanted (name) join pg_catalog.pg_attribute on attrelid = to_regclass(wanted.name)
    where attnum > 0 and not attisdropped";

/// What a database has of the tables wanted.
#[derive(Debug, Default)]
pub struct Catalog(BTreeMap<String, BTreeMap<String, bool>>);

impl Catalog {
    /// Looks at a database; an error that names everything that is missing.
    pub async fn read(transaction: &Transaction<'_>) -> Result<Catalog, Error> {
        let names: Vec<&str> = WANTED.iter().map(|wanted| wanted.table).collect();
        let doing = "its catalog cannot be read";
        let rows = transaction.query(QUERY, &[&names]).await.map_err(|error| Error::of(doing, &error))?;
        let mut catalog = Catalog::default();
        for row in rows {
            let mut read = || -> Result<(), tokio_postgres::Error> {
                let (table, column): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                catalog.0.entry(table).or_default().insert(column, row.try_get(2)?);
                Ok(())
            };
            read().map_err(|error| Error::of(doing, &error))?;
        }
        catalog.judge()?;
        Ok(catalog)
    }

    /// Whether a table that may be missing, or a column of a table, can be read.
    pub fn has(&self, table: &str, columns: &[&str]) -> bool {
        let found = self.0.get(table);
        columns.iter().all(|column| found.is_some_and(|found| found.get(*column) == Some(&true)))
    }

    fn judge(&self) -> Result<(), Error> {
        let (mut missing, mut forbidden) = (Vec::new(), BTreeSet::new());
        for wanted in WANTED.iter().filter(|wanted| !wanted.optional) {
            let Some(found) = self.0.get(wanted.table) else {
                missing.push(format!("table {}", wanted.table));
                continue;
            };
            for column in wanted.columns {
                match found.get(*column) {
                    None => missing.push(format!("column {}.{column}", wanted.table)),
                    Some(false) => drop(forbidden.insert(wanted.table)),
                    Some(true) => {}
                }
            }
        }
        let forbidden: Vec<&str> = forbidden.into_iter().collect();
        match (&missing[..], &forbidden[..]) {
            ([], []) => Ok(()),
            ([], tables) => Err(Error::Refused(format!(
                "no right to read {}; have its owner say: grant select on {0} to our user",
                tables.join(", ")
            ))),
            (missing, _) => Err(Error::Refused(format!(
                "has no {}; is it MirrorManager's, and in our search_path?",
                missing.join(", no ")
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Catalog {
        let table = |wanted: &Wanted| {
            let columns = wanted.columns.iter().map(|column| ((*column).into(), true));
            (wanted.table.to_owned(), columns.collect())
        };
        Catalog(WANTED.iter().map(table).collect())
    }

    #[test]
    fn everything_that_is_missing_is_said_at_once() {
        assert_eq!(whole().judge(), Ok(()));
        let mut catalog = whole();
        catalog.0.remove("arch");
        catalog.0.get_mut("site").unwrap().remove("private");
        let said =
            "has no column site.private, no table arch; is it MirrorManager's, and in our search_path?";
        assert_eq!(catalog.judge(), Err(Error::Refused(said.into())));
        let mut catalog = whole();
        for table in ["host", "site"] {
            catalog.0.get_mut(table).unwrap().insert("id".into(), false);
        }
        let said = "no right to read host, site; have its owner say: grant select on host, site to our user";
        assert_eq!(catalog.judge(), Err(Error::Refused(said.into())));
    }

    #[test]
    fn what_came_late_may_be_missing() {
        let mut catalog = whole();
        catalog.0.remove("host_peer_asn");
        catalog.0.remove("host_country");
        catalog.0.get_mut("host").unwrap().insert("longitude".into(), true);
        assert_eq!(catalog.judge(), Ok(()));
        assert!(!catalog.has("host_peer_asn", &["asn"]) && !catalog.has("host", &["latitude", "longitude"]));
        assert!(catalog.has("host", &["longitude"]));
    }
}
