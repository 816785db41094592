//! Tables of figures as files beside a page, for programs: CSV as RFC 4180 has it, and JSON of the same rows.

use super::site::Site;
use maud::{Markup, html};
use program::failure::Failure;
use serde::{Serialize, Serializer};

/// What a file has.
pub(super) struct Table<'t> {
    pub(super) columns: &'t [&'t str],
    /// Each has a cell for every column.
    pub(super) rows: Vec<Vec<Cell<'t>>>,
}

/// What stands in a column of a row.
pub(super) enum Cell<'t> {
    /// A name that others have chosen. CSV has it in quotes, so that none is taken for something else.
    Text(&'t str),
    /// A word of ours, without anything to be quoted: a day, a time, the place of a page.
    Word(String),
    Number(u64),
    /// A number of the source.
    Id(i64),
    /// In percent.
    Share(f64),
    Is(bool),
    /// What is not known.
    None,
}

impl Table<'_> {
    /// Writes `PATH.csv` and `PATH.json`.
    pub(super) fn write(&self, site: &Site, path: &str) -> Result<(), Failure> {
        let json = serde_json::to_string(self).map_err(|error| Failure::bug(error.to_string()))?;
        site.write(&format!("{path}.json"), json)?;
        site.write(&format!("{path}.csv"), self.csv())
    }

    fn csv(&self) -> String {
        let mut text = self.columns.join(",") + "\r\n";
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text += &cell.in_csv();
            }
            text += "\r\n";
        }
        text
    }
}

impl Cell<'_> {
    fn in_csv(&self) -> String {
        match self {
            Cell::Text(name) => format!("\"{}\"", name.replace('"', "\"\"")),
            Cell::Word(word) => word.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Id(id) => id.to_string(),
            Cell::Share(percent) => percent.to_string(),
            Cell::Is(is) => is.to_string(),
            Cell::None => String::new(),
        }
    }
}

/// A list of objects.
impl Serialize for Table<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.rows.iter().map(|cells| Row { columns: self.columns, cells }))
    }
}

struct Row<'t> {
    columns: &'t [&'t str],
    cells: &'t [Cell<'t>],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.columns.iter().zip(self.cells))
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Text(name) => to.serialize_str(name),
            Cell::Word(word) => to.serialize_str(word),
            Cell::Number(number) => to.serialize_u64(*number),
            Cell::Id(id) => to.serialize_i64(*id),
            Cell::Share(percent) => to.serialize_f64(*percent),
            Cell::Is(is) => to.serialize_bool(*is),
            Cell::None => to.serialize_none(),
        }
    }
}

/// Links to what [`Table::write`] has written, by its path from the page; `what` says what it is.
pub(super) fn links(what: &str, path: &str) -> Markup {
    html! {
        p class="quiet" { (what) ": " a href={ (path) ".csv" } { "CSV" } ", " a href={ (path) ".json" } { "JSON" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_have_the_same_rows_and_no_name_breaks_one() {
        let rows = vec![
            vec![
                Cell::Text("a,\"b\"\n"),
                Cell::Word("2026-11-29".into()),
                Cell::Number(u64::MAX),
                Cell::Share(25.0),
            ],
            vec![Cell::Text(""), Cell::None, Cell::Id(-1), Cell::Is(true)],
        ];
        let table = Table { columns: &["name", "day", "number", "last"], rows };
        assert_eq!(
            table.csv(),
            "name,day,number,last\r\n\"a,\"\"b\"\"\n\",2026-11-29,18446744073709551615,25\r\n\"\",,-1,true\r\n"
        );
        assert_eq!(
            serde_json::to_string(&table).unwrap(),
            "[{\"name\":\"a,\\\"b\\\"\\n\",\"day\":\"2026-11-29\",\"number\":18446744073709551615,\"last\":25.0},\
             {\"name\":\"\",\"day\":null,\"number\":-1,\"last\":true}]"
        );
    }
}
