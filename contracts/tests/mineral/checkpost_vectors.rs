//! Vectors of judging, one JSON object a line, for the checkpost page, which judges in JavaScript (`node/portal/judge.js`); its
//! test in a browser replays every line (`node/tests/portal/checkpost.rs`).
//!
//! `vectors/checkpost.jsonl` is what this program says. A deliberate change: run with `WRITE_VECTORS=1`, and read what
//! became different.

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::authority::AuthorityCall;
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::challan::Stage;
use dalil_contracts::mineral::check::{CheckChallan, Finding};
use dalil_contracts::mineral::checkpost::{Book, BookQuestion, ChallanSlip, Plate, STOP_MS_MAX, Stop};
use dalil_contracts::mineral::device::{Purpose, Seal};
use dalil_contracts::mineral::geo::{Point, distance_min_m};
use dalil_contracts::mineral::vehicle::RegisterVehicle;
use dalil_contracts::units::{HOUR_MS, Kilograms, MINUTE_MS};
use dalil_contracts::{Call, mineral::keys::vehicle_key};
use dalil_ledger::codec;
use dalil_ledger::qr::{Code, Slip};
use dalil_ledger::state::{StateError, StateView};
use serde_json::{Value, json};

use crate::checkpost::{OTHER_PLATE, PLATE, POLICE, Post, agent_key, book_of, on_the_road, place, range_on_the_road};
use crate::quarry::{AGENT, BANKURA, HOOGHLY, accepted, cancel, check_of, deliver, issue, load, quarry, vehicle};
use crate::support::{World, digest, key_of, token};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/checkpost.jsonl");

fn judged(name: &str, post: &Post<'_>, slip: &Slip) -> Value {
    json!({
        "kind": "judge",
        "name": name,
        "chain": World::chain(),
        "book": post.book,
        "as_of_ms": post.heard_ms,
        "age_max_ms": 12 * HOUR_MS,
        "slip": slip.to_text(),
        "now_ms": post.now_ms,
        "plate": post.plate,
        "vehicle": vehicle(post.plate),
        "place": place(HOOGHLY),
        "gross_kg": post.gross_kg,
        "same_stop": post.stop == Stop::Same,
        "journal": post.journal,
        "expected": post.sees(slip),
    })
}

fn of_signatures() -> Vec<Value> {
    let (mut world, slip, book) = on_the_road();
    let said = ChallanSlip::read(&slip).unwrap();
    let post = Post::new(&book, world.time_ms);
    let forged = said.sign(&key_of("forger"), &World::chain()).unwrap();
    let mut borrowed = forged.clone();
    borrowed.body.issuer = slip.body.issuer;
    let elsewhere = ChallanSlip { site: token("L-OTHER"), ..said.clone() };
    let other_kind = Slip::sign(token("ROR"), &said, &agent_key(&world), &World::chain()).unwrap();
    let mut lines = vec![
        judged("in force", &post, &slip),
        judged("forged", &post, &forged),
        judged("an id borrowed", &post, &borrowed),
        judged("of another chain", &post, &said.sign(&agent_key(&world), &digest("another chain")).unwrap()),
        judged("of another site", &post, &elsewhere.sign(&agent_key(&world), &World::chain()).unwrap()),
        judged("of another kind", &post, &other_kind),
    ];
    let new = ChallanSlip { number: token("C-NEW"), valid_from_ms: world.time_ms, ..said };
    let new = new.sign(&agent_key(&world), &World::chain()).unwrap();
    lines.push(judged("issued since", &post, &new));
    for (name, from_ms, until_ms) in [
        ("an issuer's time is over", 0, Some(world.time_ms - book.rules.start_window_ms)),
        ("an issuer's time is just not over", 0, Some(world.time_ms - book.rules.start_window_ms + 1)),
        ("an issuer's time has not begun", world.time_ms + book.rules.start_window_ms + 1, None),
        ("an issuer's time has just begun", world.time_ms + book.rules.start_window_ms, None),
    ] {
        let mut dated = book.clone();
        let issuers = dated.issuers.values_mut().flatten();
        issuers.for_each(|issuer| (issuer.from_ms, issuer.until_ms) = (from_ms, until_ms));
        lines.push(judged(name, &Post::new(&dated, world.time_ms), &new));
        lines.push(judged(name, &Post::new(&dated, world.time_ms), &slip));
    }
    let key = agent_key(&world).public();
    world.call("minerals/admin", Call::Authority(AuthorityCall::RevokeKey { key })).unwrap();
    let revoked = book_of(&world, &["C-1"]);
    let post = Post::new(&revoked, world.time_ms);
    lines.extend([judged("signed before the revocation", &post, &slip), judged("signed after it", &post, &new)]);
    lines
}

fn of_times() -> Vec<Value> {
    let (world, slip, book) = on_the_road();
    let said = ChallanSlip::read(&slip).unwrap();
    let status_age_ms = book.challans.values().next().unwrap().status_age_max_ms;
    let heard = world.time_ms;
    let mut extended = book.clone();
    extended.challans.get_mut(&said.number).unwrap().valid_until_ms += HOUR_MS;
    let mut unlisted = book.clone();
    unlisted.challans.clear();
    let window_ms = book.rules.start_window_ms;
    let old = said.valid_from_ms + window_ms;
    let at = |book, heard_ms, now_ms| Post { heard_ms, ..Post::new(book, now_ms) };
    [
        ("as old as a status may be", at(&book, heard, heard + status_age_ms)),
        ("older than a status may be", at(&book, heard, heard + status_age_ms + 1)),
        ("as old as a bundle may be", at(&extended, heard, heard + 12 * HOUR_MS)),
        ("older than a bundle may be", at(&extended, heard, heard + 12 * HOUR_MS + 1)),
        ("clock a minute behind", at(&book, heard + MINUTE_MS, heard)),
        ("clock more than a minute behind", at(&book, heard + MINUTE_MS + 1, heard)),
        ("before validity", at(&book, said.valid_from_ms - MINUTE_MS, said.valid_from_ms - 1)),
        ("at the end", at(&book, heard, said.valid_until_ms)),
        ("just before the end", at(&book, heard, said.valid_until_ms - 1)),
        ("after the end, extended", at(&extended, heard, said.valid_until_ms)),
        ("not on record, and need not be", at(&unlisted, old, old + 1)),
        ("not on record, and should be", at(&unlisted, old + 1, old + 1)),
        ("not on record, after its end", at(&unlisted, old, said.valid_until_ms)),
    ]
    .iter()
    .map(|(name, post)| judged(name, post, &slip))
    .collect()
}

fn of_records() -> Vec<Value> {
    let mut lines = Vec::new();
    let (world, slip, book) = on_the_road();
    let stages = [
        Stage::Reserved,
        Stage::InTransit,
        Stage::Seized,
        Stage::Cancelled,
        Stage::Lapsed,
        Stage::Transhipped,
        Stage::Delivered,
        Stage::DeliveredLate,
        Stage::Redeemed,
    ];
    let changed = |change: &dyn Fn(&mut dalil_contracts::mineral::checkpost::ListedChallan)| -> Book {
        let mut changed = book.clone();
        changed.challans.values_mut().for_each(change);
        changed
    };
    for stage in stages {
        let changed = changed(&|challan| challan.stage = stage);
        lines.push(judged(&format!("{stage:?}"), &Post::new(&changed, world.time_ms), &slip));
    }
    let void = changed(&|challan| challan.alerts = [Finding::Void, Finding::Overlap].into_iter().collect());
    lines.push(judged("void", &Post::new(&void, world.time_ms), &slip));
    let told = changed(&|challan| challan.alerts = [Finding::OtherVehicle, Finding::Clone].into_iter().collect());
    lines.push(judged("with alerts", &Post::new(&told, world.time_ms), &slip));
    let moved = changed(&|challan| challan.site = token("L-OTHER"));
    lines.push(judged("of another site on record", &Post::new(&moved, world.time_ms), &slip));
    let other = Post { plate: OTHER_PLATE, ..Post::new(&book, world.time_ms) };
    lines.push(judged("on another plate", &other, &slip));
    let copied = ChallanSlip { plate: OTHER_PLATE.parse().unwrap(), ..ChallanSlip::read(&slip).unwrap() };
    let copied = copied.sign(&agent_key(&world), &World::chain()).unwrap();
    lines.push(judged("another plate in the code", &other, &copied));
    let most = book.challans.values().next().unwrap().gross_max_kg.unwrap();
    for gross in [most.0, most.0 + 1] {
        let weighed = Post { gross_kg: Some(Kilograms(gross)), ..Post::new(&book, world.time_ms) };
        lines.push(judged(&format!("weighs {gross}"), &weighed, &slip));
    }
    let unweighed = changed(&|challan| challan.gross_max_kg = None);
    let weighed = Post { gross_kg: Some(Kilograms(most.0 + 1)), ..Post::new(&unweighed, world.time_ms) };
    lines.push(judged("of no registered weight", &weighed, &slip));
    lines
}

fn of_journals() -> Vec<Value> {
    let (world, slip, book) = on_the_road();
    let first = check_of("C-1", PLATE, HOOGHLY, world.time_ms);
    let at = |plate, after_ms: u64, journal| Post {
        plate,
        journal,
        now_ms: world.time_ms + after_ms,
        ..Post::new(&book, world.time_ms)
    };
    let here = [first.clone()];
    let elsewhere = [CheckChallan { place: place(BANKURA), ..first.clone() }];
    let copied = [first.clone(), CheckChallan { vehicle: vehicle(OTHER_PLATE), ..first.clone() }];
    let other_challan = [check_of("C-2", PLATE, HOOGHLY, world.time_ms)];
    let bare = [CheckChallan { challan: None, ..first.clone() }];
    let same = |after_ms, journal| Post { stop: Stop::Same, ..at(PLATE, after_ms, journal) };
    let mut lines = vec![
        judged("another plate after the first", &at(OTHER_PLATE, 5 * MINUTE_MS, &here), &slip),
        judged("the same plate once more", &at(PLATE, 5 * MINUTE_MS, &here), &slip),
        judged("the same stop", &same(STOP_MS_MAX, &here), &slip),
        judged("the same stop, too long", &same(STOP_MS_MAX + 1, &here), &slip),
        judged("seen elsewhere", &at(PLATE, 5 * MINUTE_MS, &elsewhere), &slip),
        judged("seen elsewhere long ago", &at(PLATE, 180 * MINUTE_MS, &elsewhere), &slip),
        judged("a copy was shown last", &same(5 * MINUTE_MS, &copied), &slip),
        judged("another challan before", &at(PLATE, 5 * MINUTE_MS, &other_challan), &slip),
        judged("no challan before", &at(PLATE, 5 * MINUTE_MS, &bare), &slip),
    ];
    lines.extend(of_distances(&world, &slip, &book));
    lines
}

/// Whether a truck can have been at two places, on both sides of the moment where it just can.
fn of_distances(world: &World, slip: &Slip, book: &Book) -> Vec<Value> {
    let far = i32::MAX;
    let points = [
        (22_900_000, 88_020_000),
        (22_900_001, 88_020_001),
        (22_950_500, 88_020_000),
        (22_900_000, 88_400_000),
        (23_000_001, 89_000_000),
        (-22_900_000, -88_020_000),
        (89_999_999, 179_999_999),
        (90_000_000, -180_000_000),
        (far, far),
    ];
    let rules = &book.rules;
    let now_ms = world.time_ms + 2 * HOUR_MS;
    let mut lines = Vec::new();
    for (lat_udeg, lon_udeg) in points {
        let point = Point { lat_udeg, lon_udeg };
        let metres = distance_min_m(point, HOOGHLY.2);
        let enough_ms = (metres * 3_600).div_ceil(rules.clone_speed_kmph).saturating_sub(rules.clone_slack_ms);
        for apart_ms in [enough_ms.saturating_sub(1), enough_ms].into_iter().filter(|apart| *apart <= now_ms) {
            let mut there = check_of("C-3", PLATE, HOOGHLY, now_ms - apart_ms);
            there.place.point = point;
            let journal = [there];
            let post = Post { journal: &journal, now_ms, ..Post::new(book, world.time_ms) };
            lines.push(judged(&format!("{metres} m in {apart_ms} ms"), &post, slip));
        }
    }
    lines
}

fn of_ranges() -> Vec<Value> {
    let (world, said, book) = range_on_the_road();
    let gate = key_of("gate");
    let sign = |said: &ChallanSlip| said.sign(&gate, &World::chain()).unwrap();
    let numbered = |number: &str| sign(&ChallanSlip { number: token(number), ..said.clone() });
    let mut due = book.clone();
    due.ranges.values_mut().for_each(|range| range.sync_until_ms = world.time_ms);
    let mut agents = book.clone();
    let postings = vec![token(AGENT)];
    let question = BookQuestion { asked_at_ms: world.time_ms, postings, ..BookQuestion::default() };
    agents.merge(question.answer(&world.state).unwrap().unwrap());
    let left = book.ranges.values().next().unwrap().free_kg.0;
    let heavy = |mass: u64| sign(&ChallanSlip { mass_kg: Kilograms(mass), ..said.clone() });
    let by_agent = said.sign(&agent_key(&world), &World::chain()).unwrap();
    let post = Post::new(&book, world.time_ms);
    vec![
        judged("pending", &post, &sign(&said)),
        judged("due", &Post::new(&due, world.time_ms), &sign(&said)),
        judged("the last number", &post, &numbered("7C3B9E20D41A86F5-0003")),
        judged("beyond the last number", &post, &numbered("7C3B9E20D41A86F5-0004")),
        judged("number zero", &post, &numbered("7C3B9E20D41A86F5-0000")),
        judged("a serial of five digits", &post, &numbered("7C3B9E20D41A86F5-00001")),
        judged("another range", &post, &numbered("7C3B9E20D41A86F6-0001")),
        judged("all that is left", &post, &heavy(left)),
        judged("more than is left", &post, &heavy(left + 1)),
        judged("an agent in the device's place", &Post::new(&agents, world.time_ms), &by_agent),
    ]
}

/// Notes what is read through it.
struct Noted<'a> {
    base: &'a dyn StateView,
    reads: RefCell<BTreeMap<String, Option<String>>>,
}

impl StateView for Noted<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let value = self.base.get(key)?;
        let name = String::from_utf8(key.to_vec()).unwrap();
        self.reads.borrow_mut().insert(name, value.as_ref().map(|bytes| BASE64.encode(bytes)));
        Ok(value)
    }
}

fn booked(name: &str, world: &World, question: &BookQuestion) -> Value {
    let noted = Noted { base: &world.state, reads: RefCell::default() };
    let book = question.answer(&noted).unwrap().unwrap();
    json!({ "kind": "book", "name": name, "question": question, "reads": noted.reads.into_inner(), "book": book })
}

fn of_books() -> Vec<Value> {
    let (mut world, ..) = on_the_road();
    let ask = |world: &World, numbers: &[&str]| BookQuestion {
        asked_at_ms: world.time_ms,
        challans: numbers.iter().map(|number| token(number)).collect(),
        postings: vec![token(AGENT), token("minerals/officer"), token("minerals/nobody")],
        device: Some(key_of("gate").public()),
        ..BookQuestion::default()
    };
    let mut lines = vec![booked("a load on the road", &world, &ask(&world, &["C-1", "C-NOWHERE"]))];
    let unlike = check_of("C-1", OTHER_PLATE, HOOGHLY, world.time_ms);
    accepted(&mut world, POLICE, MineralCall::CheckChallan(unlike));
    lines.push(booked("with an alert", &world, &ask(&world, &["C-1"])));
    accepted(&mut world, "works/yard", deliver("C-1"));
    lines.push(booked("delivered", &world, &ask(&world, &["C-1"])));
    let key = agent_key(&world).public();
    world.call("minerals/admin", Call::Authority(AuthorityCall::RevokeKey { key })).unwrap();
    lines.push(booked("a revoked key", &world, &ask(&world, &["C-1"])));

    let mut world = quarry();
    let challan = load(&world, "C-2", PLATE);
    accepted(&mut world, AGENT, issue(challan));
    let registered: RegisterVehicle = world.get(&vehicle_key(&vehicle(PLATE))).unwrap();
    for (axles, name) in [(2, "two axles"), (3, "three axles"), (4, "four axles")] {
        let light = RegisterVehicle { axles, gvw_kg: None, ..registered.clone() };
        world.state.insert(vehicle_key(&vehicle(PLATE)), codec::encode(&light));
        lines.push(booked(name, &world, &ask(&world, &["C-2"])));
    }
    world.state.insert(vehicle_key(&vehicle(PLATE)), codec::encode(&registered));
    accepted(&mut world, AGENT, cancel("C-2"));
    lines.push(booked("withdrawn", &world, &ask(&world, &["C-2"])));

    let (world, _, _) = range_on_the_road();
    let ranges = vec![token("7C3B9E20D41A86F5"), token("7C3B9E20D41A86F6")];
    let device = Some(key_of("gate").public());
    let question = BookQuestion { asked_at_ms: world.time_ms, ranges, device, ..BookQuestion::default() };
    lines.push(booked("a range and its device", &world, &question));
    lines
}

fn of_statements() -> Vec<Value> {
    let key = key_of("gate");
    let whole = check_of("C-1", PLATE, HOOGHLY, 1_780_300_800_123);
    let bare = CheckChallan { challan: None, gross_kg: Some(Kilograms(u64::from(u32::MAX) + 5)), ..whole.clone() };
    let mut south = whole.clone();
    south.place.point = Point { lat_udeg: -90_000_000, lon_udeg: -1 };
    [(whole, 1, 0), (bare, 255, 70_000), (south, 1 << 40, 9_007_199_254_740_991)]
        .into_iter()
        .map(|(check, counter, mark)| {
            let seal = Seal::new(&key, &World::chain(), Purpose::Check, (counter, mark), &check.unsealed());
            let check = CheckChallan { seal: Some(seal), ..check };
            json!({ "kind": "statement", "chain": World::chain(), "check": check })
        })
        .collect()
}

fn of_texts() -> Vec<Value> {
    let (_, slip, _) = on_the_road();
    let text = slip.to_text();
    let mut codes =
        vec![text.clone(), format!("{text}\r\n"), text.to_lowercase(), format!("{text}0"), format!(" {text}")];
    codes.extend((8..text.len()).step_by(7).map(|end| text[..end].to_owned()));
    codes.extend((8..text.len()).step_by(5).map(|at| format!("{}:{}", &text[..at], &text[at + 1..])));
    codes.extend(
        ["", "DALILB1:", "DALILB1:00", "DALILB1:GGW", "DALILC1:00", "https://x/#a1.", "DALILB1:\u{415}0"]
            .map(str::to_owned),
    );
    let read = |text: &str| match Code::parse(text) {
        Ok(Code::Slip(slip)) => Some(ChallanSlip::read(&slip).ok()),
        _ => None,
    };
    let codes = codes.into_iter().map(|text| {
        let (reads, says) = (read(&text).is_some(), read(&text).flatten());
        json!({ "kind": "code", "text": text, "reads": reads, "says": says })
    });
    let plates =
        ["wb 00-a.0001", "WB00A0001", "W\u{412}00A0001", "\u{202e}WB00A0001", "WB00/1", "WB1", "WB00A00010000", ""];
    let plates = plates.map(|text| json!({ "kind": "plate", "text": text, "plate": text.parse::<Plate>().ok() }));
    codes.chain(plates).collect()
}

#[test]
fn the_recorded_vectors_are_of_today() {
    let groups = [
        of_signatures(),
        of_times(),
        of_records(),
        of_journals(),
        of_ranges(),
        of_books(),
        of_statements(),
        of_texts(),
    ];
    let lines: Vec<_> = groups.into_iter().flatten().collect();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if std::env::var_os("WRITE_VECTORS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let recorded = std::fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(recorded.lines().count(), lines.len(), "record them anew: WRITE_VECTORS=1");
    for (recorded, line) in recorded.lines().zip(&lines) {
        assert_eq!(recorded, line.to_string(), "record them anew: WRITE_VECTORS=1");
    }
    // Every reason for which a slip is judged has its vector.
    let reasons: std::collections::BTreeSet<_> =
        lines.iter().filter_map(|line| line["expected"]["reason"].as_str()).collect();
    assert_eq!(reasons.len(), 24, "{reasons:?}");
}
