//! Quantities with their units in the type. Arithmetic is checked: what does not fit is refused, never wrapped.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Milliseconds in a minute.
pub const MINUTE_MS: u64 = 60_000;
/// Milliseconds in an hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Milliseconds in a day.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// Defines a newtype over an integer with checked sums.
macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, SchemaWrite, SchemaRead, Serialize,
            Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The sum, if it fits.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// The difference, if it fits.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
        }
    };
}

unit!(
    /// Money in paise, 1/100 rupee.
    Paise(i64)
);
unit!(
    /// Area in 1/10,000 acre; a decimal is 100 of these.
    Area(u64)
);
unit!(
    /// Mass in kilograms.
    Kilograms(u64)
);
