//! Where mirrors and their clients are.

use super::Dice;
use rand::seq::IndexedRandom as _;

/// Countries with mirrors, their continents, and how many of the mirrors they have.
pub const COUNTRIES: [(&str, &str, u32); 48] = [
    ("US", "NA", 160),
    ("DE", "EU", 62),
    ("CN", "AS", 36),
    ("FR", "EU", 34),
    ("GB", "EU", 28),
    ("BR", "SA", 20),
    ("CA", "NA", 20),
    ("JP", "AS", 18),
    ("RU", "EU", 16),
    ("NL", "EU", 15),
    ("SE", "EU", 12),
    ("CZ", "EU", 12),
    ("IN", "AS", 12),
    ("AU", "OC", 12),
    ("TW", "AS", 11),
    ("PL", "EU", 10),
    ("IT", "EU", 10),
    ("CH", "EU", 9),
    ("BG", "EU", 8),
    ("RO", "EU", 8),
    ("SG", "AS", 8),
    ("KR", "AS", 8),
    ("ES", "EU", 7),
    ("HK", "AS", 7),
    ("UA", "EU", 6),
    ("ID", "AS", 6),
    ("VN", "AS", 5),
    ("AT", "EU", 5),
    ("DK", "EU", 5),
    ("ZA", "AF", 5),
    ("GR", "EU", 4),
    ("PT", "EU", 4),
    ("TR", "AS", 4),
    ("NZ", "OC", 4),
    ("AR", "SA", 3),
    ("CL", "SA", 3),
    ("IR", "AS", 3),
    ("TH", "AS", 3),
    ("KE", "AF", 2),
    ("EC", "SA", 2),
    ("IL", "AS", 2),
    ("AM", "AS", 2),
    ("NC", "OC", 1),
    ("MG", "AF", 1),
    ("CR", "NA", 1),
    ("KZ", "AS", 1),
    ("MD", "EU", 1),
    ("IS", "EU", 1),
];

/// A country, with the odds of [`COUNTRIES`].
pub fn country(dice: &mut Dice) -> &'static str {
    COUNTRIES.choose_weighted(dice, |country| country.2).map_or("US", |country| country.0)
}
