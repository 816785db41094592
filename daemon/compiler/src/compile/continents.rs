//! Countries and their continents: `US,NA` a line, as MirrorManager's `country_continent.csv`.
//!
//! Quoted fields and further fields are tolerated; a heading, like anything else that is not two codes, is skipped.

use super::skipped::{Place, Reason, Skipped};
use cache::inventory::Inventory;
use wire::code::{Continent, Country};

/// Reads the continents into [`Inventory::continents`]; of a country given twice the last line counts.
pub fn import(bytes: &[u8], inventory: &mut Inventory, skipped: &mut Skipped) {
    let lines = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii);
    for line in lines.filter(|line| !line.is_empty()) {
        match record(line) {
            Ok((country, continent)) => {
                inventory.continents.insert(country, continent);
            }
            Err(reason) => {
                skipped.add(Place::Continents, reason, || String::from_utf8_lossy(line).into_owned());
            }
        }
    }
}

fn record(line: &[u8]) -> Result<(Country, Continent), Reason> {
    if line.starts_with(b"#") {
        return Err(Reason::NotARecord);
    }
    let mut fields = line.split(|&byte| byte == b',').map(unquote);
    let (Some(country), Some(continent)) = (fields.next(), fields.next()) else {
        return Err(Reason::Unparsable);
    };
    let country = Country::parse(country).ok_or(Reason::BadCountry)?;
    let continent = Continent::parse(continent).ok_or(Reason::BadContinent)?;
    Ok((country, continent))
}

fn unquote(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    match field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(inner) => inner.trim_ascii(),
        None => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Skipped) {
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        import(text.as_bytes(), &mut inventory, &mut skipped);
        (
            inventory
                .continents
                .iter()
                .map(|(country, continent)| format!("{country} {continent}"))
                .collect(),
            skipped,
        )
    }

    #[test]
    fn lines_are_two_codes_quoted_or_not() {
        let (continents, skipped) = read("US,NA\r\n\"de\" , \"eu\"\nA1,--\nTW,AS,Taiwan\n\nUS,SA");
        assert_eq!(continents, ["A1 --", "DE EU", "TW AS", "US SA"]);
        assert_eq!(skipped.total(), 0);
    }

    #[test]
    fn a_heading_and_what_does_not_parse_are_skipped_and_counted() {
        let (continents, skipped) = read("\u{feff}\"country\",\"continent\"\n# comment\nDE\nFR,EUR\nUS,NA\n");
        assert_eq!(continents, ["US NA"]);
        for reason in [Reason::BadCountry, Reason::NotARecord, Reason::Unparsable, Reason::BadContinent] {
            assert_eq!(skipped.count(Place::Continents, reason), 1, "{reason:?}");
        }
    }
}
