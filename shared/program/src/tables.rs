//! Sections of a file whose keys are free, such as names of hosts: read as they stand there, with their places.
//!
//! What keys and values mean is for the program to say; it refuses an entry by [`Entry::refused`], so that the operator is
//! led to the line. Sections that have options, and how files are read: [`options`](crate::options).

use crate::failure::Failure;
use std::{
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
            other => Err(self.refused(format_args!("value of type {}, expected text", other.name()))),
        }
    }

    /// A failure that leads to this entry.
    pub fn refused(&self, cause: impl std::fmt::Display) -> Failure {
        let Entry { section, key, .. } = self;
        Failure::config(format!("config {}: `{key}` in [{section}]: {cause}", self.place()))
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
                return Some(self.entries(&format!("{section}.{key:?}"), table).map(Value::Table));
            }
            _ => return None,
        }))
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
    fn types_that_no_entry_has_are_refused() {
        for (text, of_type) in [("a = 1979-05-27", "datetime"), ("a = 0x10", "integer")] {
            let expected = "expected text, a decimal number, true, false, a list or a table";
            let said = format!("config FILE line 1: value of type {of_type} for `a`, {expected}");
            assert_eq!(entries(text), Err(said));
        }
    }
}
