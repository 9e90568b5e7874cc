//! Permissions for loudspeakers: an office grants one for a few days of a festival, and may take it back.
//!
//! S1 a permission is for days to come, and for at most so many† · S2 at one place only one permission is in force ·
//! S3 the granting office or court entry takes it back, citing an order.

use dalil_contracts::authority::parameters::parameter_u64;
use dalil_contracts::authority::{Place, PostingId, Role, authorise};
use dalil_contracts::context::{Context, Outcome};
use dalil_contracts::refusal::{Refusal, require};
use dalil_contracts::registry::{self, Change, NewDocument};
use dalil_contracts::units::{DAY_MS, HOUR_MS};
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Provenance, Standing, SubjectId, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameter: the longest permission, in days.
pub const DAYS_MAX: &str = "loudspeaker/days_max";
/// The oldest checkpoint that proves a permission's present status, in milliseconds.
const STATUS_AGE_MAX_MS: u64 = HOUR_MS;

/// A ground as the municipality numbers it, such as `maidan-7`.
pub type GroundId = Token<32>;

/// What is done about loudspeakers.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LoudspeakerCall {
    /// Grants a permission.
    Grant(Grant),
    /// Takes a permission back from now on.
    TakeBack {
        /// The permission.
        #[schemars(with = "String")]
        uri: Uri,
        /// Digest of the order.
        #[schemars(with = "String")]
        order: Hash,
    },
}

/// A permission to be granted.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// `in.gov.wb.<dept>-SOUND-<id>`, the id with at least 64 random bits.
    #[schemars(with = "String")]
    pub uri: Uri,
    /// SHA-256 of the file, which holds a 256-bit nonce.
    #[schemars(with = "String")]
    pub digest: Hash,
    /// Where.
    pub place: Place,
    /// The ground.
    #[schemars(with = "String")]
    pub ground: GroundId,
    /// Commitment to who holds it.
    #[schemars(with = "String")]
    pub holder: SubjectId,
    /// First moment, UTC milliseconds.
    pub from_ms: u64,
    /// End (exclusive), UTC milliseconds.
    pub until_ms: u64,
}

/// What the room keeps of a permission beside its registry entry.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
struct Permission {
    place: Place,
    ground: GroundId,
}

fn permission_key(uri: &Uri) -> Vec<u8> {
    format!("loudspeaker/permission/{uri}").into_bytes()
}

/// State key of the latest permission of a ground.
fn ground_key(place: &Place, ground: &GroundId) -> Vec<u8> {
    format!("loudspeaker/ground/{}/{ground}", place.district).into_bytes()
}

/// Applies a call.
pub fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &LoudspeakerCall,
) -> Result<Outcome, Refusal> {
    match call {
        LoudspeakerCall::Grant(new) => grant(state, context, posting, new),
        LoudspeakerCall::TakeBack { uri, order } => take_back(state, context, posting, uri, order),
    }
}

fn grant(state: &mut Overlay<'_>, context: &Context<'_>, posting: &PostingId, new: &Grant) -> Result<Outcome, Refusal> {
    let acting = authorise(state, context, posting, &[Role::Sdo], &new.place)?;
    let days = parameter_u64(state, context, DAYS_MAX)?;
    require(context.time_ms <= new.from_ms, "S1", || "a permission is for days to come".to_owned())?;
    require(new.until_ms <= new.from_ms.saturating_add(days.saturating_mul(DAY_MS)), "S1", || {
        format!("a permission is for at most {days} days")
    })?;
    let ground = ground_key(&new.place, &new.ground);
    if let Some(before) = state.get_value::<Uri>(&ground)? {
        let entry = registry::entry(state, &before)?;
        let over =
            entry.standing_at(context.time_ms) != Standing::Active || entry.ends_at_ms(u64::MAX) <= Some(new.from_ms);
        require(over, "S2", || format!("{} has permission {before} in these days", new.ground))?;
    }
    let document = NewDocument {
        uri: new.uri.clone(),
        digest: new.digest,
        kind: dalil_contracts::context::token("SOUND")?,
        subject: new.holder.clone(),
        valid_from_ms: new.from_ms,
        valid_until_ms: Some(new.until_ms),
        claims_root: None,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        status_age_max_ms: STATUS_AGE_MAX_MS,
    };
    registry::issue(state, context, acting.issuer(), document)?;
    state.put_value(ground, &new.uri);
    state.put_value(permission_key(&new.uri), &Permission { place: new.place.clone(), ground: new.ground.clone() });
    let mut outcome = acting.outcome();
    outcome.event("loudspeaker.granted", registry::subject_of(&new.uri)?);
    outcome.about(new.holder.clone());
    Ok(outcome)
}

fn take_back(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    uri: &Uri,
    order: &Hash,
) -> Result<Outcome, Refusal> {
    let entry = registry::entry(state, uri)?;
    let permission: Option<Permission> = state.get_value(&permission_key(uri))?;
    let Some(permission) = permission else {
        return dalil_contracts::refusal::reject("D2", format!("{uri} is no permission for loudspeakers"));
    };
    let acting = authorise(state, context, posting, &[Role::Sdo, Role::CourtEntry], &permission.place)?;
    let may = acting.posting.role == Role::CourtEntry || acting.office.id == entry.issuer.office;
    require(may, "S3", || format!("only office {} or court entry takes {uri} back", entry.issuer.office))?;
    require(*order != Hash::ZERO, "S3", || "taking a permission back cites an order".to_owned())?;
    let reason = dalil_contracts::context::token("taken_back")?;
    let change = Change { standing: Standing::Revoked, effective_from_ms: context.time_ms, reason };
    registry::change(state, context, uri, &change, |from, to| (from, to) == (Standing::Active, Standing::Revoked))?;
    let mut outcome = acting.outcome();
    outcome.event("loudspeaker.taken_back", registry::subject_of(uri)?);
    Ok(outcome)
}
