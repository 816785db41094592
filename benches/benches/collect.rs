//! How long `mirrorlist-collect database` takes, and how much memory, beside PostgreSQL's own COPY of the same tables.
//!
//! A database of 120,000 directories and 600 hosts in four categories each, with 20,000,000 rows of who has what, on this
//! machine; it takes 4 GB of disk and some minutes to fill. `MIRRORLIST_LONG=1 cargo bench --package benches --bench
//! collect`; without that it is a hundredth of it, so that it does not rot. Both take turns, so that a busy machine slows
//! both, and processor time is told beside the clock's: that of the program that asks, and that of the server.

use std::{
    env,
    error::Error,
    fmt,
    fs::File,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use testkit::{
    postgres::Postgres,
    process::{ended_children_ns, peak_of},
    stack,
};

/// What is aimed at, of the large database.
const SECONDS: f64 = 20.0;
const MEGABYTES: f64 = 300.0;

const ROUNDS: usize = 3;

/// Categories, hosts in each, directories in each, rows of each host in each.
struct Size {
    categories: u32,
    hosts: u32,
    directories: u32,
    rows: u32,
}

const LARGE: Size = Size { categories: 4, hosts: 600, directories: 30_000, rows: 8334 };
const SMALL: Size = Size { categories: 4, hosts: 60, directories: 3000, rows: 834 };

/// The three tables that come by COPY, as the collector asks for them.
const COPIES: [&str; 3] = [
    "select id, name from directory order by id",
    r#"select directory_id, filename, "timestamp", size, sha1, md5, sha256, sha512 from file_detail
       order by directory_id, filename collate "C", "timestamp" desc nulls last, id desc"#,
    "select host_category_id, directory_id from host_category_dir where up2date",
];

fn main() -> Result<(), Box<dyn Error>> {
    if !Postgres::is_there() {
        return Ok(());
    }
    let is_long = env::var_os("MIRRORLIST_LONG").is_some_and(|value| value == "1");
    let size = if is_long { LARGE } else { SMALL };
    let program = stack::collector()?;
    let server = Postgres::start(&["shared_buffers=128MB", "max_wal_size=8GB", "autovacuum=off"])?;
    server.create("mm")?;
    let began = Instant::now();
    server.sql("mm", &size.sql())?;
    let rows = size.categories * size.hosts * size.rows;
    println!("{rows} rows of host_category_dir, filled in {:.0} s", began.elapsed().as_secs_f64());
    let output = tempfile::tempdir()?;
    let (mut copies, mut collections, mut memory) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..ROUNDS {
        copies.push(Spent::on(&server, || {
            for copy in COPIES {
                server.sql("mm", &format!("copy ({copy}) to stdout (format binary);"))?;
            }
            Ok(())
        })?);
        collections.push(Spent::on(&server, || {
            let mut collect = Command::new(&program);
            collect
                .args(["database", "--url", &server.url("mm"), "--output"])
                .arg(output.path().join("list"));
            collect.stdout(File::create(output.path().join("summary"))?).stdin(Stdio::null());
            memory = memory.max(peak_of(collect.spawn()?)?);
            Ok(())
        })?);
        println!("COPY of the three large tables: {}", copies[copies.len() - 1]);
        println!("mirrorlist-collect: {}", collections[collections.len() - 1]);
    }
    print!("{}", std::fs::read_to_string(output.path().join("summary"))?);
    let (copied, collected) = (Spent::medians(&copies), Spent::medians(&collections));
    println!("medians: COPY {copied}; mirrorlist-collect {collected}, {memory:.0} MB");
    let collected = collected.wall;
    if is_long {
        let met = |is_met| if is_met { "met" } else { "not met" };
        println!(
            "target of {SECONDS} s {}, of {MEGABYTES} MB {}",
            met(collected <= SECONDS),
            met(memory <= MEGABYTES)
        );
    }
    Ok(())
}

/// What something took, in seconds: of the clock, and of processors in the program that asks and in the server.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    client: f64,
    server: f64,
}

impl Spent {
    fn on(
        server: &Postgres,
        doing: impl FnOnce() -> Result<(), Box<dyn Error>>,
    ) -> Result<Spent, Box<dyn Error>> {
        let seconds = || -> Result<(f64, f64), Box<dyn Error>> {
            let clients = ended_children_ns(std::process::id())?;
            Ok((clients as f64 / 1e9, server.sessions_ns()? as f64 / 1e9))
        };
        alone(server)?;
        let (clients, sessions) = seconds()?;
        let began = Instant::now();
        doing()?;
        let wall = began.elapsed().as_secs_f64();
        alone(server)?;
        let (client, server) = seconds()?;
        Ok(Spent { wall, client: client - clients, server: server - sessions })
    }

    fn medians(all: &[Spent]) -> Spent {
        let median = |value: fn(&Spent) -> f64| {
            let mut values: Vec<f64> = all.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Spent {
            wall: median(|spent| spent.wall),
            client: median(|spent| spent.client),
            server: median(|spent| spent.server),
        }
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spent { wall, client, server } = self;
        write!(f, "{wall:.2} s, {client:.2} s of processor time and {server:.2} s of the server's")
    }
}

/// Waits until sessions have ended, which may be a while behind their clients: their processor time is known from then on.
fn alone(server: &Postgres) -> Result<(), Box<dyn Error>> {
    let others = "select 1 / (count(*) = 1)::int from pg_stat_activity where backend_type = 'client backend'";
    for _ in 0..1000 {
        if server.sql("postgres", others).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err("sessions do not end".into())
}

impl Size {
    /// Statements that fill the database. Keys that only slow this down are left out of the largest table.
    fn sql(&self) -> String {
        let Size { categories, hosts, directories, rows } = self;
        let all = categories * directories;
        format!(
            "insert into site select n, 's' || n, null, null, n % 20 = 0, true, true, now(), 'x', false, null, false, false
                 from generate_series(1, {hosts}) n;
             insert into host (id, name, site_id, admin_active, user_active, country, bandwidth_int, private, internet2,
                     internet2_clients, asn, asn_clients, max_connections, crawl_failures)
                 select n, 'mirror' || n, n, true, true, (array['DE', 'US', 'FR', 'JP', 'BR', 'AU', 'CZ'])[1 + n % 7], 1000, false,
                     n % 5 = 0, false, 64000 + n, true, 1, 0 from generate_series(1, {hosts}) n;
             insert into directory (id, name, readable)
                 select n, 'pub/c' || (n - 1) / {directories} || case (n - 1) % {directories} when 0 then '' else
                     '/releases/' || n % 40 || '/Everything/x86_64/os/Packages/' || n end, true from generate_series(1, {all}) n;
             insert into category select n, 'c' || n, null, true, null, false, null, (n - 1) * {directories} + 1
                 from generate_series(1, {categories}) n;
             insert into category_directory select (n - 1) / {directories} + 1, n from generate_series(1, {all}) n;
             insert into host_category select (c - 1) * {hosts} + h, h, c, false
                 from generate_series(1, {categories}) c, generate_series(1, {hosts}) h;
             insert into host_category_url select 2 * n + p, n, (array['http', 'https'])[p + 1] || '://mirror' || n || '.example/pub', false
                 from generate_series(1, {categories} * {hosts}) n, generate_series(0, 1) p;
             insert into file_detail (filename, \"timestamp\", size, sha1, md5, sha256, sha512, directory_id)
                 select 'repomd.xml', 1790000000 + v, 4000, repeat('a', 40), repeat('b', 32), repeat('c', 64), repeat('d', 128), n
                 from generate_series(1, {all}, 10) n, generate_series(1, 3) v;
             alter table host_category_dir set unlogged;
             alter table host_category_dir drop constraint host_category_dir_host_category_id_path_key;
             alter table host_category_dir drop constraint host_category_dir_pkey;
             alter table host_category_dir drop constraint host_category_dir_host_category_id_fkey;
             alter table host_category_dir drop constraint host_category_dir_directory_id_fkey;
             drop index host_category_dir_up2date_idx;
             insert into host_category_dir
                 select 0, c, '/releases/' || n % 40 || '/Everything/x86_64/os/' || n, true,
                     ((c - 1) / {hosts}) * {directories} + 1 + (n * 7 + c % 5) % {directories}
                 from generate_series(1, {categories} * {hosts}) c, generate_series(1, {rows}) n;
             checkpoint;\n"
        )
    }
}
