//! What the ledger says of challans, their issuers and ranges at one head: a pure function of the state, so that node and
//! checkpost read the same and the checkpost needs nobody's word for it.

use std::collections::BTreeMap;

use dalil_ledger::codec::Set;
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::document::{DocumentEntry, document_key};
use dalil_ledger::qr::IssuerKeyId;
use dalil_ledger::state::{Overlay, StateError, StateView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::key::key_key;
use crate::authority::office::office_key;
use crate::authority::place::LeaseId;
use crate::authority::posting::posting_key;
use crate::authority::{Jurisdiction, KeyRecord, OfficeRecord, Posting, PostingId, Role};
use crate::context::Context;
use crate::mineral::challan::{self, Challan, Stage};
use crate::mineral::check::{Checks, Finding};
use crate::mineral::device::{Device, DeviceId};
use crate::mineral::keys::{checks_key, device_key, range_key};
use crate::mineral::parameters::{
    CLONE_SLACK_MIN, CLONE_SPEED_KMPH, VALIDITY_START_WINDOW_MIN, minutes_ms, speed_kmph,
};
use crate::mineral::range::Range;
use crate::mineral::types::{ChallanNumber, RangeId, VehicleId};
use crate::mineral::vehicle;
use crate::refusal::{Refusal, Reject, require};
use crate::units::Kilograms;

/// The most challans of one question: with all that they lead to they fit one register receipt.
pub const CHALLANS_MAX: usize = 256;
/// The most ranges of one question.
pub const RANGES_MAX: usize = 32;
/// The most postings of one question.
pub const POSTINGS_MAX: usize = 16;

/// What is asked of the state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BookQuestion {
    /// Time of asking, UTC milliseconds: offices and parameters are read as at this time.
    pub asked_at_ms: u64,
    /// Challans.
    #[serde(default)]
    pub challans: Vec<ChallanNumber>,
    /// Ranges of numbers for challans issued off the network.
    #[serde(default)]
    pub ranges: Vec<RangeId>,
    /// Postings of lessees' and stockyards' agents, for keys that have not issued lately.
    #[serde(default)]
    pub postings: Vec<PostingId>,
    /// The checkpost's own device: counter and mark of its newest statement.
    #[serde(default)]
    pub device: Option<DeviceId>,
}

/// A challan as the ledger knew it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedChallan {
    /// Its vehicle.
    pub vehicle: VehicleId,
    /// The lease or stockyard that it leaves.
    pub site: LeaseId,
    /// End of validity with extensions (exclusive), UTC milliseconds.
    pub valid_until_ms: u64,
    /// Stage.
    pub stage: Stage,
    /// When it ended, UTC milliseconds.
    pub ended_at_ms: Option<u64>,
    /// The heaviest that vehicle and load may be, kg; none for a vehicle that is not registered any more.
    pub gross_max_kg: Option<Kilograms>,
    /// How many checks of it were on record.
    pub checks: u32,
    /// What they found.
    pub alerts: Set<Finding>,
    /// The oldest proof of a present status of this kind, in milliseconds.
    pub status_age_max_ms: u64,
}

/// A key that may sign slips for a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedIssuer {
    /// The key.
    pub key: PublicKey,
    /// The lease or stockyard for whose challans it speaks, and for no other's.
    pub site: LeaseId,
    /// The range to whose numbers the word of a device off the network is limited; none for agents and gateways.
    pub range: Option<RangeId>,
    /// From when on, UTC milliseconds.
    pub from_ms: u64,
    /// Until when (exclusive), UTC milliseconds.
    pub until_ms: Option<u64>,
    /// When it was revoked, UTC milliseconds.
    pub revoked_at_ms: Option<u64>,
}

/// A range of numbers for a gate without a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedRange {
    /// Time until which its challans may reach the ledger (exclusive), UTC milliseconds.
    pub sync_until_ms: u64,
    /// How many numbers it has.
    pub count: u32,
    /// What is left of it for numbers that are not on record, kg.
    pub free_kg: Kilograms,
}

/// Parameters that a checkpost judges by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// How far a challan's start may lie from its issue, in milliseconds (M6).
    pub start_window_ms: u64,
    /// Doubt in the times of two checks, in milliseconds (M14).
    pub clone_slack_ms: u64,
    /// Speed that no truck exceeds on the straight line, km/h (M14).
    pub clone_speed_kmph: u64,
}

/// What the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Book {
    /// Challans on record; one that was asked about and is missing is not.
    pub challans: BTreeMap<ChallanNumber, ListedChallan>,
    /// Keys by their id. Two keys of one id are told apart by their signatures.
    pub issuers: BTreeMap<IssuerKeyId, Vec<ListedIssuer>>,
    /// Ranges.
    pub ranges: BTreeMap<RangeId, ListedRange>,
    /// The device asked about, if it is registered.
    pub device: Option<Device>,
    /// Parameters in force.
    pub rules: Rules,
}

impl BookQuestion {
    /// What the state says, or why it says nothing: a parameter is missing, or more is asked than fits one receipt.
    pub fn answer(&self, state: &dyn StateView) -> Result<Result<Book, Reject>, StateError> {
        match self.read(&Overlay::new(state)) {
            Ok(book) => Ok(Ok(book)),
            Err(Refusal::Rule(reject)) => Ok(Err(reject)),
            Err(Refusal::State(error)) => Err(error),
        }
    }

    fn read(&self, state: &Overlay<'_>) -> Result<Book, Refusal> {
        let counts = [
            ("challans", self.challans.len(), CHALLANS_MAX),
            ("ranges", self.ranges.len(), RANGES_MAX),
            ("postings", self.postings.len(), POSTINGS_MAX),
        ];
        for (what, got, max) in counts {
            require(got <= max, "O1", || format!("{got} {what} asked, at most {max} in one question"))?;
        }
        // Only the time is read.
        let (chain, signer) = (Hash::ZERO, PublicKey([0; 32]));
        let context = Context { chain, height: 0, time_ms: self.asked_at_ms, record: 0, signer, attachments: &[] };
        let rules = Rules {
            start_window_ms: minutes_ms(state, &context, VALIDITY_START_WINDOW_MIN)?,
            clone_slack_ms: minutes_ms(state, &context, CLONE_SLACK_MIN)?,
            clone_speed_kmph: speed_kmph(state, &context, CLONE_SPEED_KMPH)?,
        };
        let device = self.device.as_ref().map(|id| state.get_value(&device_key(id))).transpose()?.flatten();
        let (challans, issuers, ranges) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut book = Book { challans, issuers, ranges, device, rules };
        for number in &self.challans {
            book.read_challan(state, &context, number)?;
        }
        for id in &self.ranges {
            book.read_range(state, id)?;
        }
        for id in &self.postings {
            book.read_posting(state, &context, id)?;
        }
        Ok(book)
    }
}

impl Book {
    /// Takes in what another question was answered, which is the newer word where both know of something.
    pub fn merge(&mut self, newer: Self) {
        self.challans.extend(newer.challans);
        self.ranges.extend(newer.ranges);
        for issuer in newer.issuers.into_values().flatten() {
            self.add_issuer(issuer);
        }
        self.device = newer.device.or(self.device.take());
        self.rules = newer.rules;
    }

    /// An issuer may be found in several ways: by its posting, by a challan. The later word on a key and what it speaks for
    /// counts, and the wider time.
    fn add_issuer(&mut self, issuer: ListedIssuer) {
        let known = self.issuers.entry((&issuer.key).into()).or_default();
        let same = |known: &&mut ListedIssuer| {
            (&known.key, &known.site, &known.range) == (&issuer.key, &issuer.site, &issuer.range)
        };
        match known.iter_mut().find(same) {
            None => known.push(issuer),
            Some(known) => {
                known.from_ms = known.from_ms.min(issuer.from_ms);
                known.until_ms = known.until_ms.zip(issuer.until_ms).map(|(known, new)| known.max(new));
                known.revoked_at_ms = known.revoked_at_ms.or(issuer.revoked_at_ms);
            }
        }
    }

    fn read_challan(
        &mut self,
        state: &Overlay<'_>,
        context: &Context<'_>,
        number: &ChallanNumber,
    ) -> Result<(), Refusal> {
        let Some(challan) = challan::find(state, number)? else { return Ok(()) };
        let document: Option<DocumentEntry> = state.get_value(&document_key(&challan.uri))?;
        let document = document.ok_or_else(|| StateError(format!("challan {number} has no document")))?;
        let truck = vehicle::find(state, &challan.issued.vehicle)?;
        let gross_max_kg = truck.map(|truck| vehicle::gross_limit(state, context, &truck)).transpose()?;
        let checks: Checks = state.get_value(&checks_key(number))?.unwrap_or_default();
        let office: Option<OfficeRecord> = state.get_value(&office_key(&document.issuer.office))?;
        if office.is_some_and(|office| is_bound(&office, context, &challan.site)) {
            let key = document.issuer.officer;
            self.read_key(state, key, (&challan.site, None), (0, None))?;
        }
        let Challan { issued, site, valid_until_ms, stage, ended_at_ms, .. } = challan;
        let listed = ListedChallan {
            vehicle: issued.vehicle,
            site,
            valid_until_ms,
            stage,
            ended_at_ms,
            gross_max_kg,
            checks: checks.count,
            alerts: checks.alerts,
            status_age_max_ms: document.status_age_max_ms,
        };
        self.challans.insert(number.clone(), listed);
        Ok(())
    }

    /// A range names the one device that issues from it.
    fn read_range(&mut self, state: &Overlay<'_>, id: &RangeId) -> Result<(), Refusal> {
        let Some(range) = state.get_value::<Range>(&range_key(id))? else { return Ok(()) };
        let window = (range.allocated.from_ms, Some(range.allocated.until_ms));
        self.read_key(state, range.allocated.device, (&range.site, Some(id)), window)?;
        let Range { sync_until_ms, free_kg, .. } = range;
        let listed = ListedRange { sync_until_ms, count: range.allocated.count, free_kg };
        self.ranges.insert(id.clone(), listed);
        Ok(())
    }

    /// An agent of one site, and the gateways that act for it (A7).
    fn read_posting(&mut self, state: &Overlay<'_>, context: &Context<'_>, id: &PostingId) -> Result<(), Refusal> {
        let Some(posting) = state.get_value::<Posting>(&posting_key(id))? else { return Ok(()) };
        let Some(office) = state.get_value::<OfficeRecord>(&office_key(&posting.office))? else { return Ok(()) };
        let Some(Jurisdiction::Lease(site)) = office.jurisdictions.at(context.time_ms) else { return Ok(()) };
        if posting.role != Role::LesseeAgent || !is_bound(&office, context, site) {
            return Ok(());
        }
        for key in [posting.officer].iter().chain(posting.gateways.iter()) {
            self.read_key(state, *key, (site, None), (posting.from_ms, posting.until_ms))?;
        }
        Ok(())
    }

    fn read_key(
        &mut self,
        state: &Overlay<'_>,
        key: PublicKey,
        (site, range): (&LeaseId, Option<&RangeId>),
        (from_ms, until_ms): (u64, Option<u64>),
    ) -> Result<(), Refusal> {
        if let Some(record) = state.get_value::<KeyRecord>(&key_key(&key))? {
            let (site, range, revoked_at_ms) = (site.clone(), range.cloned(), record.revoked_at_ms);
            self.add_issuer(ListedIssuer { key, site, range, from_ms, until_ms, revoked_at_ms });
        }
        Ok(())
    }
}

/// Whether an office is open and bound to exactly this site.
fn is_bound(office: &OfficeRecord, context: &Context<'_>, site: &LeaseId) -> bool {
    let open = office.closed_from_ms.is_none_or(|closed| context.time_ms < closed);
    open && office.jurisdictions.at(context.time_ms) == Some(&Jurisdiction::Lease(site.clone()))
}
