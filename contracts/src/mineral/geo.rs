//! Distances in integers, for the question whether one truck can have been at two places.
//!
//! A point is in microdegrees. [`distance_min_m`] is a lower bound of the distance on the ground within a state: every
//! constant is rounded so that it comes out short. A truck that would have had to be faster on this straight line than
//! any truck is on the road cannot have gone the way.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Microdegrees in a degree.
const DEGREE_UDEG: u64 = 1_000_000;
/// Metres of a degree of latitude, at least (110,574 at the equator).
const LATITUDE_DEGREE_M: u64 = 110_500;
/// Metres of a degree of longitude at the equator, at least (111,319).
const LONGITUDE_DEGREE_M: u64 = 111_300;
/// Scale of [`COSINES`].
const COSINE_SCALE: u64 = 10_000;
/// Cosine of each whole degree from 0 to 90 × 10,000, rounded down.
const COSINES: [u64; 91] = [
    10000, 9998, 9993, 9986, 9975, 9961, 9945, 9925, 9902, 9876, 9848, 9816, 9781, 9743, 9702, 9659, 9612, 9563, 9510,
    9455, 9396, 9335, 9271, 9205, 9135, 9063, 8987, 8910, 8829, 8746, 8660, 8571, 8480, 8386, 8290, 8191, 8090, 7986,
    7880, 7771, 7660, 7547, 7431, 7313, 7193, 7071, 6946, 6819, 6691, 6560, 6427, 6293, 6156, 6018, 5877, 5735, 5591,
    5446, 5299, 5150, 5000, 4848, 4694, 4539, 4383, 4226, 4067, 3907, 3746, 3583, 3420, 3255, 3090, 2923, 2756, 2588,
    2419, 2249, 2079, 1908, 1736, 1564, 1391, 1218, 1045, 871, 697, 523, 348, 174, 0,
];

/// A point on the ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Latitude, microdegrees north.
    pub lat_udeg: i32,
    /// Longitude, microdegrees east.
    pub lon_udeg: i32,
}

impl Point {
    /// Whether there is such a place on the globe.
    pub fn exists(self) -> bool {
        self.lat_udeg.unsigned_abs() <= 90_000_000 && self.lon_udeg.unsigned_abs() <= 180_000_000
    }
}

/// Metres between two points, at least.
pub fn distance_min_m(a: Point, b: Point) -> u64 {
    let north = u64::from(a.lat_udeg.abs_diff(b.lat_udeg)) * LATITUDE_DEGREE_M / DEGREE_UDEG;
    let around = u64::from(a.lon_udeg.abs_diff(b.lon_udeg));
    let east_udeg = around.min((360 * DEGREE_UDEG).saturating_sub(around));
    // Meridians are closest where the latitude is highest.
    let latitude = u64::from(a.lat_udeg.unsigned_abs().max(b.lat_udeg.unsigned_abs())).div_ceil(DEGREE_UDEG);
    let cosine = usize::try_from(latitude).ok().and_then(|degree| COSINES.get(degree)).copied().unwrap_or(0);
    let east = east_udeg * (LONGITUDE_DEGREE_M * cosine / COSINE_SCALE) / DEGREE_UDEG;
    (north * north + east * east).isqrt()
}

/// Whether a truck needs more than `speed_kmph` for `distance_m` in `time_ms`.
pub fn is_too_far(distance_m: u64, time_ms: u64, speed_kmph: u64) -> bool {
    // metres ÷ milliseconds > km/h ÷ 3,600, without a fraction.
    u128::from(distance_m) * 3_600 > u128::from(speed_kmph) * u128::from(time_ms)
}
