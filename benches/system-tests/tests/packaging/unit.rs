//! An installed unit file: its settings as far as the stand-in for systemd obeys them.

use nix::unistd::User;
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    process::{Command, Stdio},
};

/// Where units are: those of the machine's administrator first.
const FOLDERS: [&str; 2] = ["/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

/// The units that a package starts, and what they start.
pub const UNITS: [&str; 7] = [
    "mirrorlistd.socket",
    "mirrorlistd.service",
    "mirrorlist-http.socket",
    "mirrorlist-http.service",
    "mirrorlist-cache.path",
    "mirrorlist-cache.timer",
    "mirrorlist-cache.service",
];

/// The units that are a site's to enable.
pub const OPTIONAL: [&str; 11] = [
    "mirrorlist-check.service",
    "mirrorlist-check.timer",
    "mirrorlist-collect.path",
    "mirrorlist-collect.service",
    "mirrorlist-collect.timer",
    "mirrorlist-report.service",
    "mirrorlist-report.timer",
    "mirrorlist-run.service",
    "mirrorlist-run.timer",
    "mirrorlist-suspended.path",
    "mirrorlist-suspended.service",
];

/// A unit.
#[derive(Clone, Debug)]
pub struct Unit {
    pub name: String,
    settings: Vec<(String, String)>,
}

impl Unit {
    /// Reads an installed unit; none if there is no such file.
    pub fn read(name: &str) -> Option<Unit> {
        let text = FOLDERS.iter().find_map(|folder| fs::read_to_string(Path::new(folder).join(name)).ok())?;
        let text = text.replace("\\\n", " ");
        let lines = text.lines().filter(|line| !line.starts_with(['#', ';', '[']));
        let settings = lines.filter_map(|line| line.split_once('='));
        let settings =
            settings.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
        Some(Unit { name: name.to_owned(), settings })
    }

    /// The values of a setting, in order.
    pub fn all_of(&self, setting: &str) -> Vec<&str> {
        self.settings.iter().filter(|(name, _)| name == setting).map(|(_, value)| value.as_str()).collect()
    }

    /// The last value of a setting.
    pub fn one(&self, setting: &str) -> Option<&str> {
        self.all_of(setting).pop()
    }

    /// The folders that are made before it starts, for the user that it runs as.
    pub fn make_folders(&self) {
        for (setting, above) in [("RuntimeDirectory", "/run"), ("LogsDirectory", "/var/log")] {
            for name in self.all_of(setting).into_iter().flat_map(str::split_whitespace) {
                let folder = Path::new(above).join(name);
                fs::create_dir_all(&folder).unwrap();
                let mode = self.one(&format!("{setting}Mode")).unwrap_or("0755");
                let mode = u32::from_str_radix(mode, 8).unwrap();
                fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
                let user = User::from_name(self.one("User").unwrap()).unwrap().unwrap();
                chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
            }
        }
    }

    /// One of its command lines as a process; whether its failure counts.
    ///
    /// `preparation` is what a shell does before it becomes the command. Quotes are a shell's.
    pub fn command(&self, line: &str, preparation: &str) -> (Command, bool) {
        let prefix: String = line.chars().take_while(|first| "-+@!:".contains(*first)).collect();
        let line = line[prefix.len()..].replace("$$", "$");
        let user = match (self.one("User"), self.one("Group"), prefix.contains('+')) {
            (Some(user), group, false) => {
                format!("setpriv --reuid={user} --regid={} --init-groups -- ", group.unwrap_or(user))
            }
            _ => String::new(),
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{preparation}\nexec {user}{line}"));
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin");
        command.current_dir("/").stdin(Stdio::null());
        (command, !prefix.contains('-'))
    }
}
