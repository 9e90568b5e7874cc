//! Contradictions on record (A9): a consensus key signed two statements at one place, and everybody can see it.
//!
//! Evidence proves itself, so its record needs no office: it is made under [`ANYBODY`] and signed by any key. If it took
//! a posting, a department could keep its own fault off the chain by doing nothing, and a node would have to hold an
//! officer's key to report what it saw. What stands against a flood is not who signs but what is accepted: only a
//! validator's key can contradict itself, once a height, at heights that have been, and [`CONTRADICTIONS_MAX`] times in
//! all. So the chain carries no more than a bounded number of these records for each key that ever voted.
//!
//! A record is a fact and no punishment: departments judge it, and replace a validator by vote.

use dalil_ledger::block::{DepartmentId, Height};
use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::state::{Overlay, StateError, StateView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consensus_keys::{ConsensusKey, consensus_key_key};
use super::posting::PostingId;
use crate::context::{Context, Outcome, token};
use crate::list;
use crate::refusal::{OrReject as _, Refusal, reject, require};

/// What stands in place of a posting in a record that proves itself. No posting has this name: theirs begin with their
/// department's and a slash.
pub const ANYBODY: &str = "anybody";

/// At how many heights one key is recorded to have contradicted itself. More would prove nothing new.
pub const CONTRADICTIONS_MAX: u32 = 64;

/// A contradiction on record.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct RecordedEvidence {
    /// The department whose validator held the key.
    pub department: DepartmentId,
    /// Log index of the record.
    pub record: u64,
    /// The proof.
    pub evidence: Evidence,
}

/// State keys of recorded evidence begin with this.
pub const EVIDENCE_PREFIX: &str = "auth/evidence/";

/// State key of the evidence against a consensus key at a height.
pub fn evidence_key(key: &PublicKey, height: Height) -> Vec<u8> {
    format!("{EVIDENCE_PREFIX}{key}/{height}").into_bytes()
}

/// The list of all contradictions on record, as the places, key and height, of their evidence.
const CONTRADICTIONS: &str = "auth/contradictions";

/// All contradictions on record, in the order of their records.
pub fn recorded(state: &dyn StateView) -> Result<Vec<RecordedEvidence>, StateError> {
    let places: Vec<(PublicKey, Height)> = list::read(state, CONTRADICTIONS, 0, u64::MAX)?;
    let state = Overlay::new(state);
    let missing = |key, height| StateError(format!("evidence against {key} at height {height} is not in the state"));
    let evidence = |(key, height)| state.get_value(&evidence_key(&key, height))?.ok_or_else(|| missing(key, height));
    places.into_iter().map(evidence).collect()
}

/// The consensus key that evidence at `height` speaks of, if it was in the set of that height and nothing higher than
/// `next`, the height being decided, is spoken of (A9).
pub fn accused(state: &Overlay<'_>, key: &PublicKey, height: Height, next: Height) -> Result<ConsensusKey, Refusal> {
    require(height <= next, "A9", || format!("height {height} is still to come; the present one is {next}"))?;
    let known: Option<ConsensusKey> = state.get_value(&consensus_key_key(key))?;
    known
        .filter(|known| known.voted_at(height))
        .or_reject("A9", || format!("key {key} was no validator's consensus key at height {height}"))
}

/// Refuses with A9 if evidence against `key` at `height` would not be recorded any more.
pub fn require_open(
    state: &Overlay<'_>,
    key: &PublicKey,
    height: Height,
    accused: &ConsensusKey,
) -> Result<(), Refusal> {
    require(state.get(&evidence_key(key, height))?.is_none(), "A9", || {
        format!("it is on record that key {key} contradicted itself at height {height}")
    })?;
    require(accused.contradictions < CONTRADICTIONS_MAX, "A9", || {
        format!(
            "it is on record that key {key} contradicted itself at {CONTRADICTIONS_MAX} heights; more prove nothing"
        )
    })
}

/// Records that a key contradicted itself (A9).
pub(super) fn record(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    evidence: &Evidence,
) -> Result<Outcome, Refusal> {
    require(posting.as_str() == ANYBODY, "A9", || {
        format!("evidence proves itself and needs no posting: name {ANYBODY:?} in its place")
    })?;
    let (key, height) = (evidence.key, evidence.height());
    let accused = accused(state, &key, height, context.height)?;
    require_open(state, &key, height, &accused)?;
    if let Err(error) = evidence.verify(&context.chain) {
        return reject("A9", format!("the evidence proves nothing: {error}"));
    }
    let department = accused.department.clone();
    let mut outcome = Outcome::default();
    outcome.event("authority.contradiction_recorded", token(format!("consensus-key/{key}"))?);
    outcome.about(token(format!("department/{department}"))?);
    let contradictions = accused.contradictions.saturating_add(1);
    state.put_value(consensus_key_key(&key), &ConsensusKey { contradictions, ..accused });
    let recorded = RecordedEvidence { department, record: context.record, evidence: *evidence };
    state.put_value(evidence_key(&key, height), &recorded);
    list::push(state, CONTRADICTIONS, &(key, height))?;
    Ok(outcome)
}

/// The JSON of [`Evidence`], which lives below this crate and knows no schema.
#[derive(JsonSchema)]
#[schemars(rename = "Evidence", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct EvidenceShape {
    /// The consensus key that contradicted itself.
    key: String,
    /// The statement whose sign-bytes are the lower ones.
    first: SignedShape,
    /// The other statement.
    second: SignedShape,
}

#[derive(JsonSchema)]
#[schemars(rename = "SignedStatement", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct SignedShape {
    /// What was signed.
    statement: StatementShape,
    /// The signature.
    signature: String,
}

#[derive(JsonSchema)]
#[schemars(rename = "Statement", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
enum StatementShape {
    /// A proposal.
    Proposal(ProposalShape),
    /// A prevote or precommit.
    Vote { kind: VoteShape, subject: SubjectShape },
}

#[derive(JsonSchema)]
#[schemars(rename = "Proposal", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct ProposalShape {
    height: u64,
    round: u32,
    block: String,
    valid_round: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(rename = "VoteKind", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum VoteShape {
    Prevote,
    Precommit,
}

#[derive(JsonSchema)]
#[schemars(rename = "VoteSubject", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct SubjectShape {
    height: u64,
    round: u32,
    block: Option<String>,
}
