//! The world as a plane: land, and where a place on it is. Miller's projection, since Europe has most mirrors and little
//! room.

use cache::place::Place;
use std::fmt::Write as _;

/// Land in degrees; the file says whose it is.
const LAND: &str = include_str!("land.txt");

/// Units of the plane: a width of 2000, and north and south of what is inhabited cut away.
pub(super) const WIDTH: i32 = 2000;
pub(super) const HEIGHT: i32 = 918;
const NORTH: f64 = 78.5;

/// Where a place is on the plane.
pub(super) fn point(place: Place) -> [i32; 2] {
    let unit = f64::from(WIDTH) / std::f64::consts::TAU;
    let up =
        |latitude: f64| 1.25 * (std::f64::consts::FRAC_PI_4 + 0.4 * latitude.to_radians()).tan().ln() * unit;
    let across = (place.longitude + 180.0) / 360.0 * f64::from(WIDTH);
    [across.round() as i32, (up(NORTH) - up(place.latitude)).round() as i32]
}

/// All land as one outline.
pub(super) fn outline() -> String {
    let mut out = String::new();
    for ring in LAND.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<f64> = ring.split(' ').filter_map(|number| number.parse().ok()).collect();
        let places = numbers
            .as_chunks::<2>()
            .0
            .iter()
            .filter_map(|[east, north]| Place::new(north / 10.0, east / 10.0));
        let mut before: Option<[i32; 2]> = None;
        for [x, y] in places.map(point) {
            // Writing to a string does not fail.
            let _ = match before {
                None => write!(out, "M{x} {y}l"),
                Some([from_x, from_y]) if [x, y] == [from_x, from_y] => continue,
                Some([from_x, from_y]) => {
                    let (east, south) = (x - from_x, y - from_y);
                    let blank = if out.ends_with('l') || east < 0 { "" } else { " " };
                    let between = if south < 0 { "" } else { " " };
                    write!(out, "{blank}{east}{between}{south}")
                }
            };
            before = Some([x, y]);
        }
        out.push('z');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_where_they_are_on_the_plane() {
        let at = |latitude, longitude| point(Place { latitude, longitude });
        assert_eq!(at(NORTH, -180.0), [0, 0]);
        let [[x, north], [_, south]] = [at(52.5, 13.4), at(-33.9, 151.2)];
        assert!(x == 1074 && north > 0 && north < south && south < HEIGHT, "{x} {north} {south}");
        assert!((at(-56.0, 0.0)[1] - HEIGHT).abs() < 20, "{:?}", at(-56.0, 0.0));
    }

    #[test]
    fn land_is_small_and_whole() {
        let outline = outline();
        assert!(outline.len() < 25_000, "{}", outline.len());
        assert_eq!(outline.matches('M').count(), outline.matches('z').count());
        assert!(outline.matches('M').count() > 90 && !outline.contains("NaN"));
    }
}
