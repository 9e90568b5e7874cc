//! The statutory clock: C5.

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{ApplicationStep, CertificateCall, NewCertificate, Origin};
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Outcome, Refusal};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Provenance;

use crate::fixture::{BANKURA, call, certificate, issue_at, uri};
use crate::support::{World, code, digest, token};

#[test]
fn c5_a_deemed_certificate_waits_for_the_clock_less_query_time() {
    let mut world = World::west_bengal();
    let place = || Place::district(BANKURA);
    let step = |world: &mut World, posting: &str, step| {
        call(world, posting, CertificateCall::Application { application: token("CAF-1"), step })
    };
    let deemed = |world: &mut World, id: &str, kind: &str, at: Place| {
        let mut new = certificate(kind, id, &["GREEN"]);
        new.valid_from_ms = world.time_ms;
        new.valid_until_ms = (kind == "CTO").then_some(world.time_ms + DAY_MS);
        let origin = Origin::Deemed { application: token("CAF-1") };
        issue_at(world, "environment/consent", (kind, at, origin), new)
    };
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", place())), "C5");
    let receive = ApplicationStep::Receive { kind: token("CTO"), place: place(), form: digest("form") };
    step(&mut world, "district/intake", receive.clone()).unwrap();
    assert_eq!(code(step(&mut world, "district/intake", receive)), "D1");
    // The clock of 30 days stands still for 10.
    world.advance(5 * DAY_MS);
    let query = ApplicationStep::RaiseQuery { query: digest("query") };
    let answer = ApplicationStep::AnswerQuery { answer: digest("answer") };
    assert_eq!(code(step(&mut world, "district/intake", query.clone())), "C2");
    assert_eq!(code(step(&mut world, "district/intake", answer.clone())), "D2");
    step(&mut world, "environment/consent", query.clone()).unwrap();
    assert_eq!(code(step(&mut world, "environment/consent", query)), "D2");
    world.advance(10 * DAY_MS);
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", place())), "C5");
    step(&mut world, "district/intake", answer).unwrap();
    world.advance(25 * DAY_MS);
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", place())), "C5");
    world.advance(1);
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", Place::district(312))), "C5");
    deemed(&mut world, "CTE-T-08", "CTO", place()).unwrap();
    assert_eq!(world.document(&uri("CTO", "CTE-T-08")).provenance, Provenance::Deemed);
    assert_eq!(code(deemed(&mut world, "CTE-T-09", "CTO", place())), "C5");
}

/// A consent applied for on day 0 of a clock of 30 days.
struct Applied {
    world: World,
}

impl Applied {
    fn new() -> Self {
        let mut it = Self { world: World::west_bengal() };
        let place = Place::district(BANKURA);
        it.step("district/intake", ApplicationStep::Receive { kind: token("CTO"), place, form: digest("form") })
            .unwrap();
        it
    }

    fn step(&mut self, posting: &str, step: ApplicationStep) -> Result<Outcome, Refusal> {
        call(&mut self.world, posting, CertificateCall::Application { application: token("CAF-1"), step })
    }

    fn query(&mut self) -> Result<Outcome, Refusal> {
        self.step("environment/consent", ApplicationStep::RaiseQuery { query: digest("query") })
    }

    fn answer(&mut self) -> Result<Outcome, Refusal> {
        self.step("district/intake", ApplicationStep::AnswerQuery { answer: digest("answer") })
    }

    fn refuse(&mut self) -> Result<Outcome, Refusal> {
        self.step("environment/consent", ApplicationStep::Refuse { order: digest("order") })
    }

    fn issue(&mut self, id: &str, origin: Origin) -> Result<Outcome, Refusal> {
        let now_ms = self.world.time_ms;
        let new = NewCertificate {
            valid_from_ms: now_ms,
            valid_until_ms: Some(now_ms + DAY_MS),
            ..certificate("CTO", id, &["GREEN"])
        };
        issue_at(&mut self.world, "environment/consent", ("CTO", Place::district(BANKURA), origin), new)
    }

    fn deem(&mut self, id: &str) -> Result<Outcome, Refusal> {
        self.issue(id, Origin::Deemed { application: token("CAF-1") })
    }
}

#[test]
fn c5_an_application_that_was_decided_or_refused_in_time_is_not_deemed() {
    let mut it = Applied::new();
    it.world.advance(DAY_MS);
    let outcome = it.issue("CTO-1", Origin::Applied { application: token("CAF-1") }).unwrap();
    assert!(outcome.subjects.contains(&token("application/CAF-1")), "its history tells how it ended");
    assert_eq!(it.world.document(&uri("CTO", "CTO-1")).provenance, Provenance::Decided);
    it.world.advance(40 * DAY_MS);
    assert_eq!(code(it.deem("CTO-2")), "C5");
    assert_eq!(code(it.issue("CTO-2", Origin::Applied { application: token("CAF-1") })), "C5");
    assert_eq!(code(it.query()), "D2");

    let mut it = Applied::new();
    assert_eq!(code(it.step("district/intake", ApplicationStep::Refuse { order: digest("order") })), "C2");
    assert_eq!(code(it.step("environment/consent", ApplicationStep::Refuse { order: Hash::ZERO })), "C8");
    it.refuse().unwrap();
    assert_eq!(code(it.refuse()), "D2");
    it.world.advance(40 * DAY_MS);
    assert_eq!(code(it.deem("CTO-1")), "C5");
}

#[test]
fn c5_neither_a_late_query_nor_a_late_refusal_takes_a_lapsed_clock_away() {
    let mut it = Applied::new();
    it.world.advance(30 * DAY_MS + 1);
    assert_eq!(code(it.query()), "C5");
    assert_eq!(code(it.refuse()), "C5");
    let outcome = it.deem("CTO-1").unwrap();
    assert!(outcome.subjects.contains(&token("application/CAF-1")));

    // A query on the last day stops the clock however long its answer takes; then the rest of the clock runs.
    let mut it = Applied::new();
    it.world.advance(30 * DAY_MS);
    it.query().unwrap();
    it.world.advance(100 * DAY_MS);
    assert_eq!(code(it.deem("CTO-1")), "C5");
    it.answer().unwrap();
    assert_eq!(code(it.deem("CTO-1")), "C5");
    it.world.advance(1);
    it.deem("CTO-1").unwrap();
}

#[test]
fn c5_a_type_without_a_clock_is_never_deemed() {
    let mut world = World::west_bengal();
    let place = || Place::district(BANKURA);
    let step = ApplicationStep::Receive { kind: token("BIR"), place: place(), form: digest("form") };
    call(&mut world, "district/intake", CertificateCall::Application { application: token("CAF-1"), step }).unwrap();
    world.advance(1_000 * DAY_MS);
    let new = NewCertificate { valid_from_ms: world.time_ms, ..certificate("BIR", "BIR-1", &[]) };
    let origin = Origin::Deemed { application: token("CAF-1") };
    assert_eq!(code(issue_at(&mut world, "health/registrar-bankura", ("BIR", place(), origin), new)), "C5");
}
