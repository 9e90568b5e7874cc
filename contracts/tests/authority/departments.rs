//! Departments by vote: founded, given other roles, retired, and given another administrator.

use dalil_contracts::authority::department::{DEPARTMENT_ROLES_MAX, department_key};
use dalil_contracts::authority::{Department, DepartmentChange, NamedAdministrator, ValidatorChange};
use support::validator;

use super::*;

const FROM_MS: u64 = START_MS + DAY_MS;

fn named(department: &str, officer: &str) -> Option<NamedAdministrator> {
    Some(NamedAdministrator {
        key: key(officer),
        posting: token(&format!("{department}/{officer}")),
        office: token(&format!("{department}/head")),
    })
}

fn change(department: &str, roles: &[Role], administrator: Option<NamedAdministrator>) -> Matter {
    let roles = roles.iter().copied().collect();
    Matter::Department(DepartmentChange { department: token(department), roles, administrator })
}

fn tourism() -> Matter {
    change("tourism", &[Role::DepartmentAdmin, Role::WelfareOfficer], named("tourism", "tourism-admin"))
}

fn open_counter() -> AuthorityCall {
    AuthorityCall::OpenOffice { office: token("tourism/counter"), jurisdiction: Jurisdiction::State }
}

/// The first vote on a matter that cannot be carried is refused already.
fn refused(world: &mut World, matter: Matter) -> &'static str {
    let call =
        AuthorityCall::Vote { ballot: token("B-refused"), matter, effective_from_ms: FROM_MS, choice: Choice::Approve };
    code(administer(world, "it/voter", call))
}

#[test]
fn a8_a_department_is_founded_by_vote_and_begins_to_work() {
    let mut world = World::west_bengal();
    let outcome = decide(&mut world, "B-1", &tourism(), FROM_MS).unwrap();
    let events: Vec<_> = outcome.events.iter().map(|event| event.name).collect();
    assert_eq!(events, ["authority.vote_cast", "authority.department_founded", "authority.administrator_named"]);
    // Not before its time.
    assert_eq!(code(administer(&mut world, "tourism/tourism-admin", open_counter())), "A1");
    world.at(FROM_MS);
    administer(&mut world, "tourism/tourism-admin", open_counter()).unwrap();
    administer(&mut world, "tourism/tourism-admin", register("clerk")).unwrap();
    let mut clerk = posting("tourism/clerk", "tourism/counter", "clerk", Role::WelfareOfficer);
    clerk.from_ms = FROM_MS;
    administer(&mut world, "tourism/tourism-admin", AuthorityCall::PostOfficer(clerk.clone())).unwrap();
    clerk.id = token("tourism/court");
    clerk.role = Role::CourtEntry;
    assert_eq!(code(administer(&mut world, "tourism/tourism-admin", AuthorityCall::PostOfficer(clerk))), "A1");
}

#[test]
fn a8_a_department_that_could_not_work_is_not_voted_on() {
    let mut world = World::west_bengal();
    let admin = [Role::DepartmentAdmin];
    assert_eq!(refused(&mut world, change("tourism", &admin, None)), "A8");
    assert_eq!(refused(&mut world, change("tourism", &[Role::Bdo], named("tourism", "x"))), "A8");
    assert_eq!(refused(&mut world, change("tourism", &[], None)), "A8");
    assert_eq!(refused(&mut world, change("works", &[], named("works", "x"))), "A8");
    assert_eq!(refused(&mut world, change("tourism", &admin, named("works", "x"))), "A2");
    assert_eq!(refused(&mut world, change("tourism", &admin, named("tourism", "works-admin"))), "A3");
    let validators = NamedAdministrator { key: key("validator it log"), ..named("tourism", "x").unwrap() };
    assert_eq!(refused(&mut world, change("tourism", &admin, Some(validators))), "A3");
    assert_eq!(refused(&mut world, change("district", &admin, named("district", "district-gateway"))), "A4");
    let weak = NamedAdministrator { key: PublicKey([0; 32]), ..named("tourism", "x").unwrap() };
    assert_eq!(refused(&mut world, change("tourism", &admin, Some(weak))), "A3");
    let used = NamedAdministrator { posting: token("works/admin"), ..named("works", "x").unwrap() };
    assert_eq!(refused(&mut world, change("works", &admin, Some(used))), "A1");
}

#[test]
fn p2_a_departments_name_can_be_part_of_other_names() {
    let mut world = World::west_bengal();
    for name in ["tour/ism", "tour+ism"] {
        assert_eq!(refused(&mut world, change(name, &[Role::DepartmentAdmin], named(name, "x"))), "P2", "{name}");
        let mut establishment = World::plan().with_keys(|officer| key(officer.as_str()));
        establishment.departments[0].id = token(name);
        assert_eq!(establishment.initial_state(), Err(EstablishmentError::DepartmentName(token(name))));
    }
}

#[test]
fn a1_a_role_that_a_department_loses_is_acted_in_no_more() {
    let mut world = World::west_bengal();
    let without_bdo = change("panchayat", &[Role::DepartmentAdmin, Role::DepartmentVoter, Role::Sdo], None);
    decide(&mut world, "B-1", &without_bdo, FROM_MS).unwrap();
    let receive = |id: &str| {
        let place = Place::block(305, 2795);
        let step = ApplicationStep::Receive { kind: token("INC"), place, form: digest(id) };
        Call::Certificate(CertificateCall::Application { application: token(id), step })
    };
    world.call("panchayat/bdo-2795", receive("A-1")).unwrap();
    world.at(FROM_MS);
    assert_eq!(code(world.call("panchayat/bdo-2795", receive("A-2"))), "A1");
    administer(&mut world, "panchayat/admin", register("still-administered")).unwrap();
    // What is over takes no room; what waits is bounded, and no two hold from one moment on.
    let at = |time_ms| (0..time_ms).map(|day| FROM_MS + (day + 1) * DAY_MS);
    for (number, from_ms) in at(DEPARTMENT_ROLES_MAX as u64 - 1).enumerate() {
        decide(&mut world, &format!("C-{number}"), &without_bdo, from_ms).unwrap();
    }
    let full = decide(&mut world, "C-full", &without_bdo, FROM_MS + 90 * DAY_MS);
    assert_eq!(code(full), "A8");
    let department: Department = world.get(&department_key(&token("panchayat"))).unwrap();
    assert_eq!(department.roles.values.len(), DEPARTMENT_ROLES_MAX);
}

#[test]
fn a1_a_department_that_is_retired_acts_no_more() {
    let mut world = World::west_bengal();
    let outcome = decide(&mut world, "B-1", &change("works", &[], None), FROM_MS).unwrap();
    assert_eq!(outcome.events[1].name, "authority.department_retired");
    administer(&mut world, "works/admin", register("works-last")).unwrap();
    world.at(FROM_MS);
    assert_eq!(code(administer(&mut world, "works/admin", register("works-later"))), "A1");
    // It comes back by vote alone, with an administrator of the departments' choice or its own.
    let roles = [Role::DepartmentAdmin, Role::WorksOfficer];
    decide(&mut world, "B-2", &change("works", &roles, None), FROM_MS + DAY_MS).unwrap();
    world.at(FROM_MS + DAY_MS);
    administer(&mut world, "works/admin", register("works-again")).unwrap();
}

#[test]
fn a8_a_vote_names_another_administrator_where_a_key_fell_into_wrong_hands() {
    let mut world = World::west_bengal();
    let roles = [Role::DepartmentAdmin, Role::FinanceOfficer];
    let rescue = change("finance", &roles, named("finance", "rescuer"));
    // Whoever holds the old key makes administrators of his own, ahead of time too.
    administer(&mut world, "finance/admin", register("accomplice")).unwrap();
    let mut own = posting("finance/accomplice", "finance/head", "accomplice", Role::DepartmentAdmin);
    own.from_ms = FROM_MS;
    administer(&mut world, "finance/admin", AuthorityCall::PostOfficer(own)).unwrap();
    decide(&mut world, "B-1", &rescue, FROM_MS).unwrap();
    // From the vote on he undoes nothing.
    assert_eq!(code(administer(&mut world, "finance/admin", AuthorityCall::RevokeKey { key: key("rescuer") })), "A1");
    assert_eq!(code(administer(&mut world, "finance/rescuer", register("early"))), "A1");
    world.at(FROM_MS);
    assert_eq!(code(administer(&mut world, "finance/accomplice", register("late"))), "A1");
    administer(&mut world, "finance/rescuer", AuthorityCall::RevokeKey { key: key("finance-admin") }).unwrap();
    administer(&mut world, "finance/rescuer", register("second-admin")).unwrap();
    let mut second = posting("finance/second-admin", "finance/head", "second-admin", Role::DepartmentAdmin);
    second.from_ms = FROM_MS;
    administer(&mut world, "finance/rescuer", AuthorityCall::PostOfficer(second)).unwrap();
    administer(&mut world, "finance/second-admin", register("works-again")).unwrap();
}

#[test]
fn a4_a_department_with_a_validator_keeps_its_vote() {
    let mut world = World::west_bengal();
    assert_eq!(refused(&mut world, change("land", &[], None)), "A4");
    assert_eq!(refused(&mut world, change("land", &[Role::DepartmentAdmin], None)), "A4");
    // Nor does one get a validator that loses its vote later.
    decide(&mut world, "B-1", &change("finance", &[Role::DepartmentAdmin], None), FROM_MS).unwrap();
    let add = Matter::Validators { change: ValidatorChange::Add(validator("finance", "")), from_height: 9 };
    assert_eq!(refused(&mut world, add.clone()), "A4");
    let both = [Role::DepartmentAdmin, Role::DepartmentVoter];
    let mut world = World::west_bengal();
    decide(&mut world, "B-2", &change("finance", &both, None), FROM_MS).unwrap();
    decide(&mut world, "B-3", &add, FROM_MS).unwrap();
    assert_eq!(refused(&mut world, change("finance", &[Role::DepartmentAdmin], None)), "A4");
}
