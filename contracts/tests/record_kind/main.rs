//! The worked example of `docs/record-kinds.md`: a new kind of record, and how little it takes.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod loudspeaker;
#[path = "../support/mod.rs"]
mod support;

use dalil_contracts::authority::PostingId;
use dalil_contracts::authority::posting::posting_key;
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Context, Outcome, Refusal};
use dalil_ledger::document::Status;
use dalil_ledger::state::Overlay;
use loudspeaker::{Grant, LoudspeakerCall};
use serde::Deserialize;
use support::{START_MS, World, code, digest, token};

const MODULE: &str = include_str!("loudspeaker.rs");
const DISPATCHER: &str = include_str!("main.rs");
const TEMPLATE: &str = include_str!("loudspeaker.json");
const GUIDE: &str = include_str!("../../../docs/record-kinds.md");
const URI: &str = "in.gov.wb.district-SOUND-7f3a9c2e51d0b846";

/// A call of one kind, as `dalil_contracts::Call` has it, with one variant more.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    Loudspeaker(LoudspeakerCall),
    #[serde(untagged)]
    Other(dalil_contracts::Call),
}

/// As `dalil_contracts::apply`, with one arm more.
fn apply(state: &mut Overlay<'_>, context: &Context<'_>, posting: &PostingId, call: Call) -> Result<Outcome, Refusal> {
    match call {
        Call::Loudspeaker(call) => loudspeaker::apply(state, context, posting, &call),
        Call::Other(call) => {
            let invocation = dalil_contracts::Invocation { posting: posting.clone(), call };
            dalil_contracts::apply(state, context, &invocation)
        }
    }
}

/// A call with its posting, as an office hands it in.
#[derive(Debug, Clone, Deserialize)]
struct Invocation {
    posting: PostingId,
    call: Call,
}

fn template() -> Vec<Invocation> {
    serde_json::from_str(TEMPLATE).unwrap()
}

fn world() -> World {
    let mut world = World::west_bengal();
    world.set_parameter(loudspeaker::DAYS_MAX, 3);
    world
}

fn call(world: &mut World, posting: &str, call: Call) -> Result<Outcome, Refusal> {
    let record: dalil_contracts::authority::Posting = world.get(&posting_key(&token(posting))).unwrap();
    let context = Context {
        chain: World::chain(),
        height: world.height,
        time_ms: world.time_ms,
        record: world.record,
        signer: record.officer,
        attachments: &[],
    };
    let mut overlay = Overlay::new(&world.state);
    let outcome = apply(&mut overlay, &context, &token(posting), call)?;
    let changes = overlay.into_changes();
    world.state.extend(changes.into_iter().map(|(key, value)| (key, value.unwrap())));
    world.record += 1;
    Ok(outcome)
}

fn grant() -> Grant {
    match template().remove(0).call {
        Call::Loudspeaker(LoudspeakerCall::Grant(grant)) => grant,
        other => panic!("the template begins with a grant, got {other:?}"),
    }
}

fn sdo(world: &mut World, grant: Grant) -> Result<Outcome, Refusal> {
    call(world, "district/sdo-bankura", Call::Loudspeaker(LoudspeakerCall::Grant(grant)))
}

#[test]
fn the_template_is_accepted_as_it_stands() {
    let mut world = world();
    let [granted, taken_back] = template().try_into().unwrap();
    let outcome = call(&mut world, granted.posting.as_str(), granted.call).unwrap();
    assert_eq!((outcome.events[0].name, outcome.place.unwrap().district), ("loudspeaker.granted", 305));
    assert_eq!(world.status(URI).status, Status::NotYetValid);
    world.advance(DAY_MS);
    assert_eq!(world.status(URI).status, Status::Valid);
    call(&mut world, taken_back.posting.as_str(), taken_back.call).unwrap();
    assert_eq!((world.status(URI).status, world.status(URI).reason.as_str()), (Status::Revoked, "taken_back"));
}

#[test]
fn the_other_kinds_go_on_as_before() {
    let other =
        serde_json::json!({ "authority": { "open_office": { "office": "land/new", "jurisdiction": "state" } } });
    call(&mut world(), "land/admin", serde_json::from_value(other).unwrap()).unwrap();
}

#[test]
fn s1_a_permission_is_for_few_days_to_come() {
    let mut world = world();
    assert_eq!(code(sdo(&mut world, Grant { from_ms: START_MS - 1, ..grant() })), "S1");
    assert_eq!(code(sdo(&mut world, Grant { until_ms: grant().from_ms + 3 * DAY_MS + 1, ..grant() })), "S1");
    sdo(&mut world, grant()).unwrap();
}

#[test]
fn s2_at_one_place_one_permission_is_in_force() {
    let mut world = world();
    sdo(&mut world, grant()).unwrap();
    let second = Grant { uri: token("in.gov.wb.district-SOUND-second00000"), digest: digest("second"), ..grant() };
    assert_eq!(code(sdo(&mut world, second.clone())), "S2");
    let after = Grant { from_ms: grant().until_ms, until_ms: grant().until_ms + DAY_MS, ..second };
    sdo(&mut world, after).unwrap();
}

#[test]
fn s3_the_granting_office_or_a_court_takes_it_back_by_order() {
    let mut world = world();
    sdo(&mut world, grant()).unwrap();
    let take_back = |order| Call::Loudspeaker(LoudspeakerCall::TakeBack { uri: token(URI), order });
    assert_eq!(code(call(&mut world, "district/sdo-hooghly", take_back(digest("order")))), "A2");
    assert_eq!(code(call(&mut world, "district/sdo-bankura", take_back(dalil_ledger::crypto::Hash::ZERO))), "S3");
    call(&mut world, "district/sdo-bankura", take_back(digest("order"))).unwrap();
    assert_eq!(code(call(&mut world, "district/sdo-bankura", take_back(digest("order")))), "D2");
}

/// Each piece of code in the guide stands in the example, line by line; `…` leaves lines out.
#[test]
fn the_guide_shows_the_example_as_it_is() {
    let normal = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sources = [MODULE, DISPATCHER, TEMPLATE].map(normal);
    let blocks: Vec<_> = GUIDE.split("```").skip(1).step_by(2).filter(|block| !block.starts_with("text")).collect();
    assert!(blocks.len() > 4, "{}", blocks.len());
    for block in blocks {
        let (_, code) = block.split_once('\n').unwrap();
        for piece in code.split('…') {
            let piece = normal(piece);
            assert!(sources.iter().any(|source| source.contains(&piece)), "not in the example: {piece}");
        }
    }
}
