//! A checkpost without a network: slips, books, and the order of judging.

use dalil_contracts::authority::{AuthorityCall, Holder};
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::check::{CheckChallan, CheckPlace, Finding};
use dalil_contracts::mineral::checkpost::{
    Book, BookQuestion, CHALLANS_MAX, ChallanSlip, Judgement, Plate, PlateError, Reason, STOP_MS_MAX, Scene, Stop,
    Verdict, judge,
};
use dalil_contracts::mineral::device::RegisterDevice;
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::mineral::range::AllocateRange;
use dalil_contracts::mineral::seize::SeizeChallan;
use dalil_contracts::mineral::source::Source;
use dalil_contracts::units::{DAY_MS, HOUR_MS, Kilograms, MINUTE_MS};
use dalil_contracts::{Call, Context, Outcome, Refusal};
use dalil_ledger::crypto::{PublicKey, SecretKey};
use dalil_ledger::qr::cbor::{self, CborError};
use dalil_ledger::qr::{Code, QrError, SLIP_BYTES_MAX, Slip};

use crate::quarry::{
    AGENT, BANKURA, HOOGHLY, OFFICER, PERMIT, YARD_AGENT, accepted, cancel, challan_of, check_of, deliver, issue, load,
    quarry, send, vehicle,
};
use crate::support::{START_MS, World, digest, key_of, token};

pub(crate) const PLATE: &str = "WB00A0001";
pub(crate) const OTHER_PLATE: &str = "WB00A0002";
pub(crate) const POLICE: &str = "home/police-hooghly";

fn plate(text: &str) -> Plate {
    text.parse().unwrap()
}

/// The key of the sample's agent.
pub(crate) fn agent_key(world: &World) -> SecretKey {
    let posting: dalil_contracts::authority::Posting =
        world.get(&dalil_contracts::authority::posting::posting_key(&token(AGENT))).unwrap();
    let key = key_of("minerals-agent-L1");
    assert_eq!(key.public(), posting.officer);
    key
}

/// What the agent says of a challan on record.
pub(crate) fn slip_of(world: &World, number: &str) -> Slip {
    ChallanSlip::of(&challan_of(world, number), plate(PLATE)).sign(&agent_key(world), &World::chain()).unwrap()
}

pub(crate) fn book_of(world: &World, numbers: &[&str]) -> Book {
    let question = BookQuestion {
        asked_at_ms: world.time_ms,
        challans: numbers.iter().map(|number| token(number)).collect(),
        ..BookQuestion::default()
    };
    question.answer(&world.state).unwrap().unwrap()
}

pub(crate) fn place((post, district, point): (&str, u32, dalil_contracts::mineral::geo::Point)) -> CheckPlace {
    CheckPlace { post: token(post), district, point }
}

/// A checkpost at Hooghly that heard of the ledger at `heard_ms` and sees a truck at `now_ms`.
pub(crate) struct Post<'a> {
    pub(crate) book: &'a Book,
    pub(crate) heard_ms: u64,
    pub(crate) now_ms: u64,
    pub(crate) plate: &'a str,
    pub(crate) gross_kg: Option<Kilograms>,
    pub(crate) stop: Stop,
    pub(crate) journal: &'a [CheckChallan],
}

impl<'a> Post<'a> {
    pub(crate) fn new(book: &'a Book, now_ms: u64) -> Self {
        Self { book, heard_ms: now_ms, now_ms, plate: PLATE, gross_kg: None, stop: Stop::New, journal: &[] }
    }

    pub(crate) fn sees(&self, slip: &Slip) -> Judgement {
        let (plate, place) = (plate(self.plate), place(HOOGHLY));
        let scene = Scene {
            plate: &plate,
            vehicle: vehicle(self.plate),
            place: &place,
            now_ms: self.now_ms,
            gross_kg: self.gross_kg,
            stop: self.stop,
            journal: self.journal,
        };
        judge(slip, &World::chain(), (self.book, self.heard_ms), 12 * HOUR_MS, &scene)
    }

    fn answer(&self, slip: &Slip) -> (Verdict, Reason) {
        let judged = self.sees(slip);
        (judged.verdict, judged.reason)
    }
}

fn invalid(reason: Reason) -> (Verdict, Reason) {
    (Verdict::Invalid, reason)
}

/// A load on the road, its slip, and the book of this moment.
pub(crate) fn on_the_road() -> (World, Slip, Book) {
    let mut world = quarry();
    send(&mut world, "C-1", PLATE);
    world.advance(HOUR_MS);
    let (slip, book) = (slip_of(&world, "C-1"), book_of(&world, &["C-1"]));
    (world, slip, book)
}

#[test]
fn a_slip_is_read_back_from_its_code() {
    let (world, slip, _) = on_the_road();
    let Code::Slip(read) = Code::parse(&slip.to_text()).unwrap() else { panic!("a slip") };
    assert_eq!(read, slip);
    let said = ChallanSlip::read(&read).unwrap();
    assert_eq!(said, ChallanSlip::of(&challan_of(&world, "C-1"), plate(PLATE)));
    assert_eq!((said.number.as_str(), said.plate.as_str(), said.mass_kg), ("C-1", PLATE, Kilograms(17_600)));
    assert_eq!(
        slip.to_text(),
        include_str!("../samples/challan-slip.txt").trim_end(),
        "the format of slips on paper changed by accident"
    );
}

#[test]
fn the_longest_challan_has_a_slip() {
    let long = |length: usize| "W".repeat(length);
    let said = ChallanSlip {
        number: token(&long(48)),
        plate: plate(&long(12)),
        site: token(&long(48)),
        mineral: token(&long(24)),
        quantity: Quantity::Kilograms(u64::MAX),
        mass_kg: Kilograms(u64::MAX),
        route: token(&long(64)),
        to_state: u32::MAX,
        to_district: u32::MAX,
        valid_from_ms: u64::MAX,
        valid_until_ms: u64::MAX,
    };
    let slip = said.sign(&key_of("any"), &World::chain()).unwrap();
    assert!(cbor::encode(&slip).len() <= SLIP_BYTES_MAX);
    assert_eq!(ChallanSlip::read(&slip).unwrap(), said);
}

#[test]
fn a_plate_is_letters_and_digits_and_nothing_that_looks_like_them() {
    assert_eq!(plate("wb 00-a.0001"), plate("WB00A0001"));
    // Cyrillic Ve and a right-to-left override.
    for (text, character) in [("W\u{412}00A0001", '\u{412}'), ("\u{202e}WB00A0001", '\u{202e}'), ("WB00/1", '/')] {
        assert_eq!(text.parse::<Plate>(), Err(PlateError::Character { character }));
    }
    assert_eq!("WB1".parse::<Plate>(), Err(PlateError::Length(3)));
    assert_eq!("WB00A00010000".parse::<Plate>(), Err(PlateError::Length(13)));
    assert!("W".repeat(1_000_000).parse::<Plate>().is_err());
}

#[test]
fn a_plate_in_another_spelling_is_no_plate_of_a_slip() {
    let (world, ..) = on_the_road();
    let bytes = cbor::encode(&ChallanSlip::of(&challan_of(&world, "C-1"), plate(PLATE)));
    let at = bytes.windows(9).position(|window| window == PLATE.as_bytes()).unwrap();
    let mut lower = bytes.clone();
    lower[at] = b'w';
    assert_eq!(cbor::decode::<ChallanSlip>(&lower, SLIP_BYTES_MAX), Err(CborError::NotDeterministic));
    assert!(cbor::decode::<ChallanSlip>(&bytes[..bytes.len() - 1], SLIP_BYTES_MAX).is_err());
}

#[test]
fn a_load_on_the_road_is_valid_and_offline_as_of_the_last_word() {
    let (world, slip, book) = on_the_road();
    let post = Post::new(&book, world.time_ms);
    assert_eq!(post.answer(&slip), (Verdict::Valid, Reason::InForce));
    let later = Post { now_ms: world.time_ms + HOUR_MS, ..Post::new(&book, world.time_ms) };
    let judged = later.sees(&slip);
    assert_eq!((judged.verdict, judged.reason), (Verdict::ValidOffline, Reason::InForce));
    assert_eq!((judged.as_of_ms, judged.earlier), (world.time_ms, None));
}

#[test]
fn only_a_listed_key_of_the_site_speaks_for_a_challan() {
    let (world, slip, book) = on_the_road();
    let said = ChallanSlip::read(&slip).unwrap();
    let post = Post::new(&book, world.time_ms);
    let forged = said.sign(&key_of("forger"), &World::chain()).unwrap();
    assert_eq!(post.answer(&forged), invalid(Reason::UnknownIssuer));
    let mut borrowed_id = forged.clone();
    borrowed_id.body.issuer = slip.body.issuer;
    assert_eq!(post.answer(&borrowed_id), invalid(Reason::BadSignature));
    let of_another_chain = said.sign(&agent_key(&world), &digest("another chain")).unwrap();
    assert_eq!(post.answer(&of_another_chain), invalid(Reason::BadSignature));
    let elsewhere = ChallanSlip { site: token("L-OTHER"), ..said };
    let elsewhere = elsewhere.sign(&agent_key(&world), &World::chain()).unwrap();
    assert_eq!(post.answer(&elsewhere), invalid(Reason::OtherSite));
    let other_kind = Slip::sign(token("ROR"), &ChallanSlip::read(&slip).unwrap(), &agent_key(&world), &World::chain());
    assert_eq!(post.answer(&other_kind.unwrap()), invalid(Reason::NotAChallan));
}

#[test]
fn time_is_judged_before_the_plate_and_extensions_count() {
    let (world, slip, book) = on_the_road();
    let said = ChallanSlip::read(&slip).unwrap();
    let at = |now_ms| Post { now_ms, heard_ms: world.time_ms, plate: OTHER_PLATE, ..Post::new(&book, world.time_ms) };
    assert_eq!(at(said.valid_until_ms).answer(&slip), invalid(Reason::Expired));
    assert_eq!(at(said.valid_until_ms - 1).answer(&slip), invalid(Reason::OtherVehicle));
    let mut early = Post::new(&book, said.valid_from_ms - 1);
    early.heard_ms = said.valid_from_ms - MINUTE_MS;
    assert_eq!(early.answer(&slip), invalid(Reason::NotYetValid));
    let mut extended = book.clone();
    extended.challans.get_mut(&said.number).unwrap().valid_until_ms += HOUR_MS;
    let post = Post { now_ms: said.valid_until_ms, heard_ms: world.time_ms, ..Post::new(&extended, world.time_ms) };
    assert_eq!(post.answer(&slip), (Verdict::ValidOffline, Reason::InForce));
}

#[test]
fn whoever_may_issue_for_a_site_may_speak_for_its_challans() {
    let (mut world, ..) = on_the_road();
    let by = |world: &World, signer: PublicKey, posting: &str, number: &str| {
        let (chain, time_ms, record) = (World::chain(), world.time_ms, world.record);
        let context = Context { chain, height: world.height, time_ms, record, signer, attachments: &[] };
        let said = ChallanSlip::by(&world.state, &context, &token(posting), &token(number), plate(PLATE));
        said.map_err(|refusal| match refusal {
            Refusal::Rule(rule) => rule.code,
            Refusal::State(error) => panic!("{error}"),
        })
    };
    let agent = agent_key(&world).public();
    assert_eq!(by(&world, agent, AGENT, "C-1"), Ok(ChallanSlip::of(&challan_of(&world, "C-1"), plate(PLATE))));
    assert_eq!(by(&world, agent, AGENT, "C-NOWHERE"), Err("D2"));
    assert_eq!(by(&world, agent, YARD_AGENT, "C-1"), Err("A7"));
    assert_eq!(by(&world, key_of("minerals-agent-Y1").public(), YARD_AGENT, "C-1"), Err("A2"));
    let gateway = key_of("gateway").public();
    assert_eq!(by(&world, gateway, AGENT, "C-1"), Err("A7"));
    let register = AuthorityCall::RegisterKey { key: gateway, holder: Holder::Gateway };
    world.call("minerals/admin", Call::Authority(register)).unwrap();
    let list = AuthorityCall::SetGateways { posting: token(AGENT), gateways: [gateway].into_iter().collect() };
    world.call("minerals/admin", Call::Authority(list)).unwrap();
    assert!(by(&world, gateway, AGENT, "C-1").is_ok());
}

#[test]
fn a_stale_bundle_and_a_wrong_clock_judge_nothing() {
    let (world, slip, book) = on_the_road();
    let stale = Post { now_ms: world.time_ms + 12 * HOUR_MS + 1, ..Post::new(&book, world.time_ms) };
    assert_eq!(stale.answer(&slip), (Verdict::CouldNotCheck, Reason::StaleBundle));
    let behind = Post { now_ms: world.time_ms - 2 * MINUTE_MS, ..Post::new(&book, world.time_ms) };
    assert_eq!(behind.answer(&slip), (Verdict::CouldNotCheck, Reason::ClockBehind));
}

#[test]
fn what_the_ledger_knew_to_be_over_is_invalid() {
    let answer =
        |world: &World, number: &str, slip: &Slip| Post::new(&book_of(world, &[number]), world.time_ms).answer(slip);
    let (mut world, slip, _) = on_the_road();
    let seizure = SeizeChallan { challan: token("C-1"), district: 312, cause: Finding::Clone, memo: digest("memo") };
    accepted(&mut world, POLICE, MineralCall::SeizeChallan(seizure));
    assert_eq!(answer(&world, "C-1", &slip), invalid(Reason::Seized));

    let (mut world, slip, _) = on_the_road();
    accepted(&mut world, "works/yard", deliver("C-1"));
    assert_eq!(answer(&world, "C-1", &slip), invalid(Reason::Consumed));

    let mut world = quarry();
    let challan = load(&world, "C-2", PLATE);
    accepted(&mut world, AGENT, issue(challan));
    let slip = slip_of(&world, "C-2");
    accepted(&mut world, AGENT, cancel("C-2"));
    assert_eq!(answer(&world, "C-2", &slip), invalid(Reason::Cancelled));
}

#[test]
fn a_challan_that_should_be_on_record_and_is_not_is_invalid() {
    let (world, slip, _) = on_the_road();
    let posting = BookQuestion { asked_at_ms: world.time_ms, postings: vec![token(AGENT)], ..BookQuestion::default() };
    let book = posting.answer(&world.state).unwrap().unwrap();
    assert!(book.challans.is_empty());
    let said = ChallanSlip::read(&slip).unwrap();
    let window_ms = book.rules.start_window_ms;
    let heard = |heard_ms| Post { heard_ms, ..Post::new(&book, said.valid_from_ms + HOUR_MS + window_ms) };
    let since = (Verdict::ValidOffline, Reason::IssuedSince);
    assert_eq!(heard(said.valid_from_ms + window_ms).answer(&slip), since);
    assert_eq!(heard(said.valid_from_ms + window_ms + 1).answer(&slip), invalid(Reason::NotOnRecord));
}

#[test]
fn a_revoked_key_speaks_only_for_what_is_on_record() {
    let (mut world, slip, _) = on_the_road();
    let key = agent_key(&world).public();
    let revoke = AuthorityCall::RevokeKey { key };
    world.call("minerals/admin", Call::Authority(revoke)).unwrap();
    assert_eq!(
        Post::new(&book_of(&world, &["C-1"]), world.time_ms).answer(&slip),
        (Verdict::Valid, Reason::InForce),
        "what it signed before stands (A5)"
    );
    let said = ChallanSlip::read(&slip).unwrap();
    let new = ChallanSlip { number: token("C-NEW"), valid_from_ms: world.time_ms, ..said };
    let new = new.sign(&agent_key(&world), &World::chain()).unwrap();
    let book = book_of(&world, &["C-1"]);
    assert_eq!(Post::new(&book, world.time_ms).answer(&new), invalid(Reason::IssuerEnded));
}

#[test]
fn two_trucks_with_one_challan_the_second_is_called_out() {
    let (world, slip, book) = on_the_road();
    let first = check_of("C-1", PLATE, HOOGHLY, world.time_ms);
    let at = |plate, minutes: u64, journal| Post {
        plate,
        journal,
        now_ms: world.time_ms + minutes * MINUTE_MS,
        ..Post::new(&book, world.time_ms)
    };
    // Another plate: the plate fails, and the answer tells of the first truck.
    let journal = [first.clone()];
    let judged = at(OTHER_PLATE, 5, &journal).sees(&slip);
    assert_eq!((judged.verdict, judged.reason), invalid(Reason::OtherVehicle));
    let earlier = judged.earlier.unwrap();
    assert_eq!((earlier.observed_at_ms, earlier.same_vehicle), (world.time_ms, false));
    // The same plate on another truck: it was here already.
    assert_eq!(at(PLATE, 5, &journal).answer(&slip), invalid(Reason::ShownBefore));
    // The officer scans the truck again that still stands there.
    let again = Post { stop: Stop::Same, ..at(PLATE, 5, &journal) };
    assert_eq!(again.answer(&slip).0, Verdict::Valid);
    let too_long = Post { stop: Stop::Same, ..at(PLATE, STOP_MS_MAX / MINUTE_MS + 1, &journal) };
    assert_eq!(too_long.answer(&slip), invalid(Reason::ShownBefore));
    // Seen 75 km away five minutes ago by this patrol.
    let elsewhere = [CheckChallan { place: place(BANKURA), ..first.clone() }];
    assert_eq!(at(PLATE, 5, &elsewhere).answer(&slip), invalid(Reason::Clone));
    assert_eq!(at(PLATE, 180, &elsewhere).answer(&slip), (Verdict::ValidOffline, Reason::InForce));
    // Who shows a copy of the code first does not spoil it for the truck that it was issued for; the answer tells of it.
    let copied = [CheckChallan { vehicle: vehicle(OTHER_PLATE), ..first }];
    let judged = at(PLATE, 5, &copied).sees(&slip);
    assert_eq!(judged.verdict, Verdict::Valid);
    assert!(!judged.earlier.unwrap().same_vehicle);
}

#[test]
fn the_record_speaks_against_a_plate_that_only_the_code_has() {
    let (world, slip, book) = on_the_road();
    let said = ChallanSlip { plate: plate(OTHER_PLATE), ..ChallanSlip::read(&slip).unwrap() };
    let slip = said.sign(&agent_key(&world), &World::chain()).unwrap();
    let post = Post { plate: OTHER_PLATE, ..Post::new(&book, world.time_ms) };
    assert_eq!(post.answer(&slip), invalid(Reason::RecordDiffers));
}

#[test]
fn an_overload_is_seen_last() {
    let (world, slip, book) = on_the_road();
    let weighed = |kg| Post { gross_kg: Some(Kilograms(kg)), ..Post::new(&book, world.time_ms) };
    let most = book.challans[&token::<48>("C-1")].gross_max_kg.unwrap();
    assert_eq!(weighed(most.0).answer(&slip).0, Verdict::Valid);
    assert_eq!(weighed(most.0 + 1).answer(&slip), invalid(Reason::Overload));
}

#[test]
fn findings_on_record_come_with_the_answer() {
    let (mut world, slip, _) = on_the_road();
    let observed_at_ms = world.time_ms;
    let check = check_of("C-1", OTHER_PLATE, HOOGHLY, observed_at_ms);
    accepted(&mut world, POLICE, MineralCall::CheckChallan(check));
    let judged = Post::new(&book_of(&world, &["C-1"]), world.time_ms).sees(&slip);
    assert_eq!(judged.verdict, Verdict::Valid);
    assert!(judged.alerts.contains(&Finding::OtherVehicle));
}

fn registered_gate(world: &mut World) -> Outcome {
    let (key, admin) = (key_of("gate").public(), "minerals/admin");
    let register = AuthorityCall::RegisterKey { key, holder: Holder::Device };
    world.call(admin, Call::Authority(register)).unwrap();
    let device = RegisterDevice { device: key, office: token("minerals/lease-L-BANKURA-01") };
    accepted(world, admin, MineralCall::RegisterDevice(device))
}

/// A range of three numbers, what its device says of the first, and the book of this moment.
pub(crate) fn range_on_the_road() -> (World, ChallanSlip, Book) {
    let mut world = quarry();
    registered_gate(&mut world);
    let allocation = AllocateRange {
        range: token("7C3B9E20D41A86F5"),
        source: Source::Permit(token(PERMIT)),
        mineral: token("SAND"),
        device: key_of("gate").public(),
        count: 3,
        quantity: Quantity::Kilograms(40_000),
        from_ms: START_MS,
        until_ms: START_MS + DAY_MS,
    };
    accepted(&mut world, AGENT, MineralCall::AllocateRange(allocation));
    world.advance(3 * HOUR_MS);
    let ranges = vec![token("7C3B9E20D41A86F5")];
    let question = BookQuestion { asked_at_ms: world.time_ms, ranges, ..BookQuestion::default() };
    let book = question.answer(&world.state).unwrap().unwrap();
    let issued = load(&world, "7C3B9E20D41A86F5-0001", PLATE);
    let said = ChallanSlip {
        number: issued.number,
        plate: plate(PLATE),
        site: token("L-BANKURA-01"),
        mineral: issued.mineral,
        quantity: issued.quantity,
        mass_kg: Kilograms(17_600),
        route: issued.route,
        to_state: 19,
        to_district: 315,
        valid_from_ms: world.time_ms - 2 * HOUR_MS,
        valid_until_ms: issued.valid_until_ms,
    };
    (world, said, book)
}

#[test]
fn a_number_of_a_range_is_pending_until_its_challans_are_due() {
    let (world, said, book) = range_on_the_road();
    let sign = |said: &ChallanSlip| said.sign(&key_of("gate"), &World::chain()).unwrap();
    let pending = (Verdict::ValidOffline, Reason::Pending);
    assert_eq!(Post::new(&book, world.time_ms).answer(&sign(&said)), pending);
    let beyond = ChallanSlip { number: token("7C3B9E20D41A86F5-0004"), ..said.clone() };
    assert_eq!(Post::new(&book, world.time_ms).answer(&sign(&beyond)), invalid(Reason::RangeUsedUp));
    let heavy = ChallanSlip { mass_kg: Kilograms(40_001), ..said.clone() };
    assert_eq!(Post::new(&book, world.time_ms).answer(&sign(&heavy)), invalid(Reason::RangeUsedUp));
    // The device speaks for its range alone, and nobody else for it before the challan is on record.
    let outside = ChallanSlip { number: token("C-OUTSIDE"), ..said.clone() };
    assert_eq!(Post::new(&book, world.time_ms).answer(&sign(&outside)), invalid(Reason::OtherSite));
    let mut agents = book.clone();
    let posting = BookQuestion { asked_at_ms: world.time_ms, postings: vec![token(AGENT)], ..BookQuestion::default() };
    agents.merge(posting.answer(&world.state).unwrap().unwrap());
    let by_agent = said.sign(&agent_key(&world), &World::chain()).unwrap();
    assert_eq!(Post::new(&agents, world.time_ms).answer(&by_agent), invalid(Reason::OtherSite));
    assert_eq!(Post::new(&agents, world.time_ms).answer(&sign(&said)), pending);
    let mut due = book.clone();
    due.ranges.values_mut().for_each(|range| range.sync_until_ms = world.time_ms);
    assert_eq!(Post::new(&due, world.time_ms).answer(&sign(&said)), invalid(Reason::NotOnRecord));
}

#[test]
fn a_book_lists_agents_of_one_site_and_no_other_officers() {
    let world = quarry();
    let ask = |posting: &str| {
        let postings = vec![token(posting)];
        let question = BookQuestion { asked_at_ms: world.time_ms, postings, ..BookQuestion::default() };
        question.answer(&world.state).unwrap().unwrap().issuers.into_values().flatten().collect::<Vec<_>>()
    };
    let agents = ask(AGENT);
    assert_eq!(agents.len(), 1);
    assert_eq!((agents[0].key, agents[0].site.as_str()), (agent_key(&world).public(), "L-BANKURA-01"));
    assert!(ask(OFFICER).is_empty());
    assert!(ask("minerals/nobody").is_empty());
}

#[test]
fn a_question_has_limits_and_asks_for_what_is_on_record_only() {
    let world = quarry();
    let challans = |count: usize| BookQuestion {
        asked_at_ms: world.time_ms,
        challans: (0..count).map(|n| token(&format!("C-{n}"))).collect(),
        ..BookQuestion::default()
    };
    assert!(challans(CHALLANS_MAX).answer(&world.state).unwrap().unwrap().challans.is_empty());
    assert_eq!(challans(CHALLANS_MAX + 1).answer(&world.state).unwrap().unwrap_err().code, "O1");
}

#[test]
fn a_newer_book_is_the_later_word() {
    let (mut world, slip, mut book) = on_the_road();
    accepted(&mut world, "works/yard", deliver("C-1"));
    book.merge(book_of(&world, &["C-1"]));
    assert_eq!(Post::new(&book, world.time_ms).answer(&slip), invalid(Reason::Consumed));
    assert_eq!(book.issuers.values().flatten().count(), 1);
}

#[test]
fn a_slip_is_never_longer_than_its_code() {
    let key = key_of("any");
    let long = Slip::sign(token("CHALLAN"), &Longer, &key, &World::chain());
    assert!(matches!(long, Err(QrError::TooLong { .. })));
}

/// More than fits.
struct Longer;

impl cbor::Deterministic for Longer {
    fn write(&self, cbor: &mut cbor::Writer) {
        cbor.bytes(&[0; 300]);
    }

    fn read(_: &mut cbor::Reader<'_>) -> Result<Self, CborError> {
        Ok(Self)
    }
}

proptest::proptest! {
    #[test]
    fn no_content_of_a_slip_is_too_strange(at in 0usize..100, byte in proptest::num::u8::ANY, tail in ".{0,40}") {
        let (world, ..) = on_the_road();
        let mut bytes = cbor::encode(&ChallanSlip::of(&challan_of(&world, "C-1"), plate(PLATE)));
        let place = at % bytes.len();
        bytes[place] = byte;
        if let Ok(said) = cbor::decode::<ChallanSlip>(&bytes, SLIP_BYTES_MAX) {
            proptest::prop_assert_eq!(cbor::encode(&said), bytes);
        }
        let _ = cbor::decode::<ChallanSlip>(tail.as_bytes(), SLIP_BYTES_MAX);
        let _ = tail.parse::<Plate>();
    }
}
