//! A real PostgreSQL of one's own, in a temporary folder, on a UNIX socket.
//!
//! It runs as another user where this is root, whom it refuses, and ends with whoever has started it.

use crate::process::ended_children_ns;
use nix::unistd::{User, geteuid};
use std::{
    env, fs, io,
    io::Write as _,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// MirrorManager's tables, as far as they matter to answers, in PostgreSQL's words.
pub const SCHEMA: &str = include_str!("postgres/schema.sql");

/// Rows that show each rule of the cache's generator once.
pub const SAMPLE: &str = include_str!("postgres/sample.sql");

/// How long a start may take; only what has failed takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts the server, waits until nobody holds the other end of its input any longer, and ends it.
const KEEPER: &str = r#""$@" & read -r _; kill -QUIT $!; wait $!"#;

/// A running server. Dropped, it and its folder are gone.
#[derive(Debug)]
pub struct Postgres {
    keeper: Child,
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    user: Option<User>,
}

impl Postgres {
    /// Whether to go on with a test: PostgreSQL is installed. Says that the test is skipped if not, and fails where
    /// MIRRORLIST_REAL_CLIENTS=1 promises that it is.
    pub fn is_there() -> bool {
        let found = programs().is_some();
        let promised = env::var_os("MIRRORLIST_REAL_CLIENTS").is_some_and(|value| value == "1");
        assert!(found || !promised, "not installed: postgresql");
        if !found {
            eprintln!("skipped: not installed: postgresql");
        }
        found
    }

    /// Makes a new cluster and starts its server with these settings, such as `fsync=off`.
    pub fn start(settings: &[&str]) -> io::Result<Postgres> {
        let programs = programs().ok_or_else(|| io::Error::other("not installed: postgresql"))?;
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        let user = user()?;
        if let Some(user) = &user {
            chown(folder.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            chown(&data, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        let mut initdb = as_user(&programs.join("initdb"), user.as_ref());
        initdb.args([
            "--auth=trust",
            "--no-sync",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]);
        finish(initdb.arg("--pgdata").arg(&data))?;
        let mut keeper = as_user(Path::new("sh"), user.as_ref());
        keeper.arg("-c").arg(KEEPER).arg("sh").arg(programs.join("postgres")).arg("-D").arg(&data);
        let socket = format!("unix_socket_directories={}", folder.path().display());
        for setting in ["listen_addresses=", "fsync=off", &socket].iter().chain(settings) {
            keeper.args(["-c", setting]);
        }
        let log = fs::File::create(folder.path().join("log"))?;
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn()?;
        let port = settings.iter().find_map(|setting| setting.strip_prefix("port=")?.parse().ok());
        let server = Postgres { keeper, programs, folder, port: port.unwrap_or(5432), user };
        let end = Instant::now() + PATIENCE;
        while let Err(error) = server.sql("postgres", "select 1") {
            if Instant::now() > end {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where a database is, for its owner.
    pub fn url(&self, database: &str) -> String {
        self.url_of("postgres", database)
    }

    /// Where a database is, for this role.
    pub fn url_of(&self, role: &str, database: &str) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{role}@{folder}:{}/{database}", self.port)
    }

    /// Processor time that sessions have used which have ended, in nanoseconds.
    pub fn sessions_ns(&self) -> io::Result<u64> {
        let pid = fs::read_to_string(self.folder.path().join("data/postmaster.pid"))?;
        let pid = pid.lines().next().and_then(|pid| pid.parse().ok());
        ended_children_ns(pid.ok_or_else(|| io::Error::other("postmaster.pid without a number"))?)
    }

    /// Puts a file among those of the cluster, for nobody but the server to read; the settings name it by its name.
    pub fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.folder.path().join("data").join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        match &self.user {
            Some(user) => chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
            None => Ok(()),
        }
    }

    /// Makes a database with MirrorManager's tables.
    pub fn create(&self, database: &str) -> io::Result<()> {
        self.sql("postgres", &format!("create database {database}"))?;
        self.sql(database, SCHEMA)
    }

    /// Runs statements as the owner, the first that fails being the end. What they print is thrown away.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<()> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--username=postgres"]);
        psql.arg("--host").arg(self.folder.path()).arg(format!("--port={}", self.port));
        psql.arg("--dbname").arg(database);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().ok_or_else(|| io::Error::other("no input"))?;
        // Fails when psql has ended, which says why.
        let _ = input.write_all(statements.as_bytes());
        drop(input);
        judged(&child.wait_with_output()?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // It ends with its server, before the folder goes.
        let _ = self.keeper.wait();
    }
}

/// The folder of the newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    folders.sort();
    folders.pop().map(|(_, folder)| folder)
}

/// Whom it runs as, if this is root.
fn user() -> io::Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(user));
        }
    }
    Err(io::Error::other("neither a user postgres nor nobody"))
}

fn as_user(program: &Path, user: Option<&User>) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command.current_dir("/");
    command
}

fn finish(command: &mut Command) -> io::Result<()> {
    judged(&command.output()?)
}

fn judged(output: &std::process::Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
