//! What `mirrorlist-cache` says of a cache, in the shape that the readers print.

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};
use std::{path::Path, process::Command};

/// The program and the cache that it is asked about.
pub struct Said<'a> {
    pub program: &'a Path,
    pub cache: &'a Path,
}

impl Said<'_> {
    /// What a command prints; the cache is the word behind its name, but for `list`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(self.program);
        command.arg(arguments[0]).arg("--json");
        if let ["list", what] = arguments {
            command.arg(what).arg(self.cache);
        } else {
            command.arg(self.cache).args(&arguments[1..]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Every host, by number; their names are only parts of their URLs.
    pub fn hosts(&self) -> Value {
        let listed = self.json(&["list", "mirrors"]);
        let ids = listed.as_array().unwrap().iter().map(|host| host["id"].to_string());
        let mut hosts: Vec<Value> = ids.map(|id| self.json(&["inspect", "--host", &id])).collect();
        for host in &mut hosts {
            host.as_object_mut().unwrap().remove("names");
        }
        of(&hosts.into(), "id")
    }

    /// Every pair of repository and architecture.
    pub fn repositories(&self) -> Value {
        of(&self.json(&["list", "repositories"]), "")
    }

    /// Every directory and who carries it.
    pub fn directories(&self) -> Value {
        let listed = self.json(&["list", "directories"]);
        let paths = listed.as_array().unwrap().iter().map(|row| row["directory"].as_str().unwrap());
        let all: Vec<Value> = paths.map(|path| self.json(&["inspect", "--directory", path])).collect();
        of(&all.into(), "directory")
    }

    /// The versions of these files, as their metalinks have them; without those that no public mirror has.
    pub fn files(&self, paths: &Value) -> Map<String, Value> {
        let versions = |path: &str| -> Option<Value> {
            let encoded: String = path.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let answer = self.json(&["query", &format!("metalink?path={encoded}&country=global")]);
            if answer["status"] == 404 && answer["body"].as_str().unwrap().contains("error: no mirror") {
                return None;
            }
            let document = Document::parse(answer["body"].as_str().unwrap()).unwrap();
            let is_version = |node: &Node| ["file", "alternate"].contains(&node.tag_name().name());
            Some(document.descendants().filter(is_version).map(version).collect())
        };
        let paths = paths.as_object().unwrap().keys();
        paths.filter_map(|path| Some((path.clone(), versions(path)?))).collect()
    }

    /// The hosts of a location, by number: those for whom it is the reason to be listed, with a directory that all have.
    pub fn location(&self, name: &str) -> Value {
        let directories = self.json(&["list", "directories"]);
        let mut hosts: Vec<i64> = Vec::new();
        for path in directories.as_array().unwrap().iter().map(|row| row["directory"].as_str().unwrap()) {
            let request = format!("mirrorlist?path={path}&location={name}&protocol=https,http,ftp,rsync");
            let explained = self.json(&["query", &request, "--explain"]);
            let near =
                explained["hosts"].as_array().unwrap().iter().filter(|host| host["tier"] == "location");
            hosts.extend(near.map(|host| host["id"].as_i64().unwrap()));
        }
        hosts.sort_unstable();
        hosts.dedup();
        hosts.into()
    }
}

/// What a file's first version, or a further one, has of its own.
fn version(node: Node) -> Value {
    let own = |name: &str| node.children().find(|child| child.tag_name().name() == name);
    let number = |name: &str| own(name).and_then(|child| child.text()?.parse().ok()).unwrap_or(0u64);
    let hashes: Map<String, Value> = own("verification")
        .into_iter()
        .flat_map(|verification| verification.children().filter(Node::is_element))
        .map(|hash| (hash.attribute("type").unwrap().to_owned(), hash.text().unwrap().into()))
        .collect();
    json!({"timestamp": number("timestamp"), "size": number("size"), "hashes": hashes})
}

/// An array in an order that does not depend on who made it: by a key, or whole. So are the hosts of each element, and
/// their countries and URLs.
pub fn of(array: &Value, key: &str) -> Value {
    let mut rows = array.as_array().unwrap().clone();
    for row in &mut rows {
        for list in ["hosts", "stands_for", "urls"] {
            match row.get_mut(list) {
                Some(inner @ Value::Array(_)) if list == "hosts" => *inner = of(inner, "id"),
                Some(Value::Array(inner)) => inner.sort_unstable_by_key(Value::to_string),
                _ => {}
            }
        }
    }
    let order = |row: &Value| match (row.get(key), key) {
        (Some(Value::Number(number)), _) => (number.as_i64(), String::new()),
        (Some(value), _) => (None, value.to_string()),
        (None, _) => (None, row.to_string()),
    };
    rows.sort_by_key(order);
    rows.into()
}

/// Directories without the numbers of their sets, which an interchange file has not.
pub fn without_sets(mut directories: Value) -> Value {
    for row in directories.as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("carrier_set");
    }
    directories
}
