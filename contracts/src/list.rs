//! Lists in the state: what stands in them, numbered from 0 in the order of their records.
//!
//! The state cannot be searched, since its keys are hashed; whoever must be able to say "all of these" keeps a list.

use dalil_ledger::codec::Canonical;
use dalil_ledger::state::{Overlay, StateError, StateView};

/// State key of the number of items of a list.
fn count_key(list: &str) -> Vec<u8> {
    list.as_bytes().to_vec()
}

/// State key of an item of a list.
fn item_key(list: &str, number: u64) -> Vec<u8> {
    format!("{list}/{number}").into_bytes()
}

/// How many items a list has.
pub fn len(state: &dyn StateView, list: &str) -> Result<u64, StateError> {
    Ok(Overlay::new(state).get_value(&count_key(list))?.unwrap_or_default())
}

/// Adds an item at the end of a list.
pub fn push<T: Canonical>(state: &mut Overlay<'_>, list: &str, item: &T) -> Result<(), StateError> {
    let count = len(state, list)?;
    state.put_value(item_key(list, count), item);
    state.put_value(count_key(list), &count.saturating_add(1));
    Ok(())
}

/// The items of a list from number `from` on, at most `limit` of them.
pub fn read<T: Canonical>(state: &dyn StateView, list: &str, from: u64, limit: u64) -> Result<Vec<T>, StateError> {
    let count = len(state, list)?;
    let state = Overlay::new(state);
    let missing = |number| StateError(format!("item {number} of {count} of list {list} is not in the state"));
    let numbers = from..count.min(from.saturating_add(limit));
    numbers.map(|number| state.get_value(&item_key(list, number))?.ok_or_else(|| missing(number))).collect()
}

/// The entries of a list that genesis begins with.
pub fn entries<'a, T: Canonical + 'a>(list: &str, items: impl IntoIterator<Item = &'a T>) -> Vec<(Vec<u8>, Vec<u8>)> {
    use dalil_ledger::codec::encode;
    let mut entries: Vec<_> =
        items.into_iter().enumerate().map(|(at, item)| (item_key(list, at as u64), encode(item))).collect();
    entries.push((count_key(list), encode(&(entries.len() as u64))));
    entries
}
