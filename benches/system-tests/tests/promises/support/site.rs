//! A distribution with its mirrors on this machine, as the collector keeps it: crawled, compiled, checked, one mirror of it dead
//! and alive again.

use super::service::{NOBODY, give, programs};
use std::{
    fs::{self, Permissions},
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use testkit::{
    inputs, stack,
    web::{self, Being, file_below},
};

const MIRRORS: u8 = 8;
/// What clients call a repository that every mirror has.
pub const REPOSITORY: &str = "baseos-9";
const REPOSITORIES: [&str; 3] = ["9/baseos/x86_64/os", "9/baseos/aarch64/os", "9/appstream/x86_64/os"];

/// The distribution in a folder.
pub struct Site {
    folder: PathBuf,
    collector: PathBuf,
    is_dead: Arc<AtomicBool>,
    /// How URLs of the mirror begin that dies and comes back.
    pub mortal: String,
}

impl Site {
    /// Makes the tree and the files about mirrors, and serves these for as long as the process lives.
    pub fn make(folder: &Path) -> Site {
        let (tree, mirrors) = (folder.join("tree"), folder.join("mirrors.d"));
        fs::create_dir(&mirrors).unwrap();
        // Files in there are of the group that the daemon is in, as the installed folder has it.
        fs::create_dir(folder.join("out")).unwrap();
        give(&folder.join("out"), NOBODY);
        fs::set_permissions(folder.join("out"), Permissions::from_mode(0o2755)).unwrap();
        let is_dead = Arc::<AtomicBool>::default();
        let mut mortal = String::new();
        for number in 1..=MIRRORS {
            let (tree, is_dead) = (tree.clone(), (number == MIRRORS).then(|| Arc::clone(&is_dead)));
            let being = move || match &is_dead {
                Some(is_dead) if is_dead.load(Ordering::Relaxed) => Being::Silent,
                _ => Being::Alive,
            };
            let address = IpAddr::V4(Ipv4Addr::new(127, 0, 2, number));
            let address = web::serve(address, being, move |path| file_below(&tree, path)).unwrap();
            mortal = format!("http://{address}/");
            let text = format!("country = \"DE\"\n[urls]\nExample = [\"http://{address}/pub/example/\"]\n");
            fs::write(mirrors.join(format!("mirror-{number}.example.org.toml")), text).unwrap();
        }
        let path = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "contact = \"postmaster@example.org\"\nstate = {:?}\noutput = {:?}\nmirrors = {:?}\n\
             allow-addresses = [\"127.0.0.0/8\"]\n\n[primary]\npath = {:?}\nprefix = \"pub\"\n\n\
             [[category]]\nname = \"Example\"\ntop = \"pub/example\"\n\n[[repository]]\n\
             path = '^pub/example/(?<version>\\d+)/(?<repo>\\w+)/(?<arch>\\w+)/os$'\n\
             name = \"$repo-$version\"\narch = \"$arch\"\n",
            path("state.db"),
            path("out"),
            path("mirrors.d"),
            path("tree/pub")
        );
        fs::write(folder.join("collect.toml"), config).unwrap();
        let site =
            Site { folder: folder.to_owned(), collector: stack::collector().unwrap(), is_dead, mortal };
        site.release(0);
        site
    }

    /// A new version of every repository, which all mirrors have at once.
    pub fn release(&self, number: usize) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        for repository in REPOSITORIES {
            let folder = self.folder.join("tree/pub/example").join(repository).join("repodata");
            fs::create_dir_all(&folder).unwrap();
            let index = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\n\
                 <revision>{number}</revision><data type=\"primary\"><timestamp>{}</timestamp></data></repomd>\n",
                now - 60
            );
            let beside = folder.join("new");
            fs::write(&beside, index).unwrap();
            fs::rename(&beside, folder.join("repomd.xml")).unwrap();
        }
    }

    /// Crawls all mirrors and compiles a cache of what was found.
    pub fn crawl(&self) -> Vec<u8> {
        self.collect("run");
        let (list, cache) =
            (self.folder.join("out").join(inputs::MIRRORMANAGER), self.folder.join("new.mlc"));
        inputs::compile_from(programs(), &list, &self.folder, &cache).unwrap();
        fs::read(cache).unwrap()
    }

    /// Asks all mirrors whether they answer.
    pub fn check(&self) {
        self.collect("check");
    }

    /// What checks have suspended.
    pub fn suspended(&self) -> PathBuf {
        self.folder.join("out/suspended")
    }

    /// Has the one mirror die, or come back.
    pub fn set_dead(&self, is_dead: bool) {
        self.is_dead.store(is_dead, Ordering::Relaxed);
    }

    fn collect(&self, command: &str) {
        run(Command::new(&self.collector).arg(command).arg("--config").arg(self.folder.join("collect.toml")));
    }
}

/// Runs a program to its good end; what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
