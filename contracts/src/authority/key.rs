//! Keys of officers, of gateways and of devices (A3, A5).
//!
//! A key is an officer's, a gateway's or a device's for ever: an officer's key that also signed for another's posting as its gateway
//! would be two people where the rules ask for two (A6). An officer who gets a new key stays the same person: the new
//! key names the one it replaces, and an act of the old key counts as one's own.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::{Overlay, StateView as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::require_own;
use super::membership;
use super::posting::Acting;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};

/// The most keys that one officer has one after another.
pub const KEYS_OF_OFFICER_MAX: usize = 16;

/// Whose key is registered.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Holder {
    /// An officer's.
    Officer {
        /// The officer's key before this one, which is revoked.
        #[schemars(with = "Option<String>")]
        replaces: Option<PublicKey>,
    },
    /// A gateway's: it signs on behalf of postings that name it (A7), and holds none.
    Gateway,
    /// A device's: it seals what it observes off the network (O1), and signs no record.
    Device,
}

/// Who holds a key.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHolder {
    /// An officer.
    Officer {
        /// The officer's keys before this one, oldest first.
        earlier: Vec<PublicKey>,
        /// The officer's next key.
        replaced_by: Option<PublicKey>,
    },
    /// A gateway.
    Gateway,
    /// A device.
    Device,
}

/// What is known of a registered key.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The department that registered it.
    pub department: DepartmentId,
    /// Who holds it.
    pub holder: KeyHolder,
    /// Block time of its revocation, UTC milliseconds.
    pub revoked_at_ms: Option<u64>,
}

impl KeyRecord {
    /// The record of a key that nobody has used.
    pub fn new(department: DepartmentId, holder: KeyHolder) -> Self {
        Self { department, holder, revoked_at_ms: None }
    }

    /// An officer's first key.
    pub fn officer(department: DepartmentId) -> Self {
        Self::new(department, KeyHolder::Officer { earlier: Vec::new(), replaced_by: None })
    }

    /// Refuses with A5 if the key is revoked at the block's time.
    pub(super) fn require_live(&self, key: &PublicKey, context: &Context<'_>) -> Result<(), Refusal> {
        let live = self.revoked_at_ms.is_none_or(|at| context.time_ms < at);
        require(live, "A5", || format!("key {key} is revoked"))
    }

    /// Refuses unless the key is live and an officer's (A5, A7).
    pub(super) fn require_officer(&self, key: &PublicKey, context: &Context<'_>) -> Result<(), Refusal> {
        self.require_live(key, context)?;
        let is_officer = matches!(self.holder, KeyHolder::Officer { .. });
        require(is_officer, "A7", || format!("key {key} is no officer's and holds no posting"))
    }

    /// Refuses unless the key is live and a gateway's (A5, A7).
    pub(super) fn require_gateway(&self, key: &PublicKey, context: &Context<'_>) -> Result<(), Refusal> {
        self.require_live(key, context)?;
        require(self.holder == KeyHolder::Gateway, "A7", || {
            format!("key {key} is no gateway's; an officer acts in person, and a device signs no record")
        })
    }
}

/// State key of a registered key.
pub fn key_key(key: &PublicKey) -> Vec<u8> {
    format!("auth/key/{key}").into_bytes()
}

/// The key's record, refused with A1 if it is not registered.
pub fn key_record(state: &Overlay<'_>, key: &PublicKey) -> Result<KeyRecord, Refusal> {
    state.get_value(&key_key(key))?.or_reject("A1", || format!("key {key} is not registered"))
}

/// A3: the key is usable, and nobody's.
pub(super) fn require_fresh(state: &Overlay<'_>, key: &PublicKey) -> Result<(), Refusal> {
    key.check().ok().or_reject("A3", || format!("{key} is no canonical Ed25519 key or a weak one"))?;
    require(state.get(&key_key(key))?.is_none(), "A3", || format!("key {key} was registered before"))?;
    require(!membership::serves_validator(state, key)?, "A3", || format!("key {key} serves a validator"))
}

/// Registers a key of `department`; one that replaces another revokes it.
pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    department: &DepartmentId,
    key: &PublicKey,
    holder: &Holder,
) -> Result<(), Refusal> {
    require_fresh(state, key)?;
    let holder = match holder {
        Holder::Gateway => KeyHolder::Gateway,
        Holder::Device => KeyHolder::Device,
        Holder::Officer { replaces: None } => KeyHolder::Officer { earlier: Vec::new(), replaced_by: None },
        Holder::Officer { replaces: Some(old) } => {
            KeyHolder::Officer { earlier: replace(state, context, department, old, key)?, replaced_by: None }
        }
    };
    state.put_value(key_key(key), &KeyRecord::new(department.clone(), holder));
    Ok(())
}

/// Revokes `old` in favour of `new`; the officer's keys so far, oldest first.
fn replace(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    department: &DepartmentId,
    old: &PublicKey,
    new: &PublicKey,
) -> Result<Vec<PublicKey>, Refusal> {
    let mut record = key_record(state, old)?;
    require(record.department == *department, "A2", || format!("key {old} is of department {}", record.department))?;
    let KeyHolder::Officer { earlier, replaced_by } = &mut record.holder else {
        return crate::refusal::reject(
            "A3",
            format!("key {old} is no officer's; register the new one without naming it"),
        );
    };
    require(replaced_by.is_none(), "A3", || format!("key {old} was replaced before; name the officer's last key"))?;
    require(earlier.len() + 1 < KEYS_OF_OFFICER_MAX, "A3", || {
        format!("the officer had {KEYS_OF_OFFICER_MAX} keys already")
    })?;
    *replaced_by = Some(*new);
    let keys = earlier.iter().chain([old]).copied().collect();
    record.revoked_at_ms = Some(record.revoked_at_ms.unwrap_or(context.time_ms));
    state.put_value(key_key(old), &record);
    Ok(keys)
}

/// Revokes a key of the administrator's department: it signs nothing after this record (A5).
pub(super) fn revoke(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    key: &PublicKey,
) -> Result<(), Refusal> {
    let mut record = key_record(state, key)?;
    require_own(admin, &record.department, &format!("key {key}"))?;
    require(record.revoked_at_ms.is_none(), "A5", || format!("key {key} is revoked already"))?;
    record.revoked_at_ms = Some(context.time_ms);
    state.put_value(key_key(key), &record);
    Ok(())
}
