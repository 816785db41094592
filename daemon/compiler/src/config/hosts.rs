//! `[hosts."NAME"]`: what a site knows of a host, by the name in its URLs.

use super::countries::texts;
use crate::{
    compile::facts::{Facts, Network},
    failure::Failure,
};
use cache::{Families, Only, place::Place};
use program::{
    options::likely,
    tables::{Entry, Value},
};
use std::collections::BTreeMap;

const KEYS: [&str; 6] = ["exclusive", "families", "only", "place", "up-to-date", "weight"];

/// Reads the tables of all hosts.
pub fn read<'e>(entries: impl Iterator<Item = &'e Entry>) -> Result<BTreeMap<String, Facts>, Failure> {
    let mut hosts = BTreeMap::new();
    for entry in entries {
        let name = entry.key.to_ascii_lowercase();
        if name.is_empty() || name.contains(['/', '@']) || name.chars().any(char::is_whitespace) {
            return Err(entry.refused("expected a host name as it is in URLs, without scheme and path"));
        }
        let Value::Table(keys) = &entry.value else {
            let heading = format!("write [hosts.\"{name}\"] above what is known of it");
            return Err(entry.refused(heading));
        };
        let mut facts = Facts::default();
        for key in keys {
            fact(key, &mut facts)?;
        }
        if hosts.insert(name, facts).is_some() {
            return Err(entry.refused("the file has this host already, in other letters"));
        }
    }
    Ok(hosts)
}

fn fact(entry: &Entry, facts: &mut Facts) -> Result<(), Failure> {
    match (&entry.key[..], &entry.value) {
        ("place", Value::List(list)) => match list[..] {
            [Value::Number(latitude), Value::Number(longitude)] => {
                let place = Place::new(latitude, longitude);
                let refused = || entry.refused("latitude is from -90 to 90, longitude from -180 to 180");
                facts.place = Some(place.ok_or_else(refused)?);
            }
            _ => {
                return Err(entry.refused("expected latitude and longitude in degrees, such as [52.5, 13.4]"));
            }
        },
        ("families", Value::List(list)) => {
            let mut families = Families::UNKNOWN;
            for family in list {
                families = families.with(match family {
                    Value::Number(4.0) => Families::V4,
                    Value::Number(6.0) => Families::V6,
                    _ => return Err(entry.refused("expected [4], [6] or [4, 6]")),
                });
            }
            facts.families = Some(families);
        }
        ("exclusive", _) => {
            for text in texts(entry)? {
                let cause =
                    format!("`{text}` is neither a prefix, such as 192.0.2.0/24, nor an AS, such as AS64500");
                facts.exclusive.push(Network::parse(text).ok_or_else(|| entry.refused(cause))?);
            }
        }
        ("only", Value::Text(text)) => {
            facts.only = Some(match &text[..] {
                "country" => Only::Country,
                "continent" => Only::Continent,
                _ => return Err(entry.refused("expected \"country\" or \"continent\"")),
            });
        }
        ("weight", Value::Number(number)) => {
            let good = (1.0..=f64::from(u32::MAX)).contains(number) && number.fract() == 0.0;
            let refused = || entry.refused("expected a whole number of Mbit/s, at least 1");
            facts.weight = Some(good.then_some(*number as u32).ok_or_else(refused)?);
        }
        ("up-to-date", Value::Bool(value)) => facts.up_to_date = Some(*value),
        (key, _) if !KEYS.contains(&key) => {
            let hint = likely(key, KEYS);
            let hint = if hint.is_empty() { format!("; there are {}", KEYS.join(", ")) } else { hint };
            return Err(entry.refused(format_args!("nothing that is known of hosts{hint}")));
        }
        ("place", _) => {
            return Err(entry.refused("expected latitude and longitude in degrees, such as [52.5, 13.4]"));
        }
        ("families", _) => return Err(entry.refused("expected [4], [6] or [4, 6]")),
        ("only", _) => return Err(entry.refused("expected \"country\" or \"continent\"")),
        ("weight", _) => return Err(entry.refused("expected a whole number of Mbit/s, at least 1")),
        _ => return Err(entry.refused("expected true or false")),
    }
    Ok(())
}
