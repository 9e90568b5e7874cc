//! Dated parameters: rates, fees, limits. A record is judged by the value in force at its block's time.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::state::Overlay;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal};

/// A parameter's name, such as `mineral/royalty/SAND`.
pub type ParameterName = Token<64>;

/// The most dated values of one parameter.
pub const PARAMETER_VALUES_MAX: usize = 256;

/// One value and the time from which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct DatedValue {
    /// UTC milliseconds of block time.
    pub from_ms: u64,
    /// The value, in the unit that the parameter's name implies.
    pub value: i64,
}

/// All values of one parameter, by increasing time.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct DatedValues {
    /// The values.
    pub values: Vec<DatedValue>,
}

/// State key of a parameter.
pub fn parameter_key(name: &str) -> Vec<u8> {
    format!("param/{name}").into_bytes()
}

/// The value of `name` in force at the block's time; refused with P1 where there is none.
pub fn parameter(state: &Overlay<'_>, context: &Context<'_>, name: &str) -> Result<i64, Refusal> {
    let dated: Option<DatedValues> = state.get_value(&parameter_key(name))?;
    dated
        .and_then(|dated| {
            dated.values.iter().rev().find(|value| value.from_ms <= context.time_ms).map(|value| value.value)
        })
        .or_reject("P1", || format!("parameter {name} has no value in force"))
}

/// As [`parameter`], for values that are never negative.
pub fn parameter_u64(state: &Overlay<'_>, context: &Context<'_>, name: &str) -> Result<u64, Refusal> {
    let value = parameter(state, context, name)?;
    u64::try_from(value).ok().or_reject("P1", || format!("parameter {name} is negative"))
}
