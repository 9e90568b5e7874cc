//! Dated parameters: rates, fees, limits. A record is judged by the value in force at its block's time; a vote adds a
//! value for a time to come ([`super::ballot`]).
//!
//! A name begins with the room that judges by it and says its unit. Each room keeps its names as constants beside the
//! rule; `testnet/sample/establishment.json` has a value for each, and `docs/parameters.md` says what it means.
//!
//! What differs from one certificate type to another is part of the type, not a parameter.

use dalil_ledger::codec::Token;
use dalil_ledger::state::Overlay;

use super::dated::Timeline;
use crate::context::Context;
use crate::list;
use crate::refusal::{OrReject as _, Refusal, reject};

/// A parameter's name, such as `mineral/royalty/SAND`.
pub type ParameterName = Token<64>;

/// The most dated values of one parameter.
pub const PARAMETER_VALUES_MAX: usize = 256;
/// The list of the names of all parameters.
pub const PARAMETERS: &str = "params";

/// State key of a parameter.
pub fn parameter_key(name: &str) -> Vec<u8> {
    format!("param/{name}").into_bytes()
}

/// The value of `name` in force at the block's time; refused with P1 where there is none.
pub fn parameter(state: &Overlay<'_>, context: &Context<'_>, name: &str) -> Result<i64, Refusal> {
    let dated: Option<Timeline<i64>> = state.get_value(&parameter_key(name))?;
    let in_force = dated.and_then(|dated| dated.at(context.time_ms).copied());
    in_force.or_reject("P1", || format!("parameter {name} has no value in force"))
}

/// As [`parameter`], for values that are never negative.
pub fn parameter_u64(state: &Overlay<'_>, context: &Context<'_>, name: &str) -> Result<u64, Refusal> {
    let value = parameter(state, context, name)?;
    u64::try_from(value).ok().or_reject("P1", || format!("parameter {name} is negative"))
}

/// Adds a value that holds from `from_ms`; the caller has made sure that this is not in the past.
pub(super) fn schedule(state: &mut Overlay<'_>, name: &ParameterName, from_ms: u64, value: i64) -> Result<(), Refusal> {
    let key = parameter_key(name.as_str());
    let mut dated: Timeline<i64> = state.get_value(&key)?.unwrap_or_default();
    if dated.values.is_empty() {
        list::push(state, PARAMETERS, name)?;
    }
    let scheduled = dated.schedule(from_ms, value, PARAMETER_VALUES_MAX);
    scheduled.or_else(|error| reject("A8", format!("parameter {name}: {error}")))?;
    state.put_value(key, &dated);
    Ok(())
}
