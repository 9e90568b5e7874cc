//! Batches: up to 4,096 certificates by one record, each as if issued singly (P3).

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{
    Batch, BatchLeaf, CertificateCall, Citation, Effect, LEAVES_MAX, Origin, ReissueBatch, ReissueLeaf, Replacement,
    certificate_in,
};
use dalil_contracts::{Call, Invocation, Outcome, Refusal};
use dalil_ledger::block::Attachment;
use dalil_ledger::codec::{self, Set};
use dalil_ledger::document::Status;

use crate::support::{START_MS, World, code, digest, token};

fn uri(number: u32) -> String {
    format!("in.gov.wb.education-MDK-{:016x}", u64::from(number) * 0x9e37_79b9)
}

fn leaf(number: u32) -> BatchLeaf {
    BatchLeaf {
        uri: token(&uri(number)),
        number: token(&format!("MDK-{number}")),
        digest: digest(&uri(number)),
        subject: token(&format!("candidate/{number}")),
        valid_from_ms: START_MS,
        valid_until_ms: None,
        claims_root: None,
        classes: Set::default(),
    }
}

fn list(numbers: impl IntoIterator<Item = u32>) -> Attachment {
    Attachment { leaves: numbers.into_iter().map(|number| codec::encode(&leaf(number))).collect() }
}

fn batch(list: &Attachment, count: u32) -> Batch {
    Batch { kind: token("MDK"), place: Place::district(315), origin: Origin::Decided, root: list.root(), count }
}

fn issue(batch: Batch) -> Call {
    Call::Certificate(CertificateCall::IssueBatch(batch))
}

#[test]
fn a_batch_of_4096_results_is_as_good_as_single_ones() {
    let mut world = World::west_bengal();
    let results = list(1..=LEAVES_MAX);
    world.attachments = vec![list([9_999]), results.clone()];
    let outcome = world.call("education/board", issue(batch(&results, LEAVES_MAX))).unwrap();
    assert_eq!(outcome.events.len(), 4_096);
    assert_eq!(world.status(&uri(4_017)).status, Status::Valid);
    let entry = world.document(&uri(4_017));
    assert_eq!((entry.record, entry.subject.as_str()), (1, "candidate/4017"));

    // The same certificate issued singly gives the same state.
    let mut single = World::west_bengal();
    let call = CertificateCall::Issue {
        kind: token("MDK"),
        place: Place::district(315),
        origin: Origin::Decided,
        certificate: leaf(4_017),
    };
    single.call("education/board", Call::Certificate(call)).unwrap();
    assert!(single.state.iter().all(|(key, value)| world.state.get(key) == Some(value)));

    let revoke = CertificateCall::Revoke {
        uri: token(&uri(4_017)),
        effect: Effect::AbInitio,
        reason: digest("reason"),
        cites: Some(Citation::Order(digest("order"))),
    };
    world.call("education/board-head", Call::Certificate(revoke)).unwrap();
    assert_eq!(world.status(&uri(4_017)).status, Status::Revoked);
    assert_eq!(world.status(&uri(4_016)).status, Status::Valid);
}

#[test]
fn p3_the_list_of_a_batch_is_there_complete_and_well_formed() {
    let mut world = World::west_bengal();
    let results = list(1..=3);
    let refused = |world: &mut World, batch| {
        let before = world.state.clone();
        let code = code(world.call("education/board", issue(batch)));
        assert_eq!(world.state, before, "a refused batch leaves nothing behind");
        code
    };
    assert_eq!(refused(&mut world, batch(&results, 3)), "P3", "no list");
    world.attachments = vec![results.clone()];
    assert_eq!(refused(&mut world, batch(&results, 2)), "P3");
    assert_eq!(refused(&mut world, batch(&results, 4)), "P3");
    assert_eq!(refused(&mut world, batch(&results, 0)), "P3");
    assert_eq!(refused(&mut world, batch(&results, LEAVES_MAX + 1)), "P3");
    for broken in [
        vec![],
        b"garbage".to_vec(),
        [codec::encode(&leaf(3)), vec![0]].concat(),
        codec::encode(&leaf(3))[1..].to_vec(),
        vec![0; 2_000],
    ] {
        let mut list = list(1..=2);
        list.leaves.push(broken);
        world.attachments = vec![list.clone()];
        assert_eq!(refused(&mut world, batch(&list, 3)), "P3");
    }
}

#[test]
fn a_batch_obeys_every_rule_of_single_certificates() {
    let mut world = World::west_bengal();
    let refused = |world: &mut World, posting: &str, list: Attachment| {
        world.attachments = vec![list.clone()];
        let count = u32::try_from(list.leaves.len()).unwrap();
        code(world.call(posting, issue(batch(&list, count))))
    };
    assert_eq!(refused(&mut world, "district/sdo-bankura", list(1..=2)), "C2");
    let mut other_number = leaf(1);
    other_number.number = token("another");
    let twice = Attachment { leaves: vec![codec::encode(&leaf(1)), codec::encode(&other_number)] };
    assert_eq!(refused(&mut world, "education/board", twice), "D1");
    assert_eq!(refused(&mut world, "education/board", list([1, 2, 1])), "C1");
    let deemed = Batch { origin: Origin::Deemed { application: token("CAF-1") }, ..batch(&list([1]), 1) };
    assert_eq!(code(world.call("education/board", issue(deemed))), "C5");
}

#[test]
fn a_call_says_which_list_it_needs() {
    let list = list([1]);
    let invocation = Invocation { posting: token("education/board"), call: issue(batch(&list, 1)) };
    assert_eq!(invocation.attachment_root(), Some(list.root()));
    let copies = copies([1]);
    let lost = ReissueBatch { kind: token("MDK"), place: Place::district(315), root: copies.root(), count: 1 };
    let call = Call::Certificate(CertificateCall::ReissueBatch(lost));
    let invocation = Invocation { posting: token("education/board"), call };
    assert_eq!(invocation.attachment_root(), Some(copies.root()));
    // What a receipt shows of either list is the certificate issued.
    assert_eq!(certificate_in(&copies.leaves[0]), Some(copy(1).certificate));
    assert_eq!(certificate_in(&list.leaves[0]), Some(leaf(1)));
    assert_eq!(certificate_in(&copies.leaves[0][1..]), None);
    let single = CertificateCall::ConfirmStrike { strike: 1 };
    let invocation = Invocation { posting: token("welfare/class"), call: Call::Certificate(single) };
    assert_eq!(invocation.attachment_root(), None);
}

/// Copies of results, numbered 10,000 higher.
fn copy(number: u32) -> ReissueLeaf {
    let certificate =
        BatchLeaf { number: token(&format!("MDK-{number}")), subject: leaf(number).subject, ..leaf(number + 10_000) };
    ReissueLeaf { old: token(&uri(number)), certificate }
}

fn copies(numbers: impl IntoIterator<Item = u32>) -> Attachment {
    Attachment { leaves: numbers.into_iter().map(|number| codec::encode(&copy(number))).collect() }
}

fn reissue(world: &mut World, posting: &str, list: &Attachment) -> Result<Outcome, Refusal> {
    world.attachments = vec![list.clone()];
    let count = u32::try_from(list.leaves.len()).unwrap();
    let batch = ReissueBatch { kind: token("MDK"), place: Place::district(315), root: list.root(), count };
    world.call(posting, Call::Certificate(CertificateCall::ReissueBatch(batch)))
}

fn with_results(count: u32) -> World {
    let mut world = World::west_bengal();
    let results = list(1..=count);
    world.attachments = vec![results.clone()];
    world.call("education/board", issue(batch(&results, count))).unwrap();
    world
}

#[test]
fn after_a_flood_one_record_supersedes_a_list() {
    let mut world = with_results(LEAVES_MAX);
    let outcome = reissue(&mut world, "education/board", &copies(1..=LEAVES_MAX)).unwrap();
    assert_eq!((outcome.events.len(), outcome.place), (2 * 4_096, Some(Place::district(315))));
    assert_eq!(outcome.events[0].name, "certificate.replaced");
    for number in [1, 4_017, LEAVES_MAX] {
        let (old, new) = (uri(number), uri(number + 10_000));
        assert_eq!((world.status(&old).status, world.status(&old).reason.as_str()), (Status::Superseded, "reissued"));
        assert_eq!(world.status(&new).status, Status::Valid);
        assert_eq!(world.document(&old).superseded_by, Some(token(&new)));
        assert_eq!(world.document(&new).supersedes, Some(token(&old)));
    }

    // Each is entered exactly as if it were replaced singly.
    let mut single = with_results(LEAVES_MAX);
    let ReissueLeaf { old, certificate } = copy(4_017);
    let call = CertificateCall::Replace { old, replacement: Replacement::Loss, certificate };
    let before = single.state.clone();
    single.call("education/board", Call::Certificate(call)).unwrap();
    let changed = single.state.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    assert!(changed.clone().count() >= 4);
    assert!(changed.into_iter().all(|(key, value)| world.state.get(key) == Some(value)));
}

#[test]
fn a_list_of_copies_obeys_every_rule_of_single_ones_and_is_taken_whole_or_not_at_all() {
    let refused = |world: &mut World, posting: &str, list: &Attachment| {
        let before = world.state.clone();
        let code = code(reissue(world, posting, list));
        assert_eq!(world.state, before, "nothing is half applied");
        code
    };
    let mut world = with_results(3);
    assert_eq!(refused(&mut world, "district/sdo-bankura", &copies(1..=3)), "C2");
    assert_eq!(refused(&mut world, "education/board", &copies(1..=4)), "D2", "the fourth was never issued");
    assert_eq!(refused(&mut world, "education/board", &copies([1, 2, 1])), "D3");
    let mut stranger = copy(2);
    stranger.certificate.subject = token("somebody-else");
    let strangers = Attachment { leaves: vec![codec::encode(&copy(1)), codec::encode(&stranger)] };
    assert_eq!(refused(&mut world, "education/board", &strangers), "C2");
    assert_eq!(refused(&mut world, "education/board", &list(1..=3)), "P3", "leaves of another kind");
    assert_eq!(refused(&mut world, "education/board", &Attachment { leaves: Vec::new() }), "P3");
    let elsewhere =
        ReissueBatch { kind: token("MDK"), place: Place::district(305), root: copies(1..=3).root(), count: 3 };
    world.attachments = vec![copies(1..=3)];
    let call = Call::Certificate(CertificateCall::ReissueBatch(elsewhere));
    assert_eq!(code(world.call("education/board", call)), "C2");
    let suspend = CertificateCall::Suspend { uri: token(&uri(3)), reason: digest("reason") };
    world.call("education/board", Call::Certificate(suspend)).unwrap();
    assert_eq!(refused(&mut world, "education/board", &copies(1..=3)), "D2");
    reissue(&mut world, "education/board", &copies(1..=2)).unwrap();
}
