//! Countries and their continents: `US,NA` a line, as MirrorManager's `country_continent.csv`.
//!
//! Quoted fields and further fields are tolerated, and other separators. A heading may say that the two codes stand in
//! other columns, as in GeoLite2's locations. What is not two codes is skipped; a table of which most lines are not, is
//! refused.

use super::{
    error::Cause,
    form,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::Inventory;
use wire::code::{Continent, Country};

/// The codes of continents, and that of countries which are in none in particular.
const CONTINENTS: [&[u8]; 8] = [b"AF", b"AN", b"AS", b"EU", b"NA", b"OC", b"SA", b"--"];

/// A table of at least so many lines must make sense for the most part; of a short one each line is taken for itself.
const ENOUGH_TO_JUDGE: usize = 16;

/// What headings call the columns.
const COUNTRY: [&[u8]; 8] =
    [b"country", b"country_code", b"country_iso_code", b"iso", b"iso2", b"iso_code", b"alpha-2", b"cc"];
const CONTINENT: [&[u8]; 2] = [b"continent", b"continent_code"];

/// Reads the continents into [`Inventory::continents`]; of a country given twice the last line counts.
pub fn import(bytes: &[u8], inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    form::refuse_other(bytes)?;
    let mut columns = None;
    let (mut good, mut odd) = (0, 0);
    for line in bytes.split(|&byte| byte == b'\n').map(text::trim).filter(|line| !line.is_empty()) {
        let record = match columns_named(line) {
            Some(named) if columns.is_none() => {
                columns = Some(named);
                Err(Reason::NotARecord)
            }
            _ => record(line, columns.unwrap_or((0, 1))),
        };
        match record {
            Ok((country, continent)) => {
                good += 1;
                inventory.continents.insert(country, continent);
            }
            Err(reason) => {
                odd += usize::from(reason != Reason::NotARecord);
                skipped.add(InputTable::Continents, reason, || text::lossy(line));
            }
        }
    }
    if good + odd >= ENOUGH_TO_JUDGE && odd > good {
        let lines = good + odd;
        let why = format!("{odd} of {lines} lines are not a country and its continent; expected `US,NA`");
        return Err(Cause::Refused(why));
    }
    Ok(())
}

fn record(line: &[u8], (country, continent): (usize, usize)) -> Result<(Country, Continent), Reason> {
    if line.starts_with(b"#") {
        return Err(Reason::NotARecord);
    }
    let field = |column: usize| fields(line).nth(column).ok_or(Reason::Unparsable);
    let (country, continent) = (field(country)?, field(continent)?);
    let country = Country::parse(country).ok_or(Reason::BadCountry)?;
    let known = CONTINENTS.iter().any(|code| code.eq_ignore_ascii_case(continent));
    let continent = Continent::parse(continent).filter(|_| known).ok_or(Reason::BadContinent)?;
    Ok((country, continent))
}

/// In which columns country and continent stand, if the line is a heading that says so.
fn columns_named(line: &[u8]) -> Option<(usize, usize)> {
    let column = |names: &[&[u8]]| {
        fields(line).position(|field| names.iter().any(|name| name.eq_ignore_ascii_case(field)))
    };
    Some((column(&COUNTRY)?, column(&CONTINENT)?))
}

/// Fields stand apart by the first of tab, semicolon and comma in the line, or by blanks.
fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let separator = line.iter().copied().find(|byte| b"\t;,".contains(byte)).unwrap_or(b' ');
    line.split(move |&byte| byte == separator).map(unquote)
}

fn unquote(field: &[u8]) -> &[u8] {
    let field = text::trim(field);
    match field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(inner) => text::trim(inner),
        None => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Skipped) {
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        import(text.as_bytes(), &mut inventory, &mut skipped).unwrap();
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
        let (continents, skipped) =
            read("\u{feff}\"country\",\"continent\"\n# comment\nDE\nFR,EUR\nUS,NA\nxx1,EU\n");
        assert_eq!(continents, ["US NA"]);
        for (reason, count) in [
            (Reason::BadCountry, 1),
            (Reason::NotARecord, 2),
            (Reason::Unparsable, 1),
            (Reason::BadContinent, 1),
        ] {
            assert_eq!(skipped.count(InputTable::Continents, reason), count, "{reason:?}");
        }
    }

    #[test]
    fn other_separators_and_columns_are_read_rightly() {
        assert_eq!(read("US\tNA\nDE\tEU\tGermany, Federal Republic").0, ["DE EU", "US NA"]);
        assert_eq!(read("US;NA\nDE;EU").0, ["DE EU", "US NA"]);
        assert_eq!(read("US NA").0, ["US NA"]);
        assert_eq!(read("continent,country\nNA,US\nEU,AS").0, ["AS EU", "US NA"]);
        let locations = "geoname_id,locale_code,continent_code,continent_name,country_iso_code,country_name\n\
                         49518,en,AF,Africa,RW,Rwanda\n6252001,en,NA,\"North America\",US,\"United States\"\n";
        assert_eq!(read(locations).0, ["RW AF", "US NA"]);
    }

    #[test]
    fn one_country_has_one_continent_whatever_it_is_called() {
        assert_eq!(read("UK,EU\nEL,EU\nGB,NA\n").0, ["GB NA", "GR EU"]);
    }

    #[test]
    fn columns_that_make_no_sense_are_told() {
        let (continents, skipped) = read("NA,US\nEU,DE\n");
        assert_eq!((continents.len(), skipped.count(InputTable::Continents, Reason::BadContinent)), (0, 2));
        let swapped: String = [
            "DE", "FR", "PL", "IT", "ES", "SE", "NO", "FI", "CZ", "AT", "CH", "BE", "NL", "DK", "PT", "AS",
            "AF",
        ]
        .map(|country| format!("EU,{country}\n"))
        .concat();
        let refusal = import(swapped.as_bytes(), &mut Inventory::default(), &mut Skipped::default());
        assert_eq!(
            refusal.unwrap_err().to_string(),
            "15 of 17 lines are not a country and its continent; expected `US,NA`"
        );
        let packed = import(b"BZh91AY&SY", &mut Inventory::default(), &mut Skipped::default());
        assert_eq!(packed.unwrap_err().to_string(), "is packed as bzip2; unpack it first");
    }
}
