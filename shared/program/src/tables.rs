//! Sections of a file whose keys are free, such as names of hosts: read as they stand there, with their places.
//!
//! What keys and values mean is for the program to say; it refuses an entry by [`Entry::refused`], so that the operator is
//! led to the line. Sections that have options, and how files are read: [`options`](crate::options).

use crate::failure::Failure;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};
use toml::de::{DeTable, DeValue};

/// An entry of a section with free keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The section, or in a nested table that and the table's key.
    pub section: String,
    /// The key.
    pub key: String,
    /// What stands behind it.
    pub value: Value,
    file: Arc<PathBuf>,
    line: usize,
}

/// What stands behind a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A decimal number.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// A list.
    List(Vec<Value>),
    /// A table in the section.
    Table(Vec<Entry>),
}

impl Value {
    /// What it is called in messages.
    fn name(&self) -> &'static str {
        match self {
            Value::Text(_) => "text",
            Value::Number(_) => "number",
            Value::Bool(_) => "boolean",
            Value::List(_) => "list",
            Value::Table(_) => "table",
        }
    }
}

impl Entry {
    /// Its value, which has to be a text.
    pub fn text(&self) -> Result<&str, Failure> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("text")),
        }
    }

    /// Its value, which has to be a list of texts.
    pub fn texts(&self) -> Result<Vec<&str>, Failure> {
        let Value::List(values) = &self.value else { return Err(self.expected("a list of texts")) };
        let texts = values.iter().map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let texts: Option<Vec<&str>> = texts.collect();
        texts.ok_or_else(|| self.refused("expected a list of texts"))
    }

    /// Its value, which has to be true or false.
    pub fn flag(&self) -> Result<bool, Failure> {
        match self.value {
            Value::Bool(value) => Ok(value),
            _ => Err(self.expected("true or false")),
        }
    }

    /// Its value, which has to be a table.
    pub fn table(&self) -> Result<&[Entry], Failure> {
        match &self.value {
            Value::Table(entries) => Ok(entries),
            _ => Err(self.expected("a table")),
        }
    }

    /// A failure that leads to this entry.
    pub fn refused(&self, cause: impl std::fmt::Display) -> Failure {
        let Entry { section, key, .. } = self;
        let place = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
        Failure::config(format!("config {}: `{key}`{place}: {cause}", self.place()))
    }

    /// A failure for a value that is not what it has to be.
    pub fn expected(&self, what: &str) -> Failure {
        self.refused(format_args!("value of type {}, expected {what}", self.value.name()))
    }

    /// The file and the line, as messages name them.
    pub fn place(&self) -> String {
        format!("{} line {}", self.file.display(), self.line)
    }

    /// The line in the file, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

/// What stands in a file of which all keys are free, in its order. An error names the file and the line.
pub fn read(path: &Path, text: &str) -> Result<Vec<Entry>, Failure> {
    let place = Place::of(path, text);
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        let cause: Vec<&str> = error.message().lines().collect();
        place.refused(at, &cause.join("; "))
    })?;
    place.entries("", table.get_ref())
}

/// Where a key stands in the text, the key, and its value.
pub(crate) type Keyed<'t, 'i> = (usize, &'t str, &'t DeValue<'i>);

/// What is in a table, in the order of the file.
pub(crate) fn keyed<'t, 'i>(table: &'t DeTable<'i>) -> impl Iterator<Item = Keyed<'t, 'i>> {
    let entry = |(key, value)| {
        let (key, value): (&'t toml::Spanned<_>, &'t toml::Spanned<_>) = (key, value);
        (key.span().start, AsRef::<str>::as_ref(key.get_ref()), value.get_ref())
    };
    let mut entries: Vec<Keyed<'t, 'i>> = table.iter().map(entry).collect();
    entries.sort_by_key(|(at, ..)| *at);
    entries.into_iter()
}

/// A file that is being read.
pub(crate) struct Place<'t> {
    file: Arc<PathBuf>,
    text: &'t str,
}

impl Place<'_> {
    pub(crate) fn of<'t>(file: &Path, text: &'t str) -> Place<'t> {
        Place { file: Arc::new(file.to_owned()), text }
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text[..at].matches('\n').count()
    }

    /// A failure that leads to the line of this byte.
    pub(crate) fn refused(&self, at: usize, cause: &str) -> Failure {
        Failure::config(format!("config {} line {}: {cause}", self.file.display(), self.line(at)))
    }

    /// The entries of a section; of one that is there several times (`[[section]]`) a table each, with its number for a
    /// key. `None` if it is no section.
    pub(crate) fn section(&self, name: &str, value: &DeValue<'_>) -> Option<Result<Vec<Entry>, Failure>> {
        let list = match value {
            DeValue::Table(inside) => return Some(self.entries(name, inside)),
            DeValue::Array(list) => list,
            _ => return None,
        };
        let tables: Option<Vec<_>> =
            list.iter().map(|value| Some((value.span(), table(value.get_ref())?))).collect();
        let entry = |(at, (span, inside)): (usize, (Range<usize>, &DeTable<'_>))| {
            Ok(Entry {
                section: name.to_owned(),
                key: (at + 1).to_string(),
                value: Value::Table(self.entries(name, inside)?),
                file: Arc::clone(&self.file),
                line: self.line(span.start),
            })
        };
        Some(tables?.into_iter().enumerate().map(entry).collect())
    }

    /// The entries of a table, in the order of the file.
    pub(crate) fn entries(&self, section: &str, table: &DeTable<'_>) -> Result<Vec<Entry>, Failure> {
        let entry = |(at, key, value): Keyed<'_, '_>| {
            let value = self.value(section, key, value).ok_or_else(|| {
                let expected = "expected text, a decimal number, true, false, a list or a table";
                self.refused(at, &format!("value of type {} for `{key}`, {expected}", value.type_str()))
            })??;
            let (file, line) = (Arc::clone(&self.file), self.line(at));
            Ok(Entry { section: section.to_owned(), key: key.to_owned(), value, file, line })
        };
        keyed(table).map(entry).collect()
    }

    /// `None` for a value of a type that no entry has.
    fn value(&self, section: &str, key: &str, value: &DeValue<'_>) -> Option<Result<Value, Failure>> {
        Some(Ok(match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Value::Number(number.as_str().parse().ok()?),
            DeValue::Float(number) => Value::Number(number.as_str().parse().ok()?),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Array(values) => {
                let values = values.iter().map(|value| self.value(section, key, value.get_ref()));
                let values: Option<Result<Vec<Value>, Failure>> = values.collect();
                return Some(values?.map(Value::List));
            }
            DeValue::Table(table) => {
                let section = if section.is_empty() { key.to_owned() } else { format!("{section}.{key:?}") };
                return Some(self.entries(&section, table).map(Value::Table));
            }
            _ => return None,
        }))
    }
}

fn table<'t, 'i>(value: &'t DeValue<'i>) -> Option<&'t DeTable<'i>> {
    match value {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Result<Vec<Entry>, String> {
        let table = DeTable::parse(text).unwrap();
        let entries = Place::of(Path::new("FILE"), text).entries("section", table.get_ref());
        entries.map_err(|failure| failure.to_string())
    }

    #[test]
    fn entries_come_in_the_order_of_the_file_with_their_lines() {
        let entries = entries("b = 'x'\n\n'a b' = [1, 2.5, true]\n[c]\nd = 1\n").unwrap();
        let keys: Vec<(&str, usize)> = entries.iter().map(|entry| (&*entry.key, entry.line())).collect();
        assert_eq!(keys, [("b", 1), ("a b", 3), ("c", 4)]);
        assert_eq!(entries[0].text().unwrap(), "x");
        let list = [Value::Number(1.0), Value::Number(2.5), Value::Bool(true)];
        assert_eq!(entries[1].value, Value::List(list.to_vec()));
        let Value::Table(inside) = &entries[2].value else { panic!("{:?}", entries[2]) };
        let refusal = inside[0].refused("no").to_string();
        assert_eq!(refusal, "config FILE line 5: `d` in [section.\"c\"]: no");
        assert_eq!(
            entries[1].text().unwrap_err().to_string(),
            "config FILE line 3: `a b` in [section]: value of type list, expected text"
        );
    }

    #[test]
    fn a_section_may_be_there_several_times() {
        let text = "[[a]]\nb = 1\n\n[[a]]\nb = 2\nc = 'x'\n";
        let table = DeTable::parse(text).unwrap();
        let (_, name, value) = keyed(table.get_ref()).next().unwrap();
        let place = Place::of(Path::new("FILE"), text);
        let tables = place.section(name, value).unwrap().unwrap();
        assert_eq!(
            tables.iter().map(|table| (&*table.key, table.line())).collect::<Vec<_>>(),
            [("1", 1), ("2", 4)]
        );
        let second = tables[1].table().unwrap();
        assert_eq!(second[1].refused("no").to_string(), "config FILE line 6: `c` in [a]: no");
        assert!(place.section("a", DeTable::parse("a = [1]").unwrap().get_ref()["a"].get_ref()).is_none());
    }

    #[test]
    fn a_file_of_free_keys_is_read_with_its_lines() {
        let refused = |text: &str| read(Path::new("FILE"), text).unwrap_err().to_string();
        assert_eq!(read(Path::new("FILE"), "a = 'x'\n[b]\nc = true").unwrap().len(), 2);
        assert_eq!(refused("a = 1\na = 2"), "config FILE line 2: duplicate key");
        let entries = read(Path::new("FILE"), "a = 'x'\n[b]\nc = true").unwrap();
        assert_eq!(
            entries[0].flag().unwrap_err().to_string(),
            "config FILE line 1: `a`: value of type text, expected true or false"
        );
        let inside = entries[1].table().unwrap();
        assert_eq!(
            inside[0].text().unwrap_err().to_string(),
            "config FILE line 3: `c` in [b]: value of type boolean, expected text"
        );
        assert_eq!(inside[0].flag(), Ok(true));
    }

    #[test]
    fn types_that_no_entry_has_are_refused() {
        for (text, of_type) in [("a = 1979-05-27", "datetime"), ("a = 0x10", "integer")] {
            let expected = "expected text, a decimal number, true, false, a list or a table";
            let said = format!("config FILE line 1: value of type {of_type} for `a`, {expected}");
            assert_eq!(entries(text), Err(said));
        }
    }
}
