//! A Containerfile, as far as ours goes: stages of instructions, and the commands of its comment.
//!
//! What it does not know it refuses, so that nothing in the file goes unchecked.

use super::TOP;
use std::{collections::BTreeMap, fs, path::Path};

/// A stage of the build.
#[derive(Debug, Default)]
pub struct Stage {
    /// What it begins with: an image, or another stage.
    pub from: String,
    /// Commands that are run, in order.
    pub runs: Vec<String>,
    /// What is copied from another stage.
    pub copies: Vec<Copy>,
    /// User and group that the program runs as, by number.
    pub user: Option<String>,
    /// What is started.
    pub entrypoint: Vec<String>,
    /// Its arguments, unless others are given.
    pub command: Vec<String>,
    /// What tells whether it is well; nothing if the file says that there is nothing.
    pub health: Option<Vec<String>>,
    /// Where volumes are mounted.
    pub volumes: Vec<String>,
    /// Ports.
    pub exposed: Vec<u16>,
}

/// Files from another stage.
#[derive(Debug)]
pub struct Copy {
    pub stage: String,
    pub from: String,
    pub to: String,
    /// `USER:GROUP` by number; root if it is not said.
    pub owner: Option<String>,
}

/// The file.
pub struct Containerfile {
    /// Stages by name.
    pub stages: BTreeMap<String, Stage>,
    /// The commands in its comment, in order: those that podman is given for a container, by the name of the image.
    pub commands: Vec<(String, Vec<String>)>,
}

pub fn read() -> Containerfile {
    let text = fs::read_to_string(Path::new(TOP).join("systemd/packaging/Containerfile")).unwrap();
    let mut stages = BTreeMap::new();
    let mut name = String::new();
    let instructions = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    for line in instructions.replace("\\\n", " ").lines().filter(|line| !line.is_empty()) {
        let (instruction, rest) = line.split_once(' ').unwrap();
        if instruction == "FROM" {
            let (from, stage) = rest.split_once(" AS ").unwrap();
            name = stage.to_owned();
            stages.insert(name.clone(), Stage { from: from.to_owned(), ..Stage::default() });
            continue;
        }
        stages.get_mut(&name).unwrap_or_else(|| panic!("before any stage: {line}")).take(instruction, rest);
    }
    Containerfile { stages, commands: commands(&text) }
}

impl Stage {
    fn take(&mut self, instruction: &str, rest: &str) {
        let list = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap();
        match instruction {
            "RUN" => self.runs.push(rest.to_owned()),
            "COPY" if rest == ". ." => {}
            "COPY" => self.copies.push(copy(rest)),
            "USER" => self.user = Some(rest.to_owned()),
            "ENTRYPOINT" => self.entrypoint = list(rest),
            "CMD" => self.command = list(rest),
            "HEALTHCHECK" => self.health = rest.strip_prefix("CMD ").map(list),
            "VOLUME" => self.volumes.push(rest.to_owned()),
            "EXPOSE" => self.exposed.push(rest.parse().unwrap()),
            "ARG" | "WORKDIR" => {}
            _ => panic!("not understood: {instruction} {rest}"),
        }
    }
}

fn copy(rest: &str) -> Copy {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let option = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
    let paths: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--")).collect();
    let [from, to] = paths[..] else { panic!("COPY {rest}") };
    let stage = option("--from=").unwrap_or_else(|| panic!("COPY {rest}")).to_owned();
    Copy { stage, from: from.to_owned(), to: to.to_owned(), owner: option("--chown=").map(str::to_owned) }
}

/// What `podman run` and `podman exec` in the comment start: image or container, and the words after it.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let comment: String =
        text.lines().filter_map(|line| line.strip_prefix("#     ")).map(|line| format!("{line}\n")).collect();
    let joined = comment.replace("\\\n", " ");
    let lines = joined
        .lines()
        .filter_map(|line| line.strip_prefix("podman run ").or_else(|| line.strip_prefix("podman exec ")));
    lines
        .map(|line| {
            // Options of podman are single words here.
            let mut words =
                line.split_whitespace().skip_while(|word| word.starts_with('-')).map(str::to_owned);
            (words.next().unwrap(), words.collect())
        })
        .collect()
}
