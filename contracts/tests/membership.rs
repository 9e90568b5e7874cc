//! Changes of the validator set: rules A3 and A4, and the height at which a change comes into force.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use dalil_contracts::authority::dated::Timeline;
use dalil_contracts::authority::department::department_key;
use dalil_contracts::authority::membership::{
    ChangeOutcome, HeadName, JoinedStatement, MemberSignatures, Membership, PENDING_MAX, PendingChange,
    RECENT_HEADS_MAX, ReadyStatement, membership_key, outcome_key,
};
use dalil_contracts::authority::{
    AuthorityCall, Choice, Department, Holder, Matter, Role, ValidatorChange, validators_key,
};
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Call, Outcome, Refusal};
use dalil_ledger::checkpoint::Policy;
use dalil_ledger::crypto::{PublicKey, SecretKey};
use dalil_ledger::validators::{Validator, ValidatorSet};
use support::{World, code, digest, key_of, token, validator, validator_keys};

fn administer(world: &mut World, posting: &str, call: AuthorityCall) -> Result<Outcome, Refusal> {
    world.call(posting, Call::Authority(call))
}

fn vote(ballot: &str, change: &ValidatorChange, from_height: u64) -> AuthorityCall {
    AuthorityCall::Vote {
        ballot: token(ballot),
        matter: Matter::Validators { change: change.clone(), from_height },
        effective_from_ms: u64::MAX,
        choice: Choice::Approve,
    }
}

/// A quorum of the departments of genesis carries a change; returns the height of the record.
fn carry(world: &mut World, ballot: &str, change: &ValidatorChange, from_height: u64) -> u64 {
    let set = set(world);
    let voters: Vec<_> = set.iter().map(|member| format!("{}/voter", member.department)).collect();
    for voter in voters.iter().take(set.quorum()) {
        administer(world, voter, vote(ballot, change, from_height)).unwrap();
    }
    world.height
}

fn head(height: u64) -> HeadName {
    HeadName { height, id: World::block(height) }
}

/// The four signatures of an incoming member over the newest block.
fn signatures(ballot: &str, member: &Validator, edition: &str, head: HeadName) -> MemberSignatures {
    let statement = ReadyStatement { ballot: token(ballot), member: member.clone(), head };
    let keys = validator_keys(member.department.as_str(), edition);
    statement.sign(&World::chain(), keys.each_ref())
}

fn ready(world: &mut World, ballot: &str, department: &str, edition: &str) -> Result<Outcome, Refusal> {
    let head = head(world.height - 2);
    let signatures = signatures(ballot, &validator(department, edition), edition, head);
    let call = AuthorityCall::Ready { ballot: token(ballot), head, signatures };
    administer(world, &format!("{department}/admin"), call)
}

fn joined(world: &mut World, department: &str, edition: &str, head: HeadName) -> Result<Outcome, Refusal> {
    let [consensus, ..] = validator_keys(department, edition);
    let statement = JoinedStatement { department: token(department), consensus: consensus.public(), head };
    let call = AuthorityCall::Joined { head, signature: statement.sign(&World::chain(), &consensus) };
    administer(world, &format!("{department}/admin"), call)
}

fn set(world: &World) -> ValidatorSet {
    world.get(&validators_key()).unwrap()
}

fn departments(world: &World) -> Vec<String> {
    set(world).iter().map(|member| member.department.to_string()).collect()
}

fn under_way(world: &World) -> Membership {
    world.get(&membership_key()).unwrap_or_default()
}

/// What became of a change; whoever waits was told the same, once.
fn outcome(world: &World, ballot: &str) -> Option<ChangeOutcome> {
    let outcome = world.get(&outcome_key(&token(ballot)));
    let subject = format!("ballot/{ballot}");
    let told = world.closing.iter().filter(|event| event.subject.as_str() == subject);
    let told: Vec<_> = told.map(|event| event.name).collect();
    let expected = outcome.as_ref().map(|outcome| match outcome {
        ChangeOutcome::InForce(_) => "authority.validator_change_in_force",
        ChangeOutcome::Refused { .. } => "authority.validator_change_refused",
        ChangeOutcome::Lapsed(_) => "authority.validator_change_lapsed",
    });
    assert_eq!(told, Vec::from_iter(expected));
    outcome
}

fn refused(height: u64, code: &str) -> Option<ChangeOutcome> {
    Some(ChangeOutcome::Refused { height, code: token(code) })
}

fn add(department: &str) -> ValidatorChange {
    ValidatorChange::Add(validator(department, ""))
}

fn remove(department: &str) -> ValidatorChange {
    ValidatorChange::Remove(token(department))
}

fn replace(leaving: &str, department: &str, edition: &str) -> ValidatorChange {
    ValidatorChange::Replace { leaving: token(leaving), member: validator(department, edition) }
}

/// A member that was voted in, is ready, in force, and has joined.
fn seat(world: &mut World, department: &str) {
    let ballot = format!("seat-{department}");
    carry(world, &ballot, &add(department), 0);
    world.close().close();
    ready(world, &ballot, department, "").unwrap();
    world.close().close().close().close();
    let newest = head(world.height - 2);
    joined(world, department, "", newest).unwrap();
    assert!(departments(world).contains(&department.to_owned()));
}

/// Seven validators bear two faulty ones.
fn seven() -> World {
    let mut world = World::west_bengal();
    for department in ["finance", "home", "transport"] {
        seat(&mut world, department);
    }
    assert_eq!((set(&world).len(), set(&world).max_faulty()), (7, 2));
    assert_eq!(under_way(&world), Membership::default());
    world
}

#[test]
fn a4_a_removal_comes_into_force_at_the_height_named_and_not_before_two_heights_after_its_record() {
    for (named, ahead) in [(0, 2), (1, 2), (3, 3), (40, 40)] {
        let mut world = World::west_bengal();
        seat(&mut world, "finance");
        let start = world.height;
        assert_eq!(carry(&mut world, "B-1", &remove("it"), start + named), start);
        // The state after block h holds set(h+1).
        world.close_until(start + ahead - 1);
        assert_eq!(set(&world).len(), 5, "named {named}");
        assert_eq!(outcome(&world, "B-1"), None);
        world.close();
        assert_eq!(departments(&world), ["district", "finance", "land", "minerals"], "named {named}");
        assert_eq!(outcome(&world, "B-1"), Some(ChangeOutcome::InForce(start + ahead)));
        assert_eq!(under_way(&world), Membership::default());
    }
}

#[test]
fn a4_an_incoming_member_waits_for_its_ready_and_two_heights_more() {
    let mut world = World::west_bengal();
    let recorded = carry(&mut world, "B-1", &add("finance"), 3);
    world.close_until(recorded + 10);
    assert_eq!(set(&world).len(), 4);
    ready(&mut world, "B-1", "finance", "").unwrap();
    world.close();
    // The last `ready` counts.
    let last = world.height;
    ready(&mut world, "B-1", "finance", "").unwrap();
    world.close();
    assert_eq!(set(&world).len(), 4);
    world.close();
    assert_eq!(set(&world).len(), 5);
    assert_eq!(outcome(&world, "B-1"), Some(ChangeOutcome::InForce(last + 2)));
    assert_eq!(code(ready(&mut world, "B-1", "finance", "")), "A4", "the change waits no more");

    // A height named far ahead is kept although the member is ready early.
    world.close().close().close();
    let newest = head(world.height - 2);
    joined(&mut world, "finance", "", newest).unwrap();
    let far = world.height + 20;
    let recorded = carry(&mut world, "B-2", &replace("it", "it", "new"), far);
    world.close().close();
    ready(&mut world, "B-2", "it", "new").unwrap();
    world.close_until(recorded + 19);
    assert!(set(&world).iter().any(|member| *member == validator("it", "")));
    world.close();
    assert!(set(&world).iter().any(|member| *member == validator("it", "new")));
    assert_eq!(outcome(&world, "B-2"), Some(ChangeOutcome::InForce(far)));
}

#[test]
fn a4_a_change_lapses_thirty_days_after_it_passed() {
    let mut world = World::west_bengal();
    carry(&mut world, "B-1", &add("finance"), 3);
    let carried_at_ms = world.time_ms;
    world.close().at(carried_at_ms + 30 * DAY_MS).close();
    assert_eq!((outcome(&world, "B-1"), under_way(&world).pending.len()), (None, 1));
    let late = world.height;
    world.close();
    assert_eq!(outcome(&world, "B-1"), Some(ChangeOutcome::Lapsed(late)));
    assert_eq!(under_way(&world), Membership::default());
    assert_eq!(code(ready(&mut world, "B-1", "finance", "")), "A4");
    // Keys that never served are free again.
    carry(&mut world, "B-2", &add("finance"), 3);
}

#[test]
fn a4_a_height_adds_at_most_f_and_removes_at_most_f() {
    let mut world = seven();
    let height = world.height + 30;
    // f = 2: two each way, of which a replacement is one of each.
    carry(&mut world, "B-1", &replace("it", "works", ""), height);
    carry(&mut world, "B-2", &remove("land"), height);
    carry(&mut world, "B-3", &remove("home"), height);
    carry(&mut world, "B-4", &add("health"), height);
    carry(&mut world, "B-5", &add("panchayat"), height);
    world.close().close();
    for (ballot, department) in [("B-1", "works"), ("B-4", "health"), ("B-5", "panchayat")] {
        ready(&mut world, ballot, department, "").unwrap();
    }
    world.close_until(height);
    assert_eq!(departments(&world), ["district", "finance", "health", "home", "minerals", "transport", "works"]);
    let outcomes: Vec<_> = ["B-1", "B-2", "B-3", "B-4", "B-5"].iter().map(|one| outcome(&world, one)).collect();
    let in_force = || Some(ChangeOutcome::InForce(height));
    assert_eq!(outcomes, [in_force(), in_force(), refused(height, "A4"), in_force(), refused(height, "A4")]);
}

#[test]
fn a4_f_of_the_set_before_bounds_what_a_height_adds() {
    let mut world = seven();
    let height = world.height + 20;
    let newcomers = ["health", "panchayat", "works"];
    newcomers.iter().for_each(|department| {
        carry(&mut world, department, &add(department), height);
    });
    world.close().close();
    newcomers.iter().for_each(|department| {
        ready(&mut world, department, department, "").unwrap();
    });
    world.close_until(height);
    // Ten would bear three that are yet to join, but seven bear two that are new.
    assert_eq!(set(&world).len(), 9);
    assert_eq!(outcome(&world, "works"), refused(height, "A4"));
}

#[test]
fn a4_a_rotation_counts_once_each_way() {
    let mut world = World::west_bengal();
    let height = world.height + 10;
    carry(&mut world, "B-1", &replace("it", "it", "new"), height);
    carry(&mut world, "B-2", &replace("land", "land", "new"), height);
    world.close().close();
    ready(&mut world, "B-1", "it", "new").unwrap();
    ready(&mut world, "B-2", "land", "new").unwrap();
    world.close_until(height);
    let expected =
        [validator("district", ""), validator("it", "new"), validator("land", ""), validator("minerals", "")];
    assert_eq!(set(&world).iter().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(outcome(&world, "B-2"), refused(height, "A4"));
}

#[test]
fn a4_never_below_four_and_one_on_a_development_chain() {
    let mut world = World::west_bengal();
    let height = carry(&mut world, "B-1", &remove("it"), 0) + 2;
    world.close_until(height);
    assert_eq!(outcome(&world, "B-1"), refused(height, "A4"));
    assert_eq!(set(&world).len(), 4);

    let mut world = World::west_bengal();
    world.parameters.development = true;
    for (number, department) in ["it", "land", "minerals", "district"].into_iter().enumerate() {
        let ballot = format!("B-{number}");
        carry(&mut world, &ballot, &remove(department), 0);
        world.close().close();
        let left = 4usize.saturating_sub(number + 1).max(1);
        assert_eq!(set(&world).len(), left, "{department}");
    }
    assert_eq!(departments(&world), ["district"]);
    // And it can grow again, though f is 0.
    let ballot = "B-5";
    carry(&mut world, ballot, &add("finance"), 0);
    world.close().close();
    ready(&mut world, ballot, "finance", "").unwrap();
    world.close().close();
    assert_eq!(departments(&world), ["district", "finance"]);
}

#[test]
fn a4_after_a_change_at_most_f_members_are_yet_to_join() {
    let mut world = World::west_bengal();
    let height = world.height + 10;
    // Two replacements at consecutive heights: were both newcomers down, a quorum of four would be gone.
    carry(&mut world, "B-1", &replace("it", "it", "new"), height);
    carry(&mut world, "B-2", &replace("land", "land", "new"), height + 1);
    world.close().close();
    ready(&mut world, "B-1", "it", "new").unwrap();
    ready(&mut world, "B-2", "land", "new").unwrap();
    world.close_until(height + 2);
    assert_eq!(outcome(&world, "B-1"), Some(ChangeOutcome::InForce(height)));
    assert_eq!(outcome(&world, "B-2"), refused(height + 1, "A4"));
    assert_eq!(under_way(&world).absent.len(), 1);

    // Once it has joined, the next may come; with keys of its own, for those of B-2 never served.
    let newest = head(world.height - 2);
    joined(&mut world, "it", "new", newest).unwrap();
    assert_eq!(under_way(&world), Membership::default());
    carry(&mut world, "B-3", &replace("land", "land", "new"), 0);
    world.close().close();
    ready(&mut world, "B-3", "land", "new").unwrap();
    let height = world.height + 2;
    world.close_until(height);
    assert_eq!(outcome(&world, "B-3"), Some(ChangeOutcome::InForce(height)));
}

#[test]
fn a4_who_has_not_joined_may_be_replaced_or_removed() {
    let mut world = World::west_bengal();
    seat(&mut world, "finance");
    carry(&mut world, "B-1", &replace("it", "it", "new"), 0);
    world.close().close();
    ready(&mut world, "B-1", "it", "new").unwrap();
    world.close().close();
    assert_eq!(under_way(&world).absent.len(), 1);
    // The newcomer never came up: other keys take the seat, and then the seat goes.
    carry(&mut world, "B-2", &replace("it", "it", "newer"), 0);
    world.close().close();
    ready(&mut world, "B-2", "it", "newer").unwrap();
    let height = world.height + 2;
    world.close_until(height);
    assert_eq!(outcome(&world, "B-2"), Some(ChangeOutcome::InForce(height)));
    assert_eq!(under_way(&world).absent.len(), 1);
    assert_eq!(under_way(&world).absent[0].from_height, height);
    carry(&mut world, "B-3", &remove("it"), 0);
    world.close().close();
    assert_eq!(departments(&world), ["district", "finance", "land", "minerals"]);
    assert_eq!(under_way(&world), Membership::default());
}

#[test]
fn a4_ready_is_of_a_waiting_change_a_recent_block_and_the_members_own_officer() {
    let mut world = World::west_bengal();
    carry(&mut world, "B-1", &add("finance"), 400);
    carry(&mut world, "B-2", &remove("it"), 400);
    world.close();
    let finance = validator("finance", "");
    let call = |ballot: &str, head: HeadName| {
        let signatures = signatures(ballot, &finance, "", head);
        AuthorityCall::Ready { ballot: token(ballot), head, signatures }
    };
    for (posting, call, expected) in [
        ("finance/admin", call("B-1", head(1)), "A4"),
        ("finance/admin", call("B-1", HeadName { height: 0, id: World::block(1) }), "A4"),
        ("finance/admin", call("B-2", head(0)), "A4"),
        ("finance/admin", call("B-9", head(0)), "A4"),
        ("it/admin", call("B-1", head(0)), "A2"),
        ("land/blro-2795", call("B-1", head(0)), "A1"),
    ] {
        assert_eq!(code(administer(&mut world, posting, call.clone())), expected, "{posting} {call:?}");
    }
    administer(&mut world, "finance/admin", call("B-1", head(0))).unwrap();
    // Not recent for ever.
    world.close_until(1 + RECENT_HEADS_MAX as u64);
    administer(&mut world, "finance/admin", call("B-1", head(0))).unwrap();
    world.close();
    assert_eq!(code(administer(&mut world, "finance/admin", call("B-1", head(0)))), "A4");
}

#[test]
fn a3_ready_proves_that_each_of_the_four_keys_is_held() {
    let mut world = World::west_bengal();
    carry(&mut world, "B-1", &add("finance"), 3);
    carry(&mut world, "B-2", &add("home"), 3);
    world.close().close();
    let (finance, block) = (validator("finance", ""), head(1));
    let good = signatures("B-1", &finance, "", block);
    let of_other_ballot = signatures("B-2", &finance, "", block);
    let of_other_block = signatures("B-1", &finance, "", head(0));
    let statement = ReadyStatement { ballot: token("B-1"), member: finance.clone(), head: block };
    let of_other_chain = statement.sign(&World::block(7), validator_keys("finance", "").each_ref());
    let mut wrong = vec![of_other_ballot, of_other_block, of_other_chain];
    let stranger =
        key_of("stranger").sign(dalil_ledger::crypto::Domain::ValidatorReady, &World::chain(), &statement.sign_bytes());
    wrong.push(MemberSignatures { consensus: stranger, ..good });
    wrong.push(MemberSignatures { cosigner: stranger, ..good });
    wrong.push(MemberSignatures { log: stranger, ..good });
    wrong.push(MemberSignatures { network: stranger, ..good });
    wrong.push(MemberSignatures { log: good.cosigner, cosigner: good.log, ..good });
    for signatures in wrong {
        let call = AuthorityCall::Ready { ballot: token("B-1"), head: block, signatures };
        assert_eq!(code(administer(&mut world, "finance/admin", call)), "A3");
    }
    let call = AuthorityCall::Ready { ballot: token("B-1"), head: block, signatures: good };
    administer(&mut world, "finance/admin", call).unwrap();
}

#[test]
fn a4_joined_names_a_block_at_or_after_the_members_first_height() {
    let mut world = World::west_bengal();
    carry(&mut world, "B-1", &add("finance"), 0);
    world.close().close();
    ready(&mut world, "B-1", "finance", "").unwrap();
    let first = world.height + 2;
    assert_eq!(code(joined(&mut world, "finance", "", head(1))), "A4", "no member yet");
    world.close_until(first + 2);
    assert_eq!(code(joined(&mut world, "finance", "", head(first - 1))), "A4", "below its first height");
    assert_eq!(code(joined(&mut world, "finance", "", head(first + 1))), "A4", "not closed in");
    assert_eq!(code(joined(&mut world, "finance", "other", head(first))), "A3", "another key");
    assert_eq!(code(joined(&mut world, "land", "", head(first))), "A4", "joined since genesis");
    joined(&mut world, "finance", "", head(first)).unwrap();
    assert_eq!(code(joined(&mut world, "finance", "", head(first))), "A4", "once");
    assert_eq!(under_way(&world), Membership::default());
}

#[test]
fn a3_no_key_of_a_present_former_or_incoming_member_or_officer_serves_again() {
    let mut world = World::west_bengal();
    let with = |change: fn(&mut Validator)| {
        let mut member = validator("finance", "");
        change(&mut member);
        ValidatorChange::Add(member)
    };
    for (case, change) in [
        ("weak", with(|member| member.log = PublicKey([0; 32]))),
        ("present", with(|member| member.log = validator("it", "").network)),
        ("officer's", with(|member| member.network = key_of("land-intake").public())),
        ("twice", with(|member| member.network = member.log)),
    ] {
        assert_eq!(code(administer(&mut world, "it/voter", vote("B-1", &change, 9))), "A3", "{case}");
    }
    carry(&mut world, "B-1", &replace("it", "finance", ""), 0);
    let incoming = with(|member| member.consensus = key_of("fresh").public());
    assert_eq!(code(administer(&mut world, "it/voter", vote("B-2", &incoming, 9))), "A3", "incoming");
    let register = |name: &str| AuthorityCall::RegisterKey { key: key_of(name).public(), holder: Holder::Gateway };
    let clerk = register("validator finance log");
    assert_eq!(code(administer(&mut world, "land/admin", clerk.clone())), "A3");
    world.close().close();
    ready(&mut world, "B-1", "finance", "").unwrap();
    world.close().close();
    assert_eq!(departments(&world), ["district", "finance", "land", "minerals"]);
    assert_eq!(code(administer(&mut world, "land/admin", clerk)), "A3");
    // What served until now serves nobody again, not even its own department and not as an officer's.
    let back = ValidatorChange::Replace { leaving: token("finance"), member: validator("it", "") };
    assert_eq!(code(administer(&mut world, "land/voter", vote("B-3", &back, 9))), "A3");
    let former = register("validator it cosigner");
    assert_eq!(code(administer(&mut world, "it/admin", former)), "A3");
}

#[test]
fn a4_a_change_that_fits_no_more_when_it_is_due_is_refused_and_the_others_go_on() {
    let mut world = seven();
    let height = world.height + 10;
    carry(&mut world, "B-1", &remove("it"), height);
    carry(&mut world, "B-2", &remove("it"), height);
    carry(&mut world, "B-3", &remove("nobody"), height);
    carry(&mut world, "B-4", &remove("land"), height);
    // Home runs a validator: its new keys come by a replacement, not beside the old ones.
    carry(&mut world, "B-5", &ValidatorChange::Add(validator("home", "new")), height);
    let unknown = ValidatorChange::Add(validator("nowhere", ""));
    assert_eq!(code(administer(&mut world, "land/voter", vote("B-6", &unknown, height))), "A4");
    world.close().close();
    ready(&mut world, "B-5", "home", "new").unwrap();
    world.close_until(height);
    let outcomes: Vec<_> = ["B-1", "B-2", "B-3", "B-4", "B-5"].iter().map(|one| outcome(&world, one)).collect();
    let in_force = || Some(ChangeOutcome::InForce(height));
    let refused = || refused(height, "A4");
    assert_eq!(outcomes, [in_force(), refused(), refused(), in_force(), refused()]);
    assert_eq!(set(&world).len(), 5);
}

/// Enters a department as it was founded before anybody looked at its name.
fn found(world: &mut World, name: &str) {
    let roles = Timeline::since(0, [Role::DepartmentAdmin, Role::DepartmentVoter].into_iter().collect());
    let department = Department { id: token(name), roles, administered_from_record: 0 };
    world.put(department_key(&department.id), &department);
}

/// A change that was carried and is ready comes due; everybody before has joined.
fn come_due(world: &mut World, ballot: &str, change: ValidatorChange) -> Option<ChangeOutcome> {
    let pending = PendingChange {
        ballot: token(ballot),
        change,
        named_height: 0,
        recorded_height: world.height,
        ready_height: Some(world.height),
        lapses_at_ms: u64::MAX,
    };
    world.put(membership_key(), &Membership { pending: vec![pending], ..Membership::default() });
    world.close().close();
    outcome(world, ballot)
}

#[test]
fn a4_every_set_that_comes_into_force_has_a_policy() {
    for character in '!'..='~' {
        let mut world = World::west_bengal();
        let name = format!("a{character}z");
        found(&mut world, &name);
        let change = add(&name);
        let voted = administer(&mut world, "land/voter", vote("B-1", &change, 0));
        let height = world.height + 2;
        // On a chain whose departments carried it before anybody looked.
        let outcome = come_due(&mut world, "B-2", change);
        Policy::of_new_set(&World::origin(), &set(&world)).unwrap();
        if character == '+' {
            assert_eq!((code(voted), outcome), ("A4", refused(height, "A4")));
        } else {
            assert!(voted.is_ok(), "{name}");
            assert_eq!((outcome, set(&world).len()), (Some(ChangeOutcome::InForce(height)), 5), "{name}");
        }
    }
}

#[test]
fn a4_no_two_members_have_log_keys_of_one_id() {
    let mut world = World::west_bengal();
    // The pair of keys that ledger/tests/common names: under this origin both ids are 92b37d20.
    let [one, other] =
        [87_867, 131_317].map(|number| SecretKey::from_seed(&digest(&format!("test log key {number}")).0).public());
    let with_log = |department, log| ValidatorChange::Add(Validator { log, ..validator(department, "") });
    let outcome = come_due(&mut world, "B-1", with_log("finance", one));
    assert_eq!(outcome, Some(ChangeOutcome::InForce(world.height)));
    let outcome = come_due(&mut world, "B-2", with_log("home", other));
    assert_eq!(outcome, refused(world.height, "A4"));
    let outcome = come_due(&mut world, "B-3", add("home"));
    assert_eq!(outcome, Some(ChangeOutcome::InForce(world.height)));
    // The other one may take the first one's place.
    let change = ValidatorChange::Replace {
        leaving: token("finance"),
        member: Validator { log: other, ..validator("finance", "new") },
    };
    let outcome = come_due(&mut world, "B-4", change);
    assert_eq!(outcome, Some(ChangeOutcome::InForce(world.height)));
}

#[test]
fn a4_waiting_changes_are_bounded() {
    let mut world = World::west_bengal();
    for number in 0..PENDING_MAX {
        carry(&mut world, &format!("B-{number}"), &remove("it"), 1_000);
    }
    for department in ["district", "it"] {
        administer(&mut world, &format!("{department}/voter"), vote("B-last", &remove("it"), 1_000)).unwrap();
    }
    assert_eq!(code(administer(&mut world, "land/voter", vote("B-last", &remove("it"), 1_000))), "A4");
    let waiting = under_way(&world);
    world.close_until(RECENT_HEADS_MAX as u64 + 20);
    assert_eq!(under_way(&world).pending, waiting.pending);
    assert_eq!(under_way(&world).heads.len(), RECENT_HEADS_MAX);
}

#[test]
fn a8_votes_on_members_are_counted_by_the_set_in_force() {
    let mut world = World::west_bengal();
    seat(&mut world, "finance");
    let change = remove("land");
    // Five validators, quorum four. Finance votes as any other.
    for department in ["district", "finance", "it"] {
        administer(&mut world, &format!("{department}/voter"), vote("B-1", &change, 0)).unwrap();
    }
    assert_eq!(under_way(&world).pending.len(), 0);
    carry(&mut world, "B-2", &remove("it"), 0);
    world.close().close();
    assert_eq!(set(&world).quorum(), 3);
    // The department that left votes no more, and what it voted counts no more: two of the four are left.
    assert_eq!(code(administer(&mut world, "it/voter", vote("B-3", &change, 0))), "A8");
    let outcome = administer(&mut world, "minerals/voter", vote("B-1", &change, 0)).unwrap();
    assert_eq!(outcome.events.len(), 2, "district, finance and minerals are three of four: {outcome:?}");
}

#[test]
fn closing_a_block_without_changes_under_way_leaves_the_state_alone() {
    let mut world = World::west_bengal();
    let before = world.state.clone();
    world.close_until(50);
    assert_eq!(world.state, before);
}

#[test]
fn what_the_keys_of_a_member_sign_has_one_spelling() {
    let mut plain = validator("finance", "");
    (plain.consensus, plain.cosigner) = (PublicKey([1; 32]), PublicKey([2; 32]));
    (plain.log, plain.network) = (PublicKey([3; 32]), PublicKey([4; 32]));
    let head = HeadName { height: 5, id: World::block(5) };
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let keys: Vec<u8> = [1, 2, 3, 4].iter().flat_map(|byte| [*byte; 32]).collect();
    let block = [&5u64.to_le_bytes()[..], &World::block(5).0].concat();
    let ready = ReadyStatement { ballot: token("B-1"), member: plain.clone(), head };
    assert_eq!(ready.sign_bytes(), [text("B-1"), text("finance"), keys.clone(), block.clone()].concat());
    let joined = JoinedStatement { department: token("finance"), consensus: plain.consensus, head };
    assert_eq!(joined.sign_bytes(), [&text("finance"), &keys[..32], &block].concat());
}
