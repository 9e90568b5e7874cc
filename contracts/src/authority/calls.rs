//! Calls by which a department administers its own offices, keys and postings, and votes with the others.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::{PublicKey, Signature};
use dalil_ledger::document::OfficeId;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ballot::{self, BallotId, Choice, Matter};
use super::evidence::{self, EvidenceShape};
use super::key::{self, Holder};
use super::membership::{self, HeadName, MemberSignatures};
use super::office;
use super::place::Jurisdiction;
use super::posting::{self, Acting, NewPosting, PostingId, authorise_role};
use super::role::Role;
use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};

/// What an administrator or a voter may do.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthorityCall {
    /// Opens an office of the administrator's department.
    OpenOffice {
        /// The office's id, which begins with the department's.
        #[schemars(with = "String")]
        office: OfficeId,
        /// Where it may act.
        jurisdiction: Jurisdiction,
    },
    /// Gives an office another jurisdiction.
    ChangeJurisdiction {
        /// The office.
        #[schemars(with = "String")]
        office: OfficeId,
        /// Where it may act.
        jurisdiction: Jurisdiction,
        /// From when on, UTC milliseconds; not in the past.
        from_ms: u64,
    },
    /// Closes an office: nobody acts for it any more, and its id is not used again.
    CloseOffice {
        /// The office.
        #[schemars(with = "String")]
        office: OfficeId,
        /// From when on, UTC milliseconds; not in the past.
        from_ms: u64,
    },
    /// Registers the key of an officer, gateway or device of the administrator's department (A3).
    RegisterKey {
        /// The key.
        #[schemars(with = "String")]
        key: PublicKey,
        /// Whose it is.
        holder: Holder,
    },
    /// Posts an officer.
    PostOfficer(NewPosting),
    /// Ends a posting.
    EndPosting {
        /// The posting.
        #[schemars(with = "String")]
        posting: PostingId,
        /// End (exclusive), UTC milliseconds; not in the past.
        until_ms: u64,
    },
    /// Sets the gateways of a posting from now on (A7).
    SetGateways {
        /// The posting.
        #[schemars(with = "String")]
        posting: PostingId,
        /// Registered keys of gateways that may sign for it.
        #[schemars(with = "Vec<String>")]
        gateways: Set<PublicKey>,
    },
    /// Revokes a key: it signs nothing after this record (A5).
    RevokeKey {
        /// The key.
        #[schemars(with = "String")]
        key: PublicKey,
    },
    /// Casts the department's vote (A8).
    Vote {
        /// The ballot; its first vote opens it.
        #[schemars(with = "String")]
        ballot: BallotId,
        /// What is decided, the same in every vote of the ballot.
        matter: Matter,
        /// Time from which it holds, UTC milliseconds; after the block's time.
        effective_from_ms: u64,
        /// For or against.
        choice: Choice,
    },
    /// The incoming member of a carried change proves that it holds its keys and follows the chain (A3).
    Ready {
        /// The ballot that carried the change.
        #[schemars(with = "String")]
        ballot: BallotId,
        /// A recent block.
        head: HeadName,
        /// Of each key over a [`membership::ReadyStatement`].
        signatures: MemberSignatures,
    },
    /// A member that came into force shows that it follows the chain it decides (A4).
    Joined {
        /// A recent block, of the member's first height or a later one.
        head: HeadName,
        /// Of the consensus key over a [`membership::JoinedStatement`].
        #[schemars(with = "String")]
        signature: Signature,
    },
    /// Puts on record that a consensus key contradicted itself (A9). Made under the posting `anybody`.
    RecordEvidence {
        /// The proof.
        #[schemars(with = "EvidenceShape")]
        evidence: Evidence,
    },
}

/// Applies a call.
pub fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &AuthorityCall,
) -> Result<Outcome, Refusal> {
    match call {
        AuthorityCall::Vote { ballot, matter, effective_from_ms, choice } => {
            ballot::vote(state, context, posting, ballot, (matter, *effective_from_ms), *choice)
        }
        AuthorityCall::Ready { ballot, head, signatures } => {
            membership::ready(state, context, posting, ballot, *head, signatures)
        }
        AuthorityCall::Joined { head, signature } => membership::joined(state, context, posting, *head, signature),
        AuthorityCall::RecordEvidence { evidence } => evidence::record(state, context, posting, evidence),
        AuthorityCall::OpenOffice { office, jurisdiction } => {
            let admin = administrator(state, context, posting)?;
            office::open(state, &admin.office.department, office, jurisdiction)?;
            done(&admin, "authority.office_opened", &format!("office/{office}"))
        }
        AuthorityCall::ChangeJurisdiction { office, jurisdiction, from_ms } => {
            let admin = administrator(state, context, posting)?;
            office::change_jurisdiction(state, context, &admin, office, jurisdiction, *from_ms)?;
            done(&admin, "authority.jurisdiction_changed", &format!("office/{office}"))
        }
        AuthorityCall::CloseOffice { office, from_ms } => {
            let admin = administrator(state, context, posting)?;
            office::close(state, context, &admin, office, *from_ms)?;
            done(&admin, "authority.office_closed", &format!("office/{office}"))
        }
        AuthorityCall::RegisterKey { key, holder } => {
            let admin = administrator(state, context, posting)?;
            key::register(state, context, &admin.office.department, key, holder)?;
            let mut outcome = done(&admin, "authority.key_registered", &format!("key/{key}"))?;
            if let Holder::Officer { replaces: Some(old) } = holder {
                outcome.event("authority.key_replaced", token(format!("key/{old}"))?);
            }
            Ok(outcome)
        }
        AuthorityCall::RevokeKey { key } => {
            let admin = administrator(state, context, posting)?;
            key::revoke(state, context, &admin, key)?;
            done(&admin, "authority.key_revoked", &format!("key/{key}"))
        }
        AuthorityCall::PostOfficer(new) => {
            let admin = administrator(state, context, posting)?;
            posting::post(state, context, &admin, new)?;
            let mut outcome = done(&admin, "authority.officer_posted", &format!("posting/{}", new.id))?;
            outcome.about(token(format!("key/{}", new.officer))?);
            Ok(outcome)
        }
        AuthorityCall::EndPosting { posting: ended, until_ms } => {
            let admin = administrator(state, context, posting)?;
            posting::end(state, context, &admin, ended, *until_ms)?;
            done(&admin, "authority.posting_ended", &format!("posting/{ended}"))
        }
        AuthorityCall::SetGateways { posting: held, gateways } => {
            let admin = administrator(state, context, posting)?;
            posting::set_gateways(state, context, &admin, held, gateways)?;
            done(&admin, "authority.gateways_set", &format!("posting/{held}"))
        }
    }
}

/// An officer who administers the department.
fn administrator(state: &Overlay<'_>, context: &Context<'_>, posting: &PostingId) -> Result<Acting, Refusal> {
    authorise_role(state, context, posting, &[Role::DepartmentAdmin])
}

/// What an administrator did, and to what; the department's own history lists it too.
fn done(admin: &Acting, event: &'static str, subject: &str) -> Result<Outcome, Refusal> {
    let mut outcome = admin.outcome();
    outcome.event(event, token(subject)?);
    outcome.about(token(format!("department/{}", admin.office.department))?);
    Ok(outcome)
}

/// A department administers only its own (A2).
pub(super) fn require_own(admin: &Acting, department: &DepartmentId, what: &str) -> Result<(), Refusal> {
    require(admin.office.department == *department, "A2", || {
        format!("{what} belongs to department {department}, the administrator to {}", admin.office.department)
    })
}

/// Names of offices and postings begin with their department's, so that no department takes another's (A2).
pub(super) fn is_named_after(name: &str, department: &DepartmentId) -> bool {
    name.strip_prefix(department.as_str()).and_then(|rest| rest.strip_prefix('/')).is_some_and(|own| !own.is_empty())
}

/// As [`is_named_after`], refused with A2.
pub(super) fn require_name(name: &str, department: &DepartmentId) -> Result<(), Refusal> {
    require(is_named_after(name, department), "A2", || format!("{name} must begin with {department}/"))
}
