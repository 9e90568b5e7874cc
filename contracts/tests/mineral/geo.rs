//! Distances on the ground.

use dalil_contracts::mineral::geo::{Point, distance_min_m, is_too_far};
use dalil_contracts::units::HOUR_MS;

#[test]
fn distances_are_lower_bounds() {
    let point = |lat_udeg, lon_udeg| Point { lat_udeg, lon_udeg };
    let (bankura, hooghly) = (point(23_070_000, 87_320_000), point(22_900_000, 88_020_000));
    // 74.1 km on the great circle.
    let metres = distance_min_m(bankura, hooghly);
    assert!((72_500..=74_100).contains(&metres), "{metres}");
    assert_eq!((distance_min_m(hooghly, bankura), distance_min_m(bankura, bankura)), (metres, 0));
    let dateline = distance_min_m(point(0, 179_900_000), point(0, -179_900_000));
    assert!((22_000..=22_264).contains(&dateline), "{dateline}");
    let poles = distance_min_m(point(90_000_000, 0), point(-90_000_000, 180_000_000));
    assert_eq!(poles, 180 * 110_500);
}

#[test]
fn a_speed_is_compared_without_fractions() {
    assert!(!is_too_far(90_000, HOUR_MS, 90));
    assert!(is_too_far(90_001, HOUR_MS, 90));
    assert!(is_too_far(1, 0, 90) && !is_too_far(0, 0, 90));
}
