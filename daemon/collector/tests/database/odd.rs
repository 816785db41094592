//! What no schema promises: NULL anywhere, rows that refer to nothing, texts that are none. Rows are left out and
//! counted; nothing else is.

use crate::program::Collect;
use std::fs;
use testkit::postgres::{Postgres, SAMPLE, SCHEMA};

/// Takes away what keeps odd rows out: a database that has been migrated for ten years, and worse.
const LENIENT: &str = "
    do $$ declare it record; begin
        for it in select conrelid::regclass as place, conname from pg_constraint where contype = 'f' loop
            execute format('alter table %s drop constraint %I', it.place, it.conname); end loop;
        for it in select conrelid::regclass as place, conname from pg_constraint
            where contype in ('u', 'p') and connamespace = 'public'::regnamespace loop
            execute format('alter table %s drop constraint %I', it.place, it.conname); end loop;
        for it in select table_name, column_name from information_schema.columns
            where table_schema = 'public' and is_nullable = 'NO' and column_name <> 'id' loop
            execute format('alter table %I alter %I drop not null', it.table_name, it.column_name); end loop;
    end $$;";

fn tables() -> impl Iterator<Item = &'static str> {
    SCHEMA.split("create table ").skip(1).filter_map(|table| table.split(' ').next())
}

#[test]
fn null_in_any_column_and_rows_that_refer_to_nothing_are_no_end() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server.create("mm").unwrap();
    server.sql("mm", SAMPLE).unwrap();
    server.sql("mm", LENIENT).unwrap();
    let mut client = postgres::Client::connect(&server.url("mm"), postgres::NoTls).unwrap();
    let collect = Collect::new(&server.url("mm"));
    let mut outcomes = [0, 0];
    let mut judge = |what: &str| {
        let ended = collect.run(&[]);
        match ended.code {
            Some(0) => outcomes[0] += 1,
            Some(66) if ended.said.contains("no directory in it has a host") => outcomes[1] += 1,
            _ => panic!("{what}: {ended:?}"),
        }
    };
    for table in tables() {
        client.batch_execute(&format!("create table kept as table {table}")).unwrap();
        let columns = "select column_name::text from information_schema.columns
            where table_schema = 'public' and table_name = $1 and is_nullable = 'YES'";
        for column in client.query(columns, &[&table]).unwrap() {
            let column: &str = column.get(0);
            client.batch_execute(&format!(r#"update {table} set "{column}" = null"#)).unwrap();
            judge(&format!("{table}.{column} is NULL"));
            client.batch_execute(&format!("delete from {table}; insert into {table} table kept")).unwrap();
        }
        client.batch_execute(&format!("insert into {table} table kept")).unwrap();
        judge(&format!("{table} has everything twice"));
        client.batch_execute(&format!("delete from {table}")).unwrap();
        judge(&format!("{table} is empty"));
        client.batch_execute(&format!("insert into {table} table kept; drop table kept")).unwrap();
    }
    judge("as it was");
    assert!(outcomes[0] > 100 && outcomes[1] > 5, "{outcomes:?}");
}

/// What a database has seen in its life, beside the sample.
const ODD: &str = "
    insert into host_netblock values (3, null, 'n', 1), (4, '192.0.2.0/24', 'n', null), (5, '1.2.3.4/33', 'n', 1),
        (6, 'name/24', 'n', 1), (7, '0.0.0.0/0', 'n', 1), (8, '10.1.2.3/8', 'n', 1), (9, 'localhost', 'n', 1),
        (10, 'gone.invalid', 'n', 1), (11, '', 'n', 1), (12, 'x y', 'n', 5);
    insert into host_country_allowed values (2, 'Germany', 1), (3, 'FR', null);
    update host set country = 'Deutschland', bandwidth_int = null, asn = -1, latitude = 52.5, longitude = 13.25 where id = 1;
    update host set latitude = 91, longitude = 0 where id = 2;
    insert into host (id, name, site_id, admin_active, user_active, country, private, internet2, internet2_clients,
        asn_clients, max_connections, crawl_failures) values (9, 'stray', null, true, true, 'DE', false, false, false, false, 1, 0);
    insert into host_category values (9, 9, 1, true), (10, null, 1, true), (11, 1, null, true);
    insert into host_category_url values (9, 9, 'http://stray.example', false);
    insert into host_category_dir values (9, 1, 'odd', true, null);
    insert into directory (id, name, files, readable) values (9, 'pub/fedora', '\\x80037d2e', false), (10, 'pub/fedora/linuxfoo', null, true),
        (11, '', null, true);
    insert into category values (2, 'Nobody', null, true, null, false, 1, 9), (3, 'No top', null, true, null, false, 1, null),
        (4, 'All', null, true, null, null, 1, 11);
    insert into category_directory values (1, 10), (2, 9), (2, 2), (3, 4), (4, 4);
    insert into file_detail (filename, \"timestamp\", size, md5, sha1, directory_id) values ('repomd.xml', null, null, '', null, 3),
        ('repomd.xml', 150, 0, '', 'cc', 3), ('', 1, 1, null, null, 3), ('old', -5, -6, null, null, 1);
    insert into repository_redirect values (3, 'x', ''), (4, 'y', ' ');
    insert into netblock_country values (2, ' ', 'NL');";

#[test]
fn odd_rows_are_left_out_counted_and_named() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server.create("mm").unwrap();
    server.sql("mm", SAMPLE).unwrap();
    server.sql("mm", ODD).unwrap();
    let collect = Collect::new(&server.url("mm"));
    fs::write(collect.output().with_file_name(".list.names"), "gone.invalid 192.0.2.200\n").unwrap();
    let ended = collect.run(&["--json"]);
    assert_eq!((ended.code, &*ended.said), (Some(0), ""));
    let summary: serde_json::Value = serde_json::from_str(&ended.printed).unwrap();
    let told = |key: &str| {
        let kinds = summary[key].as_array().unwrap();
        let line = |kind: &serde_json::Value| {
            let text = |key: &str| kind[key].as_str().unwrap().to_owned();
            format!("{}: {}: {}, {}", text("table"), text("reason"), kind["count"], text("first"))
        };
        kinds.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        told("skipped"),
        [
            "category: category without a top directory: 1, 3",
            "category_directory: directory not below the top of its category: 1, pub/fedora/linuxfoo in category 1",
            "file_detail: empty: 1,  in directory 3",
            "file_detail: negative number: 2, old in directory 1",
            "host: NULL: 1, bandwidth_int of host 1",
            "host: host without a site: 1, 9",
            "host: not a country code: 1, Deutschland of host 1",
            "host: not an AS number: 1, -1 of host 1",
            "host: not a place on earth: 1, host 2",
            "host_category: NULL: 2, row 10",
            "host_category: refers to a row that is not there: 1, row 9",
            "host_category: host without a public URL for its category: 1, host 6, row 6",
            "host_category_dir: NULL: 1, 1, NULL",
            "host_country_allowed: NULL: 1, row 3",
            "host_country_allowed: not a country code: 1, Germany of host 1",
            "host_netblock: NULL: 2, row 3",
            "host_netblock: empty: 1, row 11",
            "host_netblock: neither a prefix nor a name: 2, 1.2.3.4/33 of host 1",
            "host_netblock: prefix wider than a /8 (IPv6: a /16): 1, 0.0.0.0/0 of host 1",
            "netblock_country: empty: 1, row 2",
            "repository_redirect: empty: 2, row 3",
        ]
    );
    assert_eq!(
        told("noted"),
        [
            "category_directory: directory in several categories, the one with the longest top counts: 1, \
             pub/fedora/linux/updates/42/Everything/x86_64",
            "host_netblock: name without an address now, those of its last answer count: 1, gone.invalid",
        ]
    );
    let list = collect.written();
    let netblocks: Vec<_> =
        list.host_netblock.iter().map(|row| String::from_utf8_lossy(row.key.as_ref().unwrap())).collect();
    assert!(
        ["10.1.2.3/8", "127.0.0.1/32", "192.0.2.200/32"]
            .iter()
            .all(|key| netblocks.iter().any(|have| have == key))
    );
    // Newest first, unknown times last; empty hashes are none.
    let repomd = &list
        .file_details
        .iter()
        .find(|row| row.directory.as_ref().unwrap().ends_with(b"repodata"))
        .unwrap()
        .files[0];
    let versions: Vec<_> =
        repomd.details.iter().map(|row| (row.timestamp.unwrap(), row.md5.clone())).collect();
    assert_eq!(versions, [(200, None), (150, None), (100, None), (0, None)]);
    // A host of whose countries none can be read is for nobody.
    assert!(list.host_country_allowed.iter().any(|row| row.key == Some(1) && row.value.is_empty()));
    // A category without hosts has its directories, an empty top cuts nothing.
    let listed = |path: &str| {
        let record =
            list.mirror_list.iter().find(|row| row.directory.as_deref() == Some(path.as_bytes())).unwrap();
        (String::from_utf8(record.subpath.clone().unwrap()).unwrap(), record.by_host_id.len())
    };
    assert_eq!(listed("pub/fedora"), (String::new(), 0));
    assert_eq!(listed("pub/other"), ("pub/other".into(), 0));
    let berlin = list.host.iter().find(|host| host.id == Some(1)).unwrap();
    assert_eq!((berlin.latitude, berlin.longitude), (Some(52.5), Some(13.25)));
}

#[test]
fn countries_that_only_the_hosts_page_has_are_told() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server.create("mm").unwrap();
    server.sql("mm", SAMPLE).unwrap();
    server
        .sql(
            "mm",
            "insert into country values (1, 'DE'); insert into host_country values (1, 1, 1), (2, 1, 2)",
        )
        .unwrap();
    let (list, printed) = Collect::new(&server.url("mm")).list();
    assert!(printed.contains("host_country_allowed has): 1, first host 1\n"), "{printed}");
    assert_eq!(list.host_country_allowed.len(), 1);
}

#[test]
fn texts_that_are_not_utf8_are_left_out() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server
        .sql("postgres", "create database bytes template template0 encoding 'SQL_ASCII' locale 'C'")
        .unwrap();
    server.sql("bytes", SCHEMA).unwrap();
    server.sql("bytes", SAMPLE).unwrap();
    let odd = r"insert into directory (id, name, readable) values (9, E'pub/fedora/linux/\xff', true);
        insert into category_directory values (1, 9); update host set name = E'\xc3\x28' where id = 1;
        insert into file_detail (filename, directory_id) values (E'\xff', 3)";
    server.sql("bytes", odd).unwrap();
    let (list, printed) = Collect::new(&server.url("bytes")).list();
    assert_eq!((list.mirror_list.len(), list.host[0].name.clone()), (3, None));
    for line in ["directory: not UTF-8: 1", "host: not UTF-8: 1", "file_detail: not UTF-8: 1"] {
        assert!(printed.contains(line), "{printed}");
    }
}
