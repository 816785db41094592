//! Hosts that the client does not want: `exclude`.
//!
//! Each item is told by its form; what has none of these forms is passed over. Which hosts it means is found out by
//! [`filters`](super::filters). Source: SPEC.md §1, §4.

use super::params::items;
use cache::{AsnId, ContinentId, CountryId, View};
use std::fmt;
use wire::code::{Continent, Country};

/// How many distinct items count.
pub const MOST_ITEMS: usize = 16;
/// Longest name of a host that counts, in bytes: a header line of sixteen is still one that every client reads.
pub const LONGEST_HOST: usize = 100;
/// What each continent's code stands behind, in any case.
const CONTINENT: &[u8] = b"continent:";

/// What is excluded, each item once, as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclude {
    /// The items.
    pub items: Vec<Item>,
}

/// One item, with its number if the cache names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Hosts of a country.
    Country(Country, Option<CountryId>),
    /// Hosts of the countries of a continent.
    Continent(Continent, Option<ContinentId>),
    /// Hosts that serve an autonomous system.
    Asn(u32, Option<AsnId>),
    /// The hosts with a URL of this host name, in lower case.
    Host(String),
    /// The origin.
    Origin,
}

impl Exclude {
    /// Reads a list; `None` when nothing on it counts.
    pub fn read(view: &View<'_>, list: &[u8]) -> Option<Exclude> {
        let mut found: Vec<Item> = Vec::new();
        for text in items(list) {
            // A name that comes again and again is not made anew each time.
            let is_text =
                |item: &Item| matches!(item, Item::Host(name) if text.eq_ignore_ascii_case(name.as_bytes()));
            if found.iter().any(is_text) {
                continue;
            }
            let Some(item) = Item::read(view, text) else { continue };
            if !found.contains(&item) {
                found.push(item);
            }
            if found.len() == MOST_ITEMS {
                break;
            }
        }
        (!found.is_empty()).then_some(Exclude { items: found })
    }

    /// Whether the origin is on the list.
    pub fn origin(&self) -> bool {
        self.items.contains(&Item::Origin)
    }
}

impl Item {
    /// Reads an item; `None` when it has none of the forms.
    pub fn read(view: &View<'_>, text: &[u8]) -> Option<Item> {
        if text.eq_ignore_ascii_case(b"origin") {
            return Some(Item::Origin);
        }
        if let Some(code) = Country::parse(text) {
            return Some(Item::Country(code, view.country_id(code)));
        }
        if let Some((prefix, code)) = text.split_at_checked(CONTINENT.len())
            && prefix.eq_ignore_ascii_case(CONTINENT)
        {
            let code = Continent::parse(code)?;
            return Some(Item::Continent(code, view.continent_id(code)));
        }
        if let [b'a' | b'A', b's' | b'S', digits @ ..] = text
            && digits.iter().all(u8::is_ascii_digit)
        {
            let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
            return Some(Item::Asn(number, view.asn_id(number)));
        }
        let of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if text.len() <= LONGEST_HOST && text.contains(&b'.') && text.iter().all(of_a_name) {
            return Some(Item::Host(std::str::from_utf8(text).ok()?.to_ascii_lowercase()));
        }
        None
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Country(code, _) => code.fmt(f),
            Item::Continent(code, _) => write!(f, "continent:{code}"),
            Item::Asn(number, _) => write!(f, "AS{number}"),
            Item::Host(name) => f.write_str(name),
            Item::Origin => f.write_str("origin"),
        }
    }
}

impl fmt::Display for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.items.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}
