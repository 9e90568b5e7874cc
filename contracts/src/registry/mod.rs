//! The document registry: issuing and changing entries, for every kind of document.
//!
//! Every kind's room calls [`issue`], [`supersede`], [`change`], [`extend`] and [`leave`] after it has authorised the officer; nothing
//! here asks who acts. The entry itself and its status function are in `dalil_ledger::document`, so that verifiers run
//! the same code.
//!
//! D1 URI and digest are unique, and a document is drawn from current versions only · D2 status moves only along the
//! kind's edges · D3 a supersede chain is acyclic, of one kind, and has at most one live head: a new document never
//! stands on record before, and replaces one that has no successor yet.

use dalil_ledger::codec::Set;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{
    CLASSES_MAX, Class, DEPENDENCIES_MAX, Dependency, DependencyKey, DocumentEntry, EVENTS_MAX, EXTENSIONS_MAX,
    Extension, Issuer, Left, Moment, Provenance, ReasonCode, Slots, Standing, StatusEvent, SubjectId, TypeCode, Uri,
    Verdict, digest_key, document_key, left_key, read_set, status,
};
use dalil_ledger::state::{Overlay, StateError, StateView as _};

use crate::context::{Context, token};
use crate::refusal::{OrReject as _, Refusal, reject, require};

/// What a kind's contract decides about a new document; the rest follows from the record.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// URI; its id part holds at least 64 random bits.
    pub uri: Uri,
    /// SHA-256 of the file.
    pub digest: Hash,
    /// Type code.
    pub kind: TypeCode,
    /// What it is about.
    pub subject: SubjectId,
    /// Start of validity, UTC milliseconds.
    pub valid_from_ms: u64,
    /// End of validity (exclusive), UTC milliseconds.
    pub valid_until_ms: Option<u64>,
    /// Root of the salted claims.
    pub claims_root: Option<Hash>,
    /// Classes that an order may strike.
    pub classes: Set<Class>,
    /// What it was drawn from.
    pub depends: Set<Dependency>,
    /// Decided, imported, deemed or renewed.
    pub provenance: Provenance,
    /// The oldest checkpoint that proves a present status, in milliseconds.
    pub status_age_max_ms: u64,
}

/// The entry under `uri`, refused with D2 if there is none.
pub fn entry(state: &Overlay<'_>, uri: &Uri) -> Result<DocumentEntry, Refusal> {
    state.get_value(&document_key(uri))?.or_reject("D2", || format!("there is no document {uri}"))
}

/// The document's status at the block's time, as every verifier computes it.
pub fn present_status(state: &Overlay<'_>, context: &Context<'_>, entry: &DocumentEntry) -> Result<Verdict, Refusal> {
    let values = read_set(entry).iter().map(|key| state.get(key)).collect::<Result<Vec<_>, _>>()?;
    let slots = Slots::decode(entry, &values).map_err(|error| StateError(error.to_string()))?;
    Ok(status(entry, &slots, Moment::now(context.time_ms)))
}

/// The subject under which a document's own history is listed: its URI.
pub fn subject_of(uri: &Uri) -> Result<SubjectId, Refusal> {
    token(uri.as_str())
}

/// Enters a document (D1), drawn from current versions only.
pub fn issue(state: &mut Overlay<'_>, context: &Context<'_>, issuer: Issuer, new: NewDocument) -> Result<(), Refusal> {
    enter(state, context, issuer, new, None)
}

/// Enters a document that replaces `old`, whose standing becomes superseded now (D1, D2, D3).
pub fn supersede(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    issuer: Issuer,
    new: NewDocument,
    old: &Uri,
    reason: &ReasonCode,
) -> Result<(), Refusal> {
    supersede_from(state, context, issuer, new, old, reason, context.time_ms)
}

/// As [`supersede`], with a day of legal effect of its own: a renewal leaves the running term in force to its end.
pub fn supersede_from(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    issuer: Issuer,
    new: NewDocument,
    old: &Uri,
    reason: &ReasonCode,
    effective_from_ms: u64,
) -> Result<(), Refusal> {
    let mut replaced = entry(state, old)?;
    require(replaced.superseded_by.is_none(), "D3", || format!("{old} already has a successor"))?;
    require(replaced.kind == new.kind, "D3", || {
        format!("{old} is of kind {} and cannot be replaced by one of kind {}", replaced.kind, new.kind)
    })?;
    if replaced.standing_at(context.time_ms) != Standing::Superseded {
        let change = Change { standing: Standing::Superseded, effective_from_ms, reason: reason.clone() };
        push_event(&mut replaced, context, &change, |from, _| matches!(from, Standing::Active | Standing::Suspended))?;
    }
    replaced.superseded_by = Some(new.uri.clone());
    enter(state, context, issuer, new, Some(old.clone()))?;
    state.put_value(document_key(old), &replaced);
    Ok(())
}

fn enter(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    issuer: Issuer,
    new: NewDocument,
    supersedes: Option<Uri>,
) -> Result<(), Refusal> {
    let existing: Option<DocumentEntry> = state.get_value(&document_key(&new.uri))?;
    require(existing.is_none(), "D1", || format!("{} is already on record", new.uri))?;
    let holder: Option<Uri> = state.get_value(&digest_key(&new.digest))?;
    require(new.digest != Hash::ZERO, "D1", || format!("{} has no digest", new.uri))?;
    require(holder.is_none(), "D1", || format!("a file with digest {} is already on record", new.digest))?;
    require(new.classes.len() <= CLASSES_MAX, "D1", || format!("more than {CLASSES_MAX} classes"))?;
    require(new.depends.len() <= DEPENDENCIES_MAX, "D1", || format!("more than {DEPENDENCIES_MAX} dependencies"))?;
    let bounded = new.valid_until_ms.is_none_or(|until| until > new.valid_from_ms);
    require(bounded, "D1", || "validity ends before it begins".to_owned())?;
    for dependency in new.depends.iter() {
        let left: Option<Left> = state.get_value(&left_key(dependency))?;
        require(left.is_none(), "D1", || {
            format!("version {} of {} is no longer current", dependency.version, dependency.key)
        })?;
    }
    let entry = DocumentEntry {
        uri: new.uri,
        digest: new.digest,
        kind: new.kind,
        issuer,
        subject: new.subject,
        valid_from_ms: new.valid_from_ms,
        valid_until_ms: new.valid_until_ms,
        claims_root: new.claims_root,
        classes: new.classes,
        depends: new.depends,
        provenance: new.provenance,
        issued_at_ms: context.time_ms,
        record: context.record,
        status_age_max_ms: new.status_age_max_ms,
        events: Vec::new(),
        extensions: Vec::new(),
        superseded_by: None,
        supersedes,
    };
    state.put_value(digest_key(&entry.digest), &entry.uri);
    state.put_value(document_key(&entry.uri), &entry);
    Ok(())
}

/// A change of standing.
#[derive(Debug, Clone)]
pub struct Change {
    /// The new standing.
    pub standing: Standing,
    /// Day of legal effect, UTC milliseconds.
    pub effective_from_ms: u64,
    /// Coarse public reason.
    pub reason: ReasonCode,
}

/// Moves a document to another standing along the kind's `edges` (D2).
pub fn change(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    uri: &Uri,
    change: &Change,
    edges: fn(Standing, Standing) -> bool,
) -> Result<(), Refusal> {
    let mut entry = entry(state, uri)?;
    push_event(&mut entry, context, change, edges)?;
    state.put_value(document_key(uri), &entry);
    Ok(())
}

/// Gives a document that is in force a later end, from now on (D2). What was known before stays what it was.
pub fn extend(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    uri: &Uri,
    valid_until_ms: u64,
    reason: &ReasonCode,
) -> Result<(), Refusal> {
    let mut entry = entry(state, uri)?;
    let standing = entry.standing_at(context.time_ms);
    require(standing == Standing::Active, "D2", || {
        format!("{uri} is {standing:?}; only what is in force is prolonged")
    })?;
    let end_ms = entry.ends_at_ms(u64::MAX).or_reject("D2", || format!("{uri} has no end of validity"))?;
    require(context.time_ms < end_ms && end_ms < valid_until_ms, "D2", || {
        format!("{uri} ends at {end_ms}; before then it may get a later end, and {valid_until_ms} is none")
    })?;
    require(entry.extensions.len() < EXTENSIONS_MAX, "D2", || {
        format!("{uri} was prolonged {EXTENSIONS_MAX} times already")
    })?;
    entry.extensions.push(Extension {
        valid_until_ms,
        recorded_at_ms: context.time_ms,
        reason: reason.clone(),
        record: context.record,
    });
    state.put_value(document_key(uri), &entry);
    Ok(())
}

fn push_event(
    entry: &mut DocumentEntry,
    context: &Context<'_>,
    change: &Change,
    edges: fn(Standing, Standing) -> bool,
) -> Result<(), Refusal> {
    let from = entry.standing_at(context.time_ms);
    if !edges(from, change.standing) {
        return reject("D2", format!("{} is {from:?} and cannot become {:?}", entry.uri, change.standing));
    }
    require(entry.events.len() < EVENTS_MAX, "D2", || format!("{} has {EVENTS_MAX} status events already", entry.uri))?;
    entry.events.push(StatusEvent {
        standing: change.standing,
        recorded_at_ms: context.time_ms,
        effective_from_ms: change.effective_from_ms,
        reason: change.reason.clone(),
        record: context.record,
    });
    Ok(())
}

/// Marks a version of a dependency as left: every document drawn from it is superseded from then on. A version is left
/// once; the first mark stands, so that `known_at` answers never change.
pub fn leave(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    key: &DependencyKey,
    version: u64,
    effective_from_ms: u64,
) -> Result<(), Refusal> {
    let slot = left_key(&Dependency { key: key.clone(), version });
    if state.get(&slot)?.is_some() {
        return Ok(());
    }
    state.put_value(slot, &Left { recorded_at_ms: context.time_ms, effective_from_ms, record: context.record });
    Ok(())
}
