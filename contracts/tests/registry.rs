//! The document registry: rules D1 to D3, dependencies, `as_of` and `known_at`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use dalil_contracts::registry::{self, Change, NewDocument};
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Context, Refusal};
use dalil_ledger::codec::Set;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{
    Class, Dependency, EXTENSIONS_MAX, Issuer, Moment, Provenance, Slots, Standing, Status, history, read_set,
};
use dalil_ledger::state::Overlay;
use support::{START_MS, World, code, digest, key_of, token};

fn issuer() -> Issuer {
    Issuer { department: token("land"), office: token("land/blro-2795"), officer: key_of("officer").public() }
}

fn document(uri: &str) -> NewDocument {
    NewDocument {
        uri: token(uri),
        digest: digest(uri),
        kind: token("ROR"),
        subject: token("khatian/2795-51/101"),
        valid_from_ms: START_MS,
        valid_until_ms: None,
        claims_root: None,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        status_age_max_ms: DAY_MS,
    }
}

/// Does something to the registry as one record; nothing is kept on refusal.
fn record<T>(
    world: &mut World,
    act: impl FnOnce(&mut Overlay<'_>, &Context<'_>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let context = Context {
        chain: World::chain(),
        height: world.height,
        time_ms: world.time_ms,
        record: world.record,
        signer: key_of("officer").public(),
        attachments: &[],
    };
    let mut overlay = Overlay::new(&world.state);
    let result = act(&mut overlay, &context)?;
    let changes = overlay.into_changes();
    world.state.extend(changes.into_iter().map(|(key, value)| (key, value.unwrap())));
    world.record += 1;
    Ok(result)
}

fn issue(world: &mut World, new: NewDocument) -> Result<(), Refusal> {
    record(world, |state, context| registry::issue(state, context, issuer(), new))
}

fn supersede(world: &mut World, new: NewDocument, old: &str) -> Result<(), Refusal> {
    record(world, |state, context| {
        registry::supersede(state, context, issuer(), new, &token(old), &token("new_extract"))
    })
}

fn change(world: &mut World, uri: &str, standing: Standing, effective_from_ms: u64) -> Result<(), Refusal> {
    let change = Change { standing, effective_from_ms, reason: token("test") };
    record(world, |state, context| {
        registry::change(state, context, &token(uri), &change, |from, to| {
            from == Standing::Active || to == Standing::Active
        })
    })
}

fn leave(world: &mut World, key: &str, version: u64) {
    record(world, |state, context| registry::leave(state, context, &token(key), version, context.time_ms)).unwrap();
}

#[test]
fn d1_uri_and_digest_are_unique() {
    let mut world = World::west_bengal();
    issue(&mut world, document("A")).unwrap();
    assert_eq!(code(issue(&mut world, document("A"))), "D1");
    let mut same_uri = document("A");
    same_uri.digest = digest("other");
    assert_eq!(code(issue(&mut world, same_uri)), "D1");
    let mut same_file = document("B");
    same_file.digest = digest("A");
    assert_eq!(code(issue(&mut world, same_file)), "D1");
    let mut no_file = document("B");
    no_file.digest = Hash::ZERO;
    assert_eq!(code(issue(&mut world, no_file)), "D1");
    issue(&mut world, document("B")).unwrap();
}

#[test]
fn d1_a_document_keeps_within_its_limits() {
    let mut world = World::west_bengal();
    let mut backwards = document("A");
    backwards.valid_until_ms = Some(START_MS);
    assert_eq!(code(issue(&mut world, backwards)), "D1");
    let mut classes = document("A");
    classes.classes = (0..9).map(|at| Class { kind: token("ROR"), class: token(&format!("C{at}")) }).collect();
    assert_eq!(code(issue(&mut world, classes)), "D1");
    let mut depends = document("A");
    depends.depends = (0..9).map(|version| Dependency { key: token("khatian/1"), version }).collect();
    assert_eq!(code(issue(&mut world, depends)), "D1");
}

#[test]
fn d1_a_document_is_drawn_from_current_versions_only() {
    let mut world = World::west_bengal();
    let from = |uri: &str, version| {
        let mut new = document(uri);
        new.depends = [Dependency { key: token("khatian/2795-51/101"), version }].into_iter().collect();
        new
    };
    issue(&mut world, from("A", 3)).unwrap();
    world.advance(DAY_MS);
    leave(&mut world, "khatian/2795-51/101", 3);
    assert_eq!(code(issue(&mut world, from("B", 3))), "D1");
    issue(&mut world, from("B", 4)).unwrap();
    assert_eq!(world.status("A").status, Status::Superseded);
    assert_eq!(world.status("A").reason, "source_changed");
    assert_eq!(world.status("B").status, Status::Valid);
    // Before the change it was in force, as known now and as known then.
    let day_before = Moment { as_of_ms: START_MS, known_at_ms: u64::MAX };
    assert_eq!(world.status_at("A", day_before).status, Status::Valid);
    // A version is left once: a second mark changes no answer about the past.
    world.advance(DAY_MS);
    leave(&mut world, "khatian/2795-51/101", 3);
    assert_eq!(world.status("A").since_ms, Some(START_MS + DAY_MS));
}

#[test]
fn d2_status_moves_only_along_the_kinds_edges() {
    let mut world = World::west_bengal();
    assert_eq!(code(change(&mut world, "A", Standing::Revoked, START_MS)), "D2");
    issue(&mut world, document("A")).unwrap();
    change(&mut world, "A", Standing::Revoked, START_MS).unwrap();
    assert_eq!(code(change(&mut world, "A", Standing::Suspended, START_MS)), "D2");
    assert_eq!(code(supersede(&mut world, document("B"), "A")), "D2");
    change(&mut world, "A", Standing::Active, START_MS).unwrap();
    supersede(&mut world, document("B"), "A").unwrap();
}

#[test]
fn d2_events_of_one_document_are_bounded() {
    let mut world = World::west_bengal();
    issue(&mut world, document("A")).unwrap();
    for turn in 0..64 {
        let standing = if turn % 2 == 0 { Standing::Suspended } else { Standing::Active };
        change(&mut world, "A", standing, START_MS).unwrap();
    }
    assert_eq!(code(change(&mut world, "A", Standing::Suspended, START_MS)), "D2");
}

#[test]
fn d2_only_what_is_in_force_gets_a_later_end() {
    let mut world = World::west_bengal();
    let extend = |world: &mut World, uri: &str, until_ms| {
        record(world, |state, context| registry::extend(state, context, &token(uri), until_ms, &token("breakdown")))
    };
    let mut new = document("A");
    new.valid_until_ms = Some(START_MS + DAY_MS);
    issue(&mut world, new).unwrap();
    issue(&mut world, document("B")).unwrap();
    assert_eq!(code(extend(&mut world, "none", START_MS + 2 * DAY_MS)), "D2");
    assert_eq!(code(extend(&mut world, "B", START_MS + 2 * DAY_MS)), "D2", "it has no end");
    assert_eq!(code(extend(&mut world, "A", START_MS + DAY_MS)), "D2", "no later end");
    world.advance(DAY_MS / 2);
    extend(&mut world, "A", START_MS + 2 * DAY_MS).unwrap();
    let as_known = |known_at_ms| Moment { as_of_ms: START_MS + DAY_MS, known_at_ms };
    assert_eq!(world.status_at("A", as_known(START_MS)).status, Status::Expired, "as known before");
    assert_eq!(world.status_at("A", as_known(u64::MAX)).status, Status::Valid);
    change(&mut world, "A", Standing::Suspended, START_MS).unwrap();
    assert_eq!(code(extend(&mut world, "A", START_MS + 3 * DAY_MS)), "D2", "suspended");
    change(&mut world, "A", Standing::Active, START_MS).unwrap();
    for more in 1..EXTENSIONS_MAX as u64 {
        extend(&mut world, "A", START_MS + 2 * DAY_MS + more).unwrap();
    }
    assert_eq!(code(extend(&mut world, "A", START_MS + 9 * DAY_MS)), "D2", "too often");
    world.at(START_MS + 3 * DAY_MS);
    let mut new = document("C");
    new.valid_until_ms = Some(START_MS + 4 * DAY_MS);
    issue(&mut world, new).unwrap();
    world.at(START_MS + 4 * DAY_MS);
    assert_eq!(code(extend(&mut world, "C", START_MS + 5 * DAY_MS)), "D2", "what has expired stays expired");
}

#[test]
fn each_event_of_a_document_leads_to_its_record() {
    let mut world = World::west_bengal();
    let mut new = document("A");
    new.depends = [Dependency { key: token("khatian/2795-51/101"), version: 3 }].into_iter().collect();
    let first = world.record;
    issue(&mut world, new).unwrap();
    change(&mut world, "A", Standing::Suspended, START_MS).unwrap();
    leave(&mut world, "khatian/2795-51/101", 3);
    let entry = world.document("A");
    let values: Vec<_> = read_set(&entry).iter().map(|key| world.state.get(key).cloned()).collect();
    let history = history(&entry, &Slots::decode(&entry, &values).unwrap(), u64::MAX);
    assert_eq!(history.iter().map(|event| event.record).collect::<Vec<_>>(), [first, first + 1, first + 2]);
}

#[test]
fn d3_a_chain_has_one_head_of_one_kind_and_no_cycle() {
    let mut world = World::west_bengal();
    issue(&mut world, document("A")).unwrap();
    let mut other_kind = document("B");
    other_kind.kind = token("DEED");
    assert_eq!(code(supersede(&mut world, other_kind, "A")), "D3");
    supersede(&mut world, document("B"), "A").unwrap();
    assert_eq!(code(supersede(&mut world, document("C"), "A")), "D3");
    assert_eq!(code(supersede(&mut world, document("A"), "B")), "D1");
    assert_eq!(code(supersede(&mut world, document("B"), "B")), "D1");
    supersede(&mut world, document("C"), "B").unwrap();
    assert_eq!(world.status("A").status, Status::Superseded);
    assert_eq!(world.status("B").status, Status::Superseded);
    assert_eq!(world.status("C").status, Status::Valid);
    assert_eq!(world.document("A").superseded_by, Some(token("B")));
    assert_eq!(world.document("C").supersedes, Some(token("B")));
}

#[test]
fn d3_a_chain_may_have_no_head_until_the_new_issue() {
    let mut world = World::west_bengal();
    issue(&mut world, document("A")).unwrap();
    change(&mut world, "A", Standing::Superseded, START_MS).unwrap();
    assert_eq!(world.document("A").superseded_by, None);
    supersede(&mut world, document("B"), "A").unwrap();
    assert_eq!(world.document("A").events.len(), 1);
    assert_eq!(code(supersede(&mut world, document("C"), "A")), "D3");
}
