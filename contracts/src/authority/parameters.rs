//! Dated parameters: rates, fees, limits. A record is judged by the value in force at its block's time; a vote adds a
//! value for a time to come ([`super::ballot`]).
//!
//! A name begins with the room that judges by it and says its unit. Each room keeps its names as constants beside the
//! rule; `testnet/sample/establishment.json` has a value for each.
//!
//! | Names | Described in |
//! |---|---|
//! | `authority/confirm_within_ms` | [`super::duties`] |
//! | `authority/validator_change_lapse_ms` | [`super::membership`] |
//! | `land/…` | `land`: fee, limitation, conversion and rectification limits, ages of proofs |
//! | `mineral/…` | `mineral::parameters` |
//!
//! What differs from one certificate type to another is part of the type, not a parameter.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::state::Overlay;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};

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

/// Adds a value that holds from `from_ms`; the caller has made sure that this is not in the past.
pub(super) fn schedule(state: &mut Overlay<'_>, name: &ParameterName, from_ms: u64, value: i64) -> Result<(), Refusal> {
    let key = parameter_key(name.as_str());
    let mut dated: DatedValues = state.get_value(&key)?.unwrap_or_default();
    require(dated.values.len() < PARAMETER_VALUES_MAX, "A8", || {
        format!("parameter {name} has {PARAMETER_VALUES_MAX} values already")
    })?;
    let place = dated.values.partition_point(|dated| dated.from_ms < from_ms);
    require(dated.values.get(place).is_none_or(|next| next.from_ms != from_ms), "A8", || {
        format!("another value of parameter {name} was voted for the same time")
    })?;
    dated.values.insert(place, DatedValue { from_ms, value });
    state.put_value(key, &dated);
    Ok(())
}
