//! The order in which an officer judges: signature, time, plate, the book, weight. The first that fails is the answer;
//! what was seen is recorded in every case.

use dalil_ledger::codec::Set;
use dalil_ledger::crypto::Hash;
use dalil_ledger::qr::Slip;
use serde::Serialize;

use super::book::{Book, ListedChallan, ListedIssuer, ListedRange};
use super::slip::{ChallanSlip, Plate};
use crate::mineral::challan::Stage;
use crate::mineral::check::{CheckChallan, CheckPlace, CheckpostId, Finding};
use crate::mineral::geo::{distance_min_m, is_too_far};
use crate::mineral::range;
use crate::mineral::types::{RangeId, VehicleId};
use crate::units::{Kilograms, MINUTE_MS};

/// How long a truck stands at a post at most, in milliseconds: within it an officer may scan again.
pub const STOP_MS_MAX: u64 = 15 * MINUTE_MS;

/// Whether the officer says that the truck in front of the barrier is the one scanned just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A truck that has just come.
    New,
    /// The one that still stands here, scanned again within [`STOP_MS_MAX`].
    Same,
}

/// The answer at the barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In force, proven within the oldest age that counts for a challan.
    Valid,
    /// Nothing speaks against it, as of the time when the checkpost last heard of the ledger.
    ValidOffline,
    /// Not to be let through.
    Invalid,
    /// The checkpost itself cannot judge: its bundle is too old, or its clock is wrong.
    CouldNotCheck,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// On record and in force.
    InForce,
    /// Issued since the checkpost last heard of the ledger, if the issuer is to be believed.
    IssuedSince,
    /// A number of a range that may have been issued off the network and is not on record yet.
    Pending,
    /// The bundle is older than the checkpost works with.
    StaleBundle,
    /// The clock stands before the bundle's time.
    ClockBehind,
    /// The code is of something else than a challan.
    NotAChallan,
    /// The truck shows no challan at all.
    NothingShown,
    /// No key that the bundle lists for this site has this id.
    UnknownIssuer,
    /// Of a listed key by its id, but the key did not sign it: forged or altered.
    BadSignature,
    /// The key speaks for another lease or stockyard, or a device for numbers that are not of its range.
    OtherSite,
    /// The key was revoked, or its time is over, and the challan is not on record.
    IssuerEnded,
    /// Before its validity.
    NotYetValid,
    /// After its validity.
    Expired,
    /// The plate in front of the barrier is not the challan's.
    OtherVehicle,
    /// The plate in the code is not the one on record.
    RecordDiffers,
    /// It should have been on record when the checkpost last heard of the ledger, and was not.
    NotOnRecord,
    /// A number that its range does not have, or a load for which nothing is left in it.
    RangeUsedUp,
    /// Delivered or redeemed: used up.
    Consumed,
    /// Another vehicle took the load over.
    Transhipped,
    /// Withdrawn, or lapsed without passing the gate.
    Cancelled,
    /// Held by an enforcement officer.
    Seized,
    /// On record as void: issued off the network against a rule.
    Void,
    /// The same plate was seen where this truck cannot have been: two trucks show one plate.
    Clone,
    /// Shown at this post before: two trucks with one plate, or a second journey on one challan.
    ShownBefore,
    /// Heavier than the vehicle may be.
    Overload,
}

/// The truck in front of the barrier.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// The plate that the officer reads.
    pub plate: &'a Plate,
    /// Its vehicle id.
    pub vehicle: VehicleId,
    /// Where.
    pub place: &'a CheckPlace,
    /// The device's clock, UTC milliseconds.
    pub now_ms: u64,
    /// Vehicle and load as weighed, kg.
    pub gross_kg: Option<Kilograms>,
    /// Whether it was scanned just before.
    pub stop: Stop,
    /// Checks that this device made.
    pub journal: &'a [CheckChallan],
}

/// An earlier check of the same challan by this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Earlier {
    /// When, UTC milliseconds.
    pub observed_at_ms: u64,
    /// Where.
    pub post: CheckpostId,
    /// Whether the same vehicle showed it.
    pub same_vehicle: bool,
}

/// What to make of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The time as of which the book speaks, UTC milliseconds.
    pub as_of_ms: u64,
    /// The newest check of the same challan that this device made before.
    pub earlier: Option<Earlier>,
    /// What checks on record had found when the checkpost last heard of the ledger.
    pub alerts: Set<Finding>,
}

/// Judges the slip of a challan. `as_of_ms` is the time as of which `book` speaks; a book older than `age_max_ms` says
/// nothing any more.
pub fn judge(
    slip: &Slip,
    chain: &Hash,
    (book, as_of_ms): (&Book, u64),
    age_max_ms: u64,
    scene: &Scene<'_>,
) -> Judgement {
    let said = ChallanSlip::read(slip).ok();
    let listed = said.as_ref().and_then(|said| book.challans.get(&said.number));
    let found = match &said {
        None => Err(Reason::NotAChallan),
        Some(said) => {
            let case = Case { slip, said, listed, book, chain, as_of_ms, scene };
            case.fresh(age_max_ms).and_then(|()| case.find())
        }
    };
    let age_ms = scene.now_ms.saturating_sub(as_of_ms);
    let (verdict, reason) = match found {
        Err(reason @ (Reason::StaleBundle | Reason::ClockBehind)) => (Verdict::CouldNotCheck, reason),
        Err(reason) => (Verdict::Invalid, reason),
        Ok(Reason::InForce) if listed.is_some_and(|listed| age_ms <= listed.status_age_max_ms) => {
            (Verdict::Valid, Reason::InForce)
        }
        Ok(reason) => (Verdict::ValidOffline, reason),
    };
    let earlier = said.as_ref().and_then(|said| {
        let mut same = scene.journal.iter().rev().filter(|check| check.challan.as_ref() == Some(&said.number));
        let last = same.next()?;
        let (observed_at_ms, post) = (last.observed_at_ms, last.place.post.clone());
        Some(Earlier { observed_at_ms, post, same_vehicle: last.vehicle == scene.vehicle })
    });
    let alerts = listed.map(|listed| listed.alerts.clone()).unwrap_or_default();
    Judgement { verdict, reason, as_of_ms, earlier, alerts }
}

/// A challan that is being judged.
struct Case<'a> {
    slip: &'a Slip,
    said: &'a ChallanSlip,
    listed: Option<&'a ListedChallan>,
    book: &'a Book,
    chain: &'a Hash,
    as_of_ms: u64,
    scene: &'a Scene<'a>,
}

impl Case<'_> {
    /// Whether the book and the clock are good for anything.
    fn fresh(&self, age_max_ms: u64) -> Result<(), Reason> {
        // Cosigners' clocks may run ahead by seconds; a minute is a wrong clock.
        if self.scene.now_ms.saturating_add(MINUTE_MS) < self.as_of_ms {
            return Err(Reason::ClockBehind);
        }
        let stale = self.scene.now_ms.saturating_sub(self.as_of_ms) > age_max_ms;
        if stale { Err(Reason::StaleBundle) } else { Ok(()) }
    }

    fn find(&self) -> Result<Reason, Reason> {
        self.signature()?;
        self.time()?;
        self.plate()?;
        let standing = self.book()?;
        self.journal()?;
        self.weight()?;
        Ok(standing)
    }

    /// Signed by a key that the book lists for this site.
    fn signature(&self) -> Result<(), Reason> {
        let known = self.book.issuers.get(&self.slip.body.issuer).ok_or(Reason::UnknownIssuer)?;
        let signed = |issuer: &&ListedIssuer| self.slip.verify(&issuer.key, self.chain).is_ok();
        let mut signers = known.iter().filter(signed).peekable();
        signers.peek().ok_or(Reason::BadSignature)?;
        let issuer = signers.find(|issuer| self.is_spoken_for_by(issuer)).ok_or(Reason::OtherSite)?;
        // What it signed before its end stands, and only the record shows that it was before.
        let from_ms = self.said.valid_from_ms;
        let in_time = issuer.revoked_at_ms.is_none()
            && issuer.from_ms <= from_ms.saturating_add(self.book.rules.start_window_ms)
            && issuer.until_ms.is_none_or(|until| from_ms.saturating_sub(self.book.rules.start_window_ms) < until);
        if in_time || self.listed.is_some() { Ok(()) } else { Err(Reason::IssuerEnded) }
    }

    /// Its range, if the book lists it, and the serial within it.
    fn range(&self) -> Option<(RangeId, u32, &ListedRange)> {
        let (id, serial) = range::split(&self.said.number)?;
        let range = self.book.ranges.get(&id)?;
        Some((id, serial, range))
    }

    /// A device speaks for the numbers of its range. Until such a number is on record, nobody else does.
    fn is_spoken_for_by(&self, issuer: &ListedIssuer) -> bool {
        let of_range = self.range().map(|(id, ..)| id);
        issuer.site == self.said.site
            && match &issuer.range {
                Some(own) => of_range.as_ref() == Some(own),
                None => of_range.is_none() || self.listed.is_some(),
            }
    }

    /// The record's end counts where it is known, for it may have been extended.
    fn time(&self) -> Result<(), Reason> {
        let until_ms = self.listed.map_or(self.said.valid_until_ms, |listed| listed.valid_until_ms);
        if self.scene.now_ms < self.said.valid_from_ms {
            return Err(Reason::NotYetValid);
        }
        if self.scene.now_ms < until_ms { Ok(()) } else { Err(Reason::Expired) }
    }

    fn plate(&self) -> Result<(), Reason> {
        if self.said.plate != *self.scene.plate {
            return Err(Reason::OtherVehicle);
        }
        let same = self.listed.is_none_or(|listed| listed.vehicle == self.scene.vehicle);
        if same { Ok(()) } else { Err(Reason::RecordDiffers) }
    }

    /// What the ledger knew.
    fn book(&self) -> Result<Reason, Reason> {
        let Some(listed) = self.listed else { return self.unlisted() };
        if listed.site != self.said.site {
            return Err(Reason::RecordDiffers);
        }
        match listed.stage {
            _ if listed.alerts.contains(&Finding::Void) => Err(Reason::Void),
            Stage::Reserved | Stage::InTransit => Ok(Reason::InForce),
            Stage::Seized => Err(Reason::Seized),
            Stage::Cancelled | Stage::Lapsed => Err(Reason::Cancelled),
            Stage::Transhipped => Err(Reason::Transhipped),
            Stage::Delivered | Stage::DeliveredLate | Stage::Redeemed => Err(Reason::Consumed),
        }
    }

    fn unlisted(&self) -> Result<Reason, Reason> {
        if let Some((_, serial, range)) = self.range() {
            let has_number = (1..=range.count).contains(&serial);
            if has_number && self.as_of_ms >= range.sync_until_ms {
                return Err(Reason::NotOnRecord);
            }
            let has_room = self.said.mass_kg <= range.free_kg;
            return if has_number && has_room { Ok(Reason::Pending) } else { Err(Reason::RangeUsedUp) };
        }
        let issued_by_ms = self.said.valid_from_ms.saturating_add(self.book.rules.start_window_ms);
        if issued_by_ms < self.as_of_ms { Err(Reason::NotOnRecord) } else { Ok(Reason::IssuedSince) }
    }

    /// Two trucks with one plate, or two journeys on one challan. A challan shown before on *another* vehicle is no fault of
    /// the vehicle that it was issued for; the judgement tells of it ([`Judgement::earlier`]).
    fn journal(&self) -> Result<(), Reason> {
        let Scene { vehicle, place, now_ms, journal, stop, .. } = self.scene;
        let rules = &self.book.rules;
        let apart_ms = |check: &CheckChallan| now_ms.abs_diff(check.observed_at_ms);
        let mut seen = journal.iter().filter(|check| check.vehicle == *vehicle);
        let elsewhere = |check: &CheckChallan| {
            let time_ms = apart_ms(check).saturating_add(rules.clone_slack_ms);
            is_too_far(distance_min_m(check.place.point, place.point), time_ms, rules.clone_speed_kmph)
        };
        if seen.clone().any(elsewhere) {
            return Err(Reason::Clone);
        }
        let again = |check: &CheckChallan| {
            let same_stop = *stop == Stop::Same && apart_ms(check) <= STOP_MS_MAX;
            check.challan.as_ref() == Some(&self.said.number) && check.place.post == place.post && !same_stop
        };
        if seen.any(again) { Err(Reason::ShownBefore) } else { Ok(()) }
    }

    fn weight(&self) -> Result<(), Reason> {
        let limit = self.listed.and_then(|listed| listed.gross_max_kg);
        let over = self.scene.gross_kg.zip(limit).is_some_and(|(gross, limit)| gross > limit);
        if over { Err(Reason::Overload) } else { Ok(()) }
    }
}
