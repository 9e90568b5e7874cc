//! Devices at checkposts and weighbridges, and what they say while they are off the network (O1).
//!
//! A department's administrator registers a device's key with the department's other keys (A3; it holds no posting and signs no
//! record), and binds the device to one office. To rotate a key, a new one is registered and the old one revoked once its
//! last statements are on the chain: a revoked key is heard no more (A5).
//!
//! **A statement** is what a device signs: counter, mark, and content with the time and place of observation. The time is
//! the device's claim. Four things bound it: it is not after the block that records it, nor before it by more than the
//! window of its kind; it does not run back from one counter to the next; and it is not before the **mark**, the log index
//! of the newest record of this device that the device had heard of, whose block time the chain knows. The counter rises
//! with every statement that is recorded; what is left out on the way is lost.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{self, Canonical, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::{Domain, Hash, PublicKey, SecretKey, Signature};
use dalil_ledger::document::OfficeId;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::key::{KeyHolder, key_record};
use crate::authority::office::office_record;
use crate::authority::{PostingId, Role, authorise_role};
use crate::context::{Context, Outcome};
use crate::mineral::keys::{device_key, device_mark_key};
use crate::mineral::types::subject;
use crate::refusal::{OrReject as _, Refusal, require};

/// A device: its public key.
pub type DeviceId = PublicKey;

/// Registers a device at an office, or moves it to another one of the department.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDevice {
    /// The device's key, registered by the department.
    #[schemars(with = "String")]
    pub device: DeviceId,
    /// The office at which it serves.
    #[schemars(with = "String")]
    pub office: OfficeId,
}

/// A device as the chain knows it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Device {
    /// The department that answers for it.
    pub department: DepartmentId,
    /// The office at which it serves.
    pub office: OfficeId,
    /// Counter of its newest statement on record.
    pub counter: u64,
    /// Claimed time of that statement, UTC milliseconds; at first the time of its registration.
    pub observed_at_ms: u64,
    /// The mark that this statement named.
    pub mark: u64,
}

/// The device's signature under a statement and what orders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The device.
    #[schemars(with = "String")]
    pub device: DeviceId,
    /// Higher than that of every statement before.
    pub counter: u64,
    /// Log index of the newest record of this device that it had heard of.
    pub mark: u64,
    /// Over counter, mark and content, for this chain.
    #[schemars(with = "String")]
    pub signature: Signature,
}

/// What a statement is about; a seal for one purpose never serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub enum Purpose {
    /// A check on the road.
    Check,
    /// A challan issued off the network.
    Challan,
}

/// What stands before the content under the signature.
#[derive(SchemaWrite, SchemaRead)]
struct Heading {
    purpose: Purpose,
    counter: u64,
    mark: u64,
}

fn sign_bytes<T: Canonical>(purpose: Purpose, counter: u64, mark: u64, content: &T) -> Vec<u8> {
    [codec::encode(&Heading { purpose, counter, mark }), codec::encode(content)].concat()
}

impl Seal {
    /// Seals `content` with the device's key.
    pub fn new<T: Canonical>(
        key: &SecretKey,
        chain: &Hash,
        purpose: Purpose,
        (counter, mark): (u64, u64),
        content: &T,
    ) -> Self {
        let signature = key.sign(Domain::Statement, chain, &sign_bytes(purpose, counter, mark, content));
        Self { device: key.public(), counter, mark, signature }
    }

    /// The device, if it is registered, its key not revoked (A5), and the signature its own (O1).
    pub(super) fn verify<T: Canonical>(
        &self,
        state: &Overlay<'_>,
        context: &Context<'_>,
        purpose: Purpose,
        content: &T,
    ) -> Result<Device, Refusal> {
        let device = load(state, &self.device)?;
        let revoked = key_record(state, &self.device)?.revoked_at_ms.is_some();
        require(!revoked, "A5", || format!("the key of device {} is revoked", self.device))?;
        let bytes = sign_bytes(purpose, self.counter, self.mark, content);
        let signed = self.device.verify(Domain::Statement, &context.chain, &bytes, &self.signature).is_ok();
        require(signed, "O1", || format!("the statement is not signed by device {}", self.device))?;
        Ok(device)
    }

    /// Takes the verified statement as the device's newest, observed at `observed_at_ms` and heard at most `window_ms`
    /// later (O1).
    pub(super) fn advance(
        &self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        mut device: Device,
        observed_at_ms: u64,
        window_ms: u64,
    ) -> Result<(), Refusal> {
        require(self.counter > device.counter, "O1", || {
            format!("counter {}; the device's last statement has {}", self.counter, device.counter)
        })?;
        let marked_at_ms: Option<u64> = state.get_value(&device_mark_key(&self.device, self.mark))?;
        let marked_at_ms = marked_at_ms
            .or_reject("O1", || format!("entry {} of the log is no record of device {}", self.mark, self.device))?;
        require(self.mark >= device.mark, "O1", || {
            format!("mark {}; the device's last statement names {}, a later record", self.mark, device.mark)
        })?;
        let earliest_ms = marked_at_ms.max(device.observed_at_ms);
        require(observed_at_ms >= earliest_ms, "O1", || {
            format!("observed at {observed_at_ms}; the device had said or heard something at {earliest_ms} already")
        })?;
        require(observed_at_ms <= context.time_ms, "O1", || {
            "what a device observed cannot lie in the future".to_owned()
        })?;
        require(context.time_ms - observed_at_ms <= window_ms, "O1", || {
            format!("a statement of this kind must reach the ledger within {} minutes", window_ms / 60_000)
        })?;
        device = Device { counter: self.counter, observed_at_ms, mark: self.mark, ..device };
        state.put_value(device_key(&self.device), &device);
        mark(state, context, &self.device);
        Ok(())
    }
}

/// The device, refused with O1 if there is none.
pub(super) fn load(state: &Overlay<'_>, id: &DeviceId) -> Result<Device, Refusal> {
    state.get_value(&device_key(id))?.or_reject("O1", || format!("no device {id} is registered"))
}

/// Notes that this record is about the device, so that later statements may name it as their mark.
pub(super) fn mark(state: &mut Overlay<'_>, context: &Context<'_>, id: &DeviceId) {
    state.put_value(device_mark_key(id, context.record), &context.time_ms);
}

pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RegisterDevice,
) -> Result<Outcome, Refusal> {
    let acting = authorise_role(state, context, posting, &[Role::DepartmentAdmin])?;
    let own = &acting.office.department;
    let office = office_record(state, &call.office)?;
    require(office.department == *own, "A2", || format!("office {} is not of department {own}", call.office))?;
    let key = key_record(state, &call.device)?;
    require(key.department == *own, "A2", || format!("key {} is not of department {own}", call.device))?;
    require(key.holder == KeyHolder::Device, "A3", || format!("key {} is an officer's or a gateway's", call.device))?;
    require(key.revoked_at_ms.is_none(), "A5", || format!("key {} is revoked", call.device))?;
    let before: Option<Device> = state.get_value(&device_key(&call.device))?;
    let fresh = Device {
        department: own.clone(),
        office: call.office.clone(),
        counter: 0,
        observed_at_ms: context.time_ms,
        mark: context.record,
    };
    let device = before.map_or(fresh, |before| Device { office: call.office.clone(), ..before });
    state.put_value(device_key(&call.device), &device);
    mark(state, context, &call.device);
    let mut outcome = acting.outcome();
    outcome.event("mineral.device_registered", subject("device", call.device));
    Ok(outcome)
}
