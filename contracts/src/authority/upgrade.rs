//! Upgrades of the protocol: from a height on, blocks follow the rules of another version.
//!
//! A version is a number that a release of the program knows. A vote binds it to a height, so that every node changes at
//! the same block; a node that runs an older program stops before that block, since it would judge it by other rules.
//! Versions only go up.

use dalil_ledger::block::Height;
use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::{Overlay, StateError, StateView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};

/// The version that this program follows, and that a chain begins with.
pub const PROTOCOL_VERSION: u32 = 1;
/// The fewest heights between the vote that carries an upgrade and its first block.
pub const UPGRADE_NOTICE_HEIGHTS: u64 = 2;
/// The most upgrades that wait at a time.
pub const UPGRADES_WAITING_MAX: usize = 8;

/// A version from a height on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Upgrade {
    /// The first height of which the version judges the block.
    pub from_height: Height,
    /// The version.
    pub version: u32,
}

/// The version in force and those to come, by increasing height and version.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Protocol {
    /// The first is in force, or was until the second.
    pub upgrades: Vec<Upgrade>,
}

impl Default for Protocol {
    /// What a chain begins with.
    fn default() -> Self {
        Self { upgrades: vec![Upgrade { from_height: 0, version: PROTOCOL_VERSION }] }
    }
}

impl Protocol {
    /// What is decided in `state`.
    pub fn read(state: &dyn StateView) -> Result<Self, StateError> {
        Ok(Overlay::new(state).get_value(&protocol_key())?.unwrap_or_default())
    }

    /// The version by which the block of `height` is judged.
    pub fn at(&self, height: Height) -> u32 {
        let in_force = self.upgrades.iter().rev().find(|upgrade| upgrade.from_height <= height);
        in_force.map_or(PROTOCOL_VERSION, |upgrade| upgrade.version)
    }

    /// The first upgrade that this program does not follow.
    pub fn beyond(&self, version: u32) -> Option<&Upgrade> {
        self.upgrades.iter().find(|upgrade| upgrade.version > version)
    }
}

/// State key of the protocol's versions; absent until the first upgrade is carried.
pub fn protocol_key() -> Vec<u8> {
    b"auth/protocol".to_vec()
}

/// Whether an upgrade can be carried: it comes with notice, after those that wait, and goes up (A8).
pub(super) fn check(state: &Overlay<'_>, context: &Context<'_>, upgrade: &Upgrade) -> Result<(), Refusal> {
    let earliest = context.height.saturating_add(UPGRADE_NOTICE_HEIGHTS);
    require(upgrade.from_height >= earliest, "A8", || {
        format!(
            "an upgrade needs {UPGRADE_NOTICE_HEIGHTS} heights of notice: from height {earliest} on at the earliest"
        )
    })?;
    let protocol = Protocol::read(state)?;
    let waiting = protocol.upgrades.iter().filter(|known| known.from_height > context.height).count();
    require(waiting < UPGRADES_WAITING_MAX, "A8", || format!("{UPGRADES_WAITING_MAX} upgrades wait already"))?;
    let last = protocol.upgrades.last().copied().unwrap_or(Upgrade { from_height: 0, version: PROTOCOL_VERSION });
    require(upgrade.version > last.version && upgrade.from_height > last.from_height, "A8", || {
        format!("version {} from height {} on is decided; another comes after it", last.version, last.from_height)
    })
}

/// Enters a carried upgrade.
pub(super) fn carry(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    upgrade: &Upgrade,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    let mut protocol = Protocol::read(state)?;
    let in_force = protocol.upgrades.iter().rposition(|known| known.from_height <= context.height).unwrap_or(0);
    protocol.upgrades.drain(..in_force);
    protocol.upgrades.push(*upgrade);
    state.put_value(protocol_key(), &protocol);
    outcome.event("authority.upgrade_carried", token(format!("protocol/{}", upgrade.version))?);
    Ok(())
}
