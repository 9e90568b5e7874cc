//! Departments, offices, keys, postings, parameters and votes: rules A1 to A8, P1, P2.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod administration;
mod departments;
mod upgrades;

use dalil_contracts::authority::ballot::BALLOTS;
use dalil_contracts::authority::dated::Timeline;
use dalil_contracts::authority::parameters::{PARAMETERS, ParameterName, parameter, parameter_key};
use dalil_contracts::authority::posting::NewPosting;
use dalil_contracts::authority::{
    AuthorityCall, BallotId, Choice, EstablishmentError, Holder, Jurisdiction, Matter, Place, Role,
};
use dalil_contracts::certificate::{ApplicationStep, CertificateCall};
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Call, Context, Outcome, Refusal, list};
use dalil_ledger::codec::Set;
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::Overlay;
use support::{START_MS, World, code, digest, key_of, token};

fn administer(world: &mut World, posting: &str, call: AuthorityCall) -> Result<Outcome, Refusal> {
    world.call(posting, Call::Authority(call))
}

fn key(name: &str) -> PublicKey {
    key_of(name).public()
}

fn register(name: &str) -> AuthorityCall {
    register_as(name, Holder::Officer { replaces: None })
}

fn register_as(name: &str, holder: Holder) -> AuthorityCall {
    AuthorityCall::RegisterKey { key: key(name), holder }
}

fn posting(id: &str, office: &str, officer: &str, role: Role) -> NewPosting {
    NewPosting {
        id: token(id),
        office: token(office),
        officer: key(officer),
        role,
        rank: 3,
        from_ms: START_MS,
        until_ms: None,
        gateways: Set::default(),
    }
}

/// An act that needs a role and a place: an application is received in Bankura by its SDO.
fn receive(id: &str, district: u32) -> Call {
    let step = ApplicationStep::Receive { kind: token("SC"), place: Place::district(district), form: digest(id) };
    Call::Certificate(CertificateCall::Application { application: token(id), step })
}

fn vote(ballot: &str, value: i64, effective_from_ms: u64) -> AuthorityCall {
    AuthorityCall::Vote {
        ballot: token(ballot),
        matter: Matter::Parameter { name: token("mineral/royalty/SAND"), value },
        effective_from_ms,
        choice: Choice::Approve,
    }
}

/// Puts a matter to the vote of three departments of four, whose outcome is the last one's.
fn decide(world: &mut World, ballot: &str, matter: &Matter, effective_from_ms: u64) -> Result<Outcome, Refusal> {
    let mut outcome = Ok(Outcome::default());
    for voter in ["district/voter", "it/voter", "land/voter"] {
        let (ballot, matter, choice) = (token(ballot), matter.clone(), Choice::Approve);
        outcome = Ok(administer(world, voter, AuthorityCall::Vote { ballot, matter, effective_from_ms, choice })?);
    }
    outcome
}

fn royalty(world: &World) -> i64 {
    let overlay = Overlay::new(&world.state);
    parameter(&overlay, &context(world), "mineral/royalty/SAND").unwrap()
}

fn context(world: &World) -> Context<'static> {
    Context {
        chain: World::chain(),
        height: world.height,
        time_ms: world.time_ms,
        record: world.record,
        signer: key("nobody"),
        attachments: &[],
    }
}

#[test]
fn a1_a_signer_acts_only_in_a_live_posting_with_the_role() {
    let mut world = World::west_bengal();
    assert_eq!(code(world.call_signed_by(key("x"), "district/nobody", receive("A-1", 305))), "A1");
    assert_eq!(code(world.call("district/collector", receive("A-1", 305))), "A1");

    administer(&mut world, "district/admin", register("new-sdo")).unwrap();
    let mut later = posting("district/sdo-new", "district/sdo-bankura", "new-sdo", Role::Sdo);
    later.from_ms = START_MS + DAY_MS;
    later.until_ms = Some(START_MS + 2 * DAY_MS);
    administer(&mut world, "district/admin", AuthorityCall::PostOfficer(later)).unwrap();
    assert_eq!(code(world.call("district/sdo-new", receive("A-1", 305))), "A1");
    world.at(START_MS + DAY_MS);
    world.call("district/sdo-new", receive("A-1", 305)).unwrap();
    world.at(START_MS + 2 * DAY_MS);
    assert_eq!(code(world.call("district/sdo-new", receive("A-2", 305))), "A1");
}

#[test]
fn a1_a_posting_ends_when_the_administrator_ends_it() {
    let mut world = World::west_bengal();
    let end = |until_ms| AuthorityCall::EndPosting { posting: token("district/sdo-bankura"), until_ms };
    assert_eq!(code(administer(&mut world, "district/admin", end(START_MS - 1))), "A1");
    administer(&mut world, "district/admin", end(START_MS + DAY_MS)).unwrap();
    assert_eq!(code(administer(&mut world, "district/admin", end(START_MS + 2 * DAY_MS))), "A1");
    world.call("district/sdo-bankura", receive("A-1", 305)).unwrap();
    world.advance(DAY_MS);
    assert_eq!(code(world.call("district/sdo-bankura", receive("A-2", 305))), "A1");
}

#[test]
fn a1_postings_are_never_backdated_reused_or_in_a_role_of_another_department() {
    let mut world = World::west_bengal();
    administer(&mut world, "transport/admin", register("clerk")).unwrap();
    let clerk = |id: &str, role| posting(id, "transport/rto", "clerk", role);
    let post = |world: &mut World, new| code(administer(world, "transport/admin", AuthorityCall::PostOfficer(new)));
    assert_eq!(post(&mut world, clerk("transport/rto", Role::TransportOfficer)), "A1");
    // Only Finance attests payments and only the courts enter orders, whatever Transport's administrator wishes.
    assert_eq!(post(&mut world, clerk("transport/x", Role::FinanceOfficer)), "A1");
    assert_eq!(post(&mut world, clerk("transport/x", Role::CourtEntry)), "A1");
    let mut backdated = clerk("transport/x", Role::TransportOfficer);
    backdated.from_ms = START_MS - 1;
    assert_eq!(post(&mut world, backdated), "A1");
    let mut endless = clerk("transport/x", Role::TransportOfficer);
    endless.until_ms = Some(START_MS);
    assert_eq!(post(&mut world, endless), "A1");
    let unregistered = posting("transport/x", "transport/rto", "stranger", Role::TransportOfficer);
    assert_eq!(post(&mut world, unregistered), "A1");
}

#[test]
fn a2_a_signer_acts_only_in_its_jurisdiction() {
    let mut world = World::west_bengal();
    assert_eq!(code(world.call("district/sdo-bankura", receive("A-1", 312))), "A2");
    world.call("district/sdo-hooghly", receive("A-1", 312)).unwrap();
}

#[test]
fn a2_a_department_administers_only_its_own() {
    let mut world = World::west_bengal();
    let open = |id: &str| AuthorityCall::OpenOffice { office: token(id), jurisdiction: Jurisdiction::State };
    for (posting, call) in [
        ("land/admin", open("minerals/second")),
        ("land/admin", open("landing/second")),
        ("land/admin", open("land/")),
        ("land/admin", open("land/intake")),
        ("land/admin", AuthorityCall::RevokeKey { key: key("minerals-officer") }),
        ("land/admin", AuthorityCall::EndPosting { posting: token("minerals/officer"), until_ms: START_MS }),
        (
            "land/admin",
            AuthorityCall::PostOfficer(posting("land/x", "minerals/corporation", "land-intake", Role::Intake)),
        ),
        ("land/admin", AuthorityCall::PostOfficer(posting("land/x", "land/intake", "minerals-officer", Role::Intake))),
        ("land/admin", AuthorityCall::PostOfficer(posting("x/x", "land/intake", "land-intake", Role::Intake))),
    ] {
        assert_eq!(code(administer(&mut world, posting, call.clone())), "A2", "{call:?}");
    }
    assert_eq!(code(administer(&mut world, "land/blro-2795", open("land/second"))), "A1");
    administer(&mut world, "land/admin", open("land/second")).unwrap();
    administer(&mut world, "land/admin", register("second")).unwrap();
    let second = posting("land/second", "land/second", "second", Role::Intake);
    let outcome = administer(&mut world, "land/admin", AuthorityCall::PostOfficer(second)).unwrap();
    assert_eq!(outcome.events[0].name, "authority.officer_posted");
    world.call("land/second", receive("A-1", 305)).unwrap();
}

#[test]
fn a3_keys_are_canonical_not_weak_and_used_once() {
    let mut world = World::west_bengal();
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut not_canonical = [0xff; 32];
    not_canonical[31] = 0x7f;
    for bytes in [identity, [0; 32], not_canonical] {
        let call = AuthorityCall::RegisterKey { key: PublicKey(bytes), holder: Holder::Gateway };
        assert_eq!(code(administer(&mut world, "land/admin", call)), "A3");
    }
    administer(&mut world, "land/admin", register("new")).unwrap();
    assert_eq!(code(administer(&mut world, "land/admin", register("new"))), "A3");
    assert_eq!(code(administer(&mut world, "minerals/admin", register("new"))), "A3");
    assert_eq!(code(administer(&mut world, "land/admin", register("validator land consensus"))), "A3");
    // A revoked key does not come back.
    administer(&mut world, "land/admin", AuthorityCall::RevokeKey { key: key("new") }).unwrap();
    assert_eq!(code(administer(&mut world, "land/admin", register("new"))), "A3");
}

#[test]
fn a3_an_establishment_with_bad_or_repeated_keys_starts_no_chain() {
    let plan = World::plan();
    let weak = plan.with_keys(|name| match name.as_str() {
        "land-intake" => PublicKey([0; 32]),
        other => key(other),
    });
    assert!(matches!(weak.initial_state(), Err(EstablishmentError::UnusableKey(_, _))));
    let repeated = plan.with_keys(|name| match name.as_str() {
        "minerals-officer" => key("land-intake"),
        other => key(other),
    });
    assert!(matches!(repeated.initial_state(), Err(EstablishmentError::RepeatedKey(_))));
}

#[test]
fn an_establishment_that_does_not_fit_together_starts_no_chain() {
    let sound = || World::plan().with_keys(|name| key(name.as_str()));
    assert_eq!(sound().initial_state(), sound().initial_state());

    let mut broken = sound();
    broken.postings[0].office = token("land/nowhere");
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Missing { .. })));
    let mut broken = sound();
    broken.postings[0].officer = key("stranger");
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Missing { .. })));
    let mut broken = sound();
    broken.offices[0].department = token("nowhere");
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Missing { .. })));
    let mut broken = sound();
    broken.postings[0].role = Role::CourtEntry;
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Role(..))));
    let mut broken = sound();
    broken.postings[0].id = token("head");
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Name(..))));
    let mut broken = sound();
    let first = broken.postings[0].clone();
    broken.postings.push(first);
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Repeated { .. })));
    let mut broken = sound();
    broken.parameters[0].values.clear();
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Parameter(_))));
    let mut broken = sound();
    let value = broken.parameters[0].values[0].clone();
    broken.parameters[0].values.push(value);
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Parameter(_))));
    let mut broken = sound();
    broken.certificate_types[0].department = token("nowhere");
    assert!(matches!(broken.initial_state(), Err(EstablishmentError::Missing { .. })));
}

#[test]
fn a5_a_revoked_key_signs_nothing_after_and_what_it_signed_stands() {
    let mut world = World::west_bengal();
    world.call("district/sdo-bankura", receive("A-1", 305)).unwrap();
    let before = world.state.clone();
    let revoke = AuthorityCall::RevokeKey { key: key("district-sdo-bankura") };
    administer(&mut world, "district/admin", revoke.clone()).unwrap();
    assert_eq!(code(world.call("district/sdo-bankura", receive("A-2", 305))), "A5");
    assert_eq!(code(administer(&mut world, "district/admin", revoke)), "A5");
    let again = posting("district/again", "district/sdo-bankura", "district-sdo-bankura", Role::Sdo);
    assert_eq!(code(administer(&mut world, "district/admin", AuthorityCall::PostOfficer(again))), "A5");
    // Nothing but the key's record changed.
    let changed = before.iter().filter(|(key, value)| world.state.get(*key) != Some(value)).count();
    assert_eq!((changed, world.state.len()), (1, before.len()));
    // A gateway cannot act for an officer whose key is revoked.
    let gateway = key("district-gateway");
    assert_eq!(code(world.call_signed_by(gateway, "district/sdo-bankura", receive("A-2", 305))), "A5");
}

#[test]
fn a7_a_gateway_is_judged_on_the_posting_it_names() {
    let mut world = World::west_bengal();
    let gateway = key("district-gateway");
    world.call_signed_by(gateway, "district/sdo-bankura", receive("A-1", 305)).unwrap();
    assert_eq!(code(world.call_signed_by(gateway, "district/sdo-bankura", receive("A-2", 312))), "A2");
    assert_eq!(code(world.call_signed_by(gateway, "district/sdo-hooghly", receive("A-2", 312))), "A7");
    assert_eq!(code(world.call_signed_by(key("land-blro-2795"), "land/blro-2991", receive("A-2", 305))), "A7");
    administer(&mut world, "district/admin", AuthorityCall::RevokeKey { key: gateway }).unwrap();
    assert_eq!(code(world.call_signed_by(gateway, "district/sdo-bankura", receive("A-2", 305))), "A5");
}

#[test]
fn a8_a_quorum_of_departments_sets_a_parameter_for_a_time_to_come() {
    let mut world = World::west_bengal();
    let from = START_MS + DAY_MS;
    administer(&mut world, "district/voter", vote("B-1", 6_000, from)).unwrap();
    administer(&mut world, "it/voter", vote("B-1", 6_000, from)).unwrap();
    world.at(from - 1);
    let outcome = administer(&mut world, "minerals/voter", vote("B-1", 6_000, from)).unwrap();
    assert_eq!(outcome.events[1].name, "authority.parameter_set");
    assert_eq!(royalty(&world), 5_300);
    world.at(from);
    assert_eq!(royalty(&world), 6_000);
}

#[test]
fn a8_a_vote_counts_once_and_cannot_be_changed_or_replayed() {
    let mut world = World::west_bengal();
    let from = START_MS + DAY_MS;
    administer(&mut world, "district/voter", vote("B-1", 6_000, from)).unwrap();
    for (posting, call) in [
        ("district/voter", vote("B-1", 6_000, from)),
        ("it/voter", vote("B-1", 7_000, from)),
        ("it/voter", vote("B-1", 6_000, from + 1)),
        ("finance/voter", vote("B-1", 6_000, from)),
    ] {
        assert_eq!(code(administer(&mut world, posting, call)), "A8");
    }
    let changed = AuthorityCall::Vote {
        ballot: token("B-1"),
        matter: Matter::Parameter { name: token("mineral/royalty/SAND"), value: 6_000 },
        effective_from_ms: from,
        choice: Choice::Reject,
    };
    assert_eq!(code(administer(&mut world, "district/voter", changed)), "A8");
    assert_eq!(code(administer(&mut world, "it/admin", vote("B-1", 6_000, from))), "A1");
    administer(&mut world, "it/voter", vote("B-1", 6_000, from)).unwrap();
    administer(&mut world, "land/voter", vote("B-1", 6_000, from)).unwrap();
    assert_eq!(code(administer(&mut world, "minerals/voter", vote("B-1", 6_000, from))), "A8");
    // A second value for the same moment would leave its order to chance.
    for department in ["district", "it"] {
        administer(&mut world, &format!("{department}/voter"), vote("B-2", 7_000, from)).unwrap();
    }
    assert_eq!(code(administer(&mut world, "land/voter", vote("B-2", 7_000, from))), "A8");
    let dated: Timeline<i64> = world.get(&parameter_key("mineral/royalty/SAND")).unwrap();
    assert_eq!(dated.values.iter().map(|dated| dated.value).collect::<Vec<_>>(), [5_300, 6_000]);
}

#[test]
fn a8_a_department_against_it_does_not_carry_it() {
    let mut world = World::west_bengal();
    let from = START_MS + DAY_MS;
    let against = AuthorityCall::Vote {
        ballot: token("B-1"),
        matter: Matter::Parameter { name: token("mineral/royalty/SAND"), value: 1 },
        effective_from_ms: from,
        choice: Choice::Reject,
    };
    administer(&mut world, "land/voter", against.clone()).unwrap();
    administer(&mut world, "minerals/voter", against).unwrap();
    administer(&mut world, "it/voter", vote("B-1", 1, from)).unwrap();
    administer(&mut world, "district/voter", vote("B-1", 1, from)).unwrap();
    world.at(from);
    assert_eq!(royalty(&world), 5_300);
}

#[test]
fn a8_nothing_takes_effect_in_the_past() {
    let mut world = World::west_bengal();
    assert_eq!(code(administer(&mut world, "it/voter", vote("B-1", 1, START_MS))), "A8");
    for department in ["district", "it"] {
        administer(&mut world, &format!("{department}/voter"), vote("B-1", 1, START_MS + 1)).unwrap();
    }
    // The last vote comes too late.
    world.at(START_MS + 1);
    assert_eq!(code(administer(&mut world, "land/voter", vote("B-1", 1, START_MS + 1))), "A8");
    assert_eq!(royalty(&world), 5_300);
}

#[test]
fn a8_a_parameter_of_genesis_that_is_still_to_come_is_not_in_force() {
    let mut plan = World::plan();
    let royalty = plan.parameters.iter_mut().find(|one| one.name.as_str() == "mineral/royalty/SAND").unwrap();
    royalty.values[0].from_ms = START_MS + 1;
    let mut world = World::new(&plan);
    let value = |world: &World| parameter(&Overlay::new(&world.state), &context(world), "mineral/royalty/SAND");
    assert_eq!(code(value(&world)), "P1");
    world.at(START_MS + 1);
    assert_eq!(value(&world).unwrap(), 5_300);
}

#[test]
fn all_ballots_and_parameters_can_be_listed() {
    let mut world = World::west_bengal();
    let from = START_MS + DAY_MS;
    let before: Vec<ParameterName> = list::read(&world.state, PARAMETERS, 0, u64::MAX).unwrap();
    assert_eq!(before.len(), World::plan().parameters.len());
    administer(&mut world, "it/voter", vote("B-1", 1, from)).unwrap();
    let matter = Matter::Parameter { name: token("mineral/royalty/SLATE"), value: 1 };
    decide(&mut world, "B-2", &matter, from).unwrap();
    decide(&mut world, "B-3", &matter, from + 1).unwrap();
    let ballots: Vec<BallotId> = list::read(&world.state, BALLOTS, 0, 10).unwrap();
    assert_eq!(ballots, ["B-1", "B-2", "B-3"].map(token));
    assert_eq!(list::read::<BallotId>(&world.state, BALLOTS, 1, 1).unwrap(), ["B-2"].map(token));
    assert_eq!(list::read::<BallotId>(&world.state, BALLOTS, 9, 1).unwrap(), []);
    let after: Vec<ParameterName> = list::read(&world.state, PARAMETERS, before.len() as u64, 10).unwrap();
    assert_eq!(after, [token("mineral/royalty/SLATE")]);
}

#[test]
fn p1_a_parameter_without_a_value_in_force_refuses() {
    let mut world = World::west_bengal();
    let name = "mineral/royalty/SAND";
    world.state.remove(&parameter_key(name));
    let overlay = Overlay::new(&world.state);
    assert_eq!(code(parameter(&overlay, &context(&world), name)), "P1");
    world.set_parameter(name, -1);
    let overlay = Overlay::new(&world.state);
    let negative = dalil_contracts::authority::parameters::parameter_u64(&overlay, &context(&world), name);
    assert_eq!(code(negative), "P1");
}

#[test]
fn p2_names_fit_their_fields() {
    let long = "x".repeat(97);
    assert_eq!(code(dalil_contracts::context::token::<96>(&long)), "P2");
    assert_eq!(code(dalil_contracts::context::token::<96>("two words")), "P2");
    dalil_contracts::context::token::<96>(&long[1..]).unwrap();
}
