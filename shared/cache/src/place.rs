//! Where countries and hosts are, and how far from each other.
//!
//! A country is one point (`points.txt`), which is as much as a cache knows of a client. Who is no neighbour of whom for
//! other reasons than distance is a site's policy and not in here.

use wire::code::Country;

/// A point on the globe, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// North of the equator, -90 to 90.
    pub latitude: f64,
    /// East of Greenwich, -180 to 180.
    pub longitude: f64,
}

/// How far it is around the middle of the Earth, by two pi, in kilometres.
const RADIUS_KM: f64 = 6371.0;

impl Place {
    /// A place; `None` unless both are degrees.
    pub fn new(latitude: f64, longitude: f64) -> Option<Place> {
        let good = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        good.then_some(Place { latitude, longitude })
    }

    /// The point that stands for a country; `None` for a code that is none of a country.
    ///
    /// Cost: reads the whole table.
    pub fn of(country: Country) -> Option<Place> {
        let line = POINTS.lines().find_map(|line| line.strip_prefix(country.as_str())?.strip_prefix(' '))?;
        let (latitude, longitude) = line.split_once(' ')?;
        Place::new(latitude.parse().ok()?, longitude.parse().ok()?)
    }

    /// The countries that have a point.
    #[cfg(feature = "write")]
    pub(crate) fn countries() -> impl Iterator<Item = Country> {
        POINTS.lines().filter_map(|line| Country::parse(line.get(..2)?.as_bytes()))
    }

    /// Kilometres to another place, by the great circle.
    pub fn km(self, other: Place) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let (north, east) = (a - b, (self.longitude - other.longitude).to_radians());
        let half = (north / 2.0).sin().powi(2) + a.cos() * b.cos() * (east / 2.0).sin().powi(2);
        2.0 * RADIUS_KM * half.sqrt().min(1.0).asin()
    }

    /// In hundredths of a degree.
    #[cfg(feature = "write")]
    pub(crate) fn hundredths(self) -> [i16; 2] {
        [self.latitude, self.longitude].map(|degrees| (degrees * 100.0).round() as i16)
    }

    /// Of hundredths of a degree.
    pub(crate) fn of_hundredths([latitude, longitude]: [i16; 2]) -> Option<Place> {
        Place::new(f64::from(latitude) / 100.0, f64::from(longitude) / 100.0)
    }
}

const POINTS: &str = include_str!("points.txt");

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Place {
        Place::of(Country::parse(code.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn every_line_of_the_table_is_a_country_and_a_place() {
        let codes: Vec<&str> =
            POINTS.lines().filter(|line| !line.starts_with('#')).map(|l| &l[..2]).collect();
        assert!(codes.len() > 240 && codes.is_sorted_by(|a, b| a < b));
        for code in codes {
            let Place { latitude, longitude } = of(code);
            assert!(latitude.abs() < 90.0 && longitude.abs() <= 180.0, "{code}");
        }
        assert_eq!(Place::of(Country::parse(b"A1").unwrap()), None);
    }

    #[test]
    fn distances_are_those_of_the_globe() {
        // Berlin and Munich, Paris and New York; and across the date line.
        let place = |latitude, longitude| Place { latitude, longitude };
        let far = |a: Place, b: Place, km: f64| assert!((a.km(b) - km).abs() < km / 100.0, "{}", a.km(b));
        far(place(52.52, 13.40), place(48.14, 11.58), 504.0);
        far(place(48.86, 2.35), place(40.71, -74.01), 5837.0);
        far(place(0.0, 179.0), place(0.0, -179.0), 222.4);
        far(place(90.0, 0.0), place(-90.0, 77.0), 20_015.0);
        assert!(of("SA").km(of("AE")) < 1200.0 && of("RU").km(of("FI")) < 1200.0);
        assert!(of("NZ").km(of("AU")) < 2600.0 && of("SI").km(of("HR")) < 250.0);
    }

    #[test]
    fn what_is_no_place_is_none() {
        assert_eq!(Place::new(90.1, 0.0), None);
        assert_eq!(Place::new(0.0, -180.5), None);
        assert_eq!(Place::new(f64::NAN, 0.0), None);
        let place = Place::new(-33.87, 151.21).unwrap();
        assert_eq!(Place::of_hundredths(place.hundredths()), Some(place));
    }
}
