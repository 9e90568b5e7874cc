//! Short spellings of land calls.

use dalil_contracts::land::LandCall;
use dalil_contracts::land::case::MutationCase;
use dalil_contracts::land::court::CourtSetAside;
use dalil_contracts::land::deed::{Conveyance, Deed, DeedKind, Part, PlotShare, Transferee, TransfereeOf, Transferor};
use dalil_contracts::land::ground::{DeedChain, Ground, Inheritance, OrderedTransfer};
use dalil_contracts::land::import::{Import, ImportedKhatian, ImportedPlot};
use dalil_contracts::land::keys::{case_key, deed_key, khatian_key, plot_key};
use dalil_contracts::land::mutation::{Allowance, Opened, Placement, Saw, Target};
use dalil_contracts::land::order::{Decision, MutateAuto, OrderCase};
use dalil_contracts::land::registration::RegisterDeed;
use dalil_contracts::land::share::Share;
use dalil_contracts::land::steps::{CasePaper, FileCase, PayFee};
use dalil_contracts::land::survey;
use dalil_contracts::land::types::{Holding, Khatian, LandClass, Mouza, Plot};
use dalil_contracts::units::{Area, DAY_MS, Paise};
use dalil_contracts::{Call, Outcome, Refusal};
use dalil_ledger::codec::Set;
use dalil_ledger::document::{DocumentEntry, Issuer, Provenance, document_key};

use crate::support::{START_MS, World, code, digest, key_of, token};

pub const BENDA: &str = "2795-51";
/// The death certificate of the samples.
pub const DEATH: &str = "in.gov.wb.health-DEATH-7f1c2b9a44d05e63";

pub fn share(text: &str) -> Share {
    text.parse().unwrap()
}

/// An id from its text.
pub fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

/// A world with mouza Benda: plot 257 (1.0000 ac) of khatian 101, plot 258 (0.5000 ac) of khatians 101 and 103 by
/// halves, and the Government's khatian 1.
pub fn benda() -> World {
    let mut world = World::west_bengal();
    let mouza = Mouza { id: id(BENDA), district: 305, block: Some(2795), thana: None, jl: 51 };
    accept(&mut world, "land/dllro", LandCall::RegisterMouza(mouza));
    let khatian = |number| ImportedKhatian {
        number,
        holder: digest(&format!("holder {number}")),
        permission_required: number == 105,
    };
    let plot = |main: u32, area, holdings: &[(u32, &str)]| ImportedPlot {
        plot: id(&format!("{BENDA}/{main}")),
        class: LandClass::Danga,
        area: Area(area),
        holdings: holdings.iter().map(|(khatian, part)| Holding { khatian: *khatian, share: share(part) }).collect(),
        remainder: Share::ZERO,
        charges: Vec::new(),
        ulpin: None,
    };
    let import = Import {
        mouza: id(BENDA),
        source: digest("older register"),
        as_on_ms: START_MS - DAY_MS,
        khatians: [1, 101, 103, 105].map(khatian).to_vec(),
        plots: vec![
            plot(257, 10_000, &[(101, "1/1")]),
            plot(258, 5_000, &[(101, "1/2"), (103, "1/2")]),
            plot(259, 2_000, &[(105, "1/1")]),
            plot(260, 9_000, &[(1, "1/1")]),
            plot(261, 5_000, &[(101, "1/2"), (103, "1/2")]),
        ],
    };
    accept(&mut world, "land/system", LandCall::Import(import));
    world
}

/// Puts a valid death certificate on record.
pub fn record_death(world: &mut World, uri: &str) {
    let key = key_of("health-registrar-bankura").public();
    let entry = DocumentEntry {
        uri: token(uri),
        digest: digest(uri),
        kind: token("DEATH"),
        issuer: Issuer { department: token("health"), office: token("health/registrar-bankura"), officer: key },
        subject: token("person/unlinkable"),
        valid_from_ms: START_MS - DAY_MS,
        valid_until_ms: None,
        claims_root: None,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        issued_at_ms: START_MS - DAY_MS,
        record: 0,
        status_age_max_ms: DAY_MS,
        events: Vec::new(),
        extensions: Vec::new(),
        superseded_by: None,
        supersedes: None,
    };
    world.put(document_key(&entry.uri), &entry);
}

pub fn call(world: &mut World, posting: &str, call: LandCall) -> Result<Outcome, Refusal> {
    world.call(posting, Call::Land(call))
}

/// The call is accepted.
#[track_caller]
pub fn accept(world: &mut World, posting: &str, land: LandCall) -> Outcome {
    call(world, posting, land).unwrap()
}

/// The call is refused with the code.
#[track_caller]
pub fn refuse(world: &mut World, posting: &str, land: LandCall, expected: &str) {
    let before = world.state.clone();
    assert_eq!(code(call(world, posting, land)), expected);
    assert_eq!(world.state, before);
}

pub fn plot(world: &World, text: &str) -> Plot {
    world.get(&plot_key(&id(text))).unwrap()
}

pub fn khatian(world: &World, text: &str) -> Khatian {
    world.get(&khatian_key(&id(text))).unwrap()
}

pub fn deed(world: &World, text: &str) -> Deed {
    world.get(&deed_key(&id(text))).unwrap()
}

pub fn case(world: &World, text: &str) -> MutationCase {
    world.get(&case_key(&token(text))).unwrap()
}

pub fn from_khatian(number: u32) -> Transferor {
    Transferor::Khatian(id(&format!("{BENDA}/{number}")))
}

pub fn from_deed(deed: &str, transferee: u8) -> Transferor {
    Transferor::Deed(TransfereeOf { deed: id(deed), transferee })
}

pub fn parties(parties: &[(&str, &str)]) -> Vec<Transferee> {
    parties.iter().map(|(name, part)| Transferee { holder: digest(name), part: share(part) }).collect()
}

/// What one transferor of a deed gives of plots of Benda, and to which transferees.
pub fn conveyance(from: Transferor, plots: &[(u32, &str)], to: &[(u8, &str)]) -> Conveyance {
    let plots = plots.iter().map(|(main, part)| PlotShare { plot: id(&format!("{BENDA}/{main}")), share: share(part) });
    let to = to.iter().map(|(transferee, part)| Part { transferee: *transferee, part: share(part) });
    Conveyance { transferor: from, plots: plots.collect(), to: to.collect() }
}

fn shares_in_order<'a>(to: &[(&str, &'a str)]) -> Vec<(u8, &'a str)> {
    to.iter().enumerate().map(|(at, (_, part))| (u8::try_from(at).unwrap(), *part)).collect()
}

/// A deed over one plot of Benda.
pub fn register(deed: &str, kind: DeedKind, from: Transferor, to: &[(&str, &str)], main: u32, part: &str) -> LandCall {
    LandCall::RegisterDeed(RegisterDeed {
        deed: id(deed),
        kind,
        transferees: to.iter().map(|(name, _)| digest(name)).collect(),
        conveyances: vec![conveyance(from, &[(main, part)], &shares_in_order(to))],
        document: None,
    })
}

/// Registers a sale by a khatian of Benda to one buyer.
pub fn sell(world: &mut World, deed: &str, from: u32, buyer: &str, main: u32, part: &str) {
    let call = register(deed, DeedKind::Sale, from_khatian(from), &[(buyer, "1/1")], main, part);
    accept(world, "registration/adsr-bankura", call);
}

pub fn open(number: u32) -> Placement {
    Placement { deed: 0, transferee: 0, khatian: Target::Open(Opened { number, permission_required: false }) }
}

pub fn existing(number: u32) -> Placement {
    Placement { deed: 0, transferee: 0, khatian: Target::Existing(number) }
}

/// The present versions of khatians of Benda.
pub fn saw(world: &World, numbers: &[u32]) -> Vec<Saw> {
    let one = |number: &u32| {
        let text = format!("{BENDA}/{number}");
        Saw { khatian: id(&text), version: khatian(world, &text).version }
    };
    numbers.iter().map(one).collect()
}

/// A mutation without a hearing.
pub fn auto(world: &World, case: &str, deed: &str, from: u32, to: Placement) -> LandCall {
    LandCall::MutateAuto(MutateAuto {
        case: token(case),
        deed: id(deed),
        permission: None,
        saw: saw(world, &[from]),
        khatians: vec![to],
    })
}

pub fn by_deeds(case: &str, deeds: &[&str], plots: &[u32]) -> FileCase {
    let plots = plots.iter().map(|main| id(&format!("{BENDA}/{main}"))).collect();
    let ground = Ground::Deed(DeedChain { deeds: deeds.iter().map(|deed| id(deed)).collect(), plots });
    FileCase { case: token(case), ground, permission: None }
}

pub fn by_death(case: &str, from: u32, main: u32, heirs: &[(&str, &str)]) -> FileCase {
    let ground = Ground::Inheritance(Inheritance {
        khatian: id(&format!("{BENDA}/{from}")),
        plots: [id(&format!("{BENDA}/{main}"))].into_iter().collect(),
        death_certificate: token(DEATH),
        heirship: digest("heirship"),
        heirs: parties(heirs),
    });
    FileCase { case: token(case), ground, permission: None }
}

pub fn suo_motu(case: &str, from: u32, main: u32, part: &str, to: &[(&str, &str)]) -> FileCase {
    let ground = Ground::SuoMotu(OrderedTransfer {
        order: digest("finding"),
        khatian: id(&format!("{BENDA}/{from}")),
        plots: vec![PlotShare { plot: id(&format!("{BENDA}/{main}")), share: share(part) }],
        transferees: parties(to),
    });
    FileCase { case: token(case), ground, permission: None }
}

pub fn paper(case: &str) -> CasePaper {
    CasePaper { case: token(case), paper: digest("paper") }
}

pub fn fee(case: &str) -> LandCall {
    let receipt = token(&format!("GRN-{case}"));
    LandCall::Pay(PayFee { case: token(case), receipt, amount: Paise(50_000) })
}

/// Files a case of Benda and takes it to its hearing.
pub fn to_hearing(world: &mut World, file: FileCase) {
    let name = file.case.to_string();
    let filer = if matches!(file.ground, Ground::SuoMotu(_)) { "land/blro-2795" } else { "land/intake" };
    accept(world, filer, LandCall::File(file));
    accept(world, "finance/treasury", fee(&name));
    accept(world, "land/inspector-2795", LandCall::Enquire(paper(&name)));
    accept(world, "land/blro-2795", LandCall::Notice(paper(&name)));
    accept(world, "land/blro-2795", LandCall::Hear(paper(&name)));
}

pub fn allowance(world: &World, from: &[u32], khatians: &[Placement]) -> Allowance {
    Allowance { saw: saw(world, from), khatians: khatians.to_vec(), only: Set::default() }
}

/// The order that allows.
pub fn allow(world: &World, case: &str, from: &[u32], khatians: &[Placement]) -> LandCall {
    let decision = Decision::Allow(allowance(world, from, khatians));
    LandCall::Order(OrderCase { case: token(case), order: digest("order"), decision })
}

pub fn reject(case: &str) -> LandCall {
    LandCall::Order(OrderCase { case: token(case), order: digest("order"), decision: Decision::Reject })
}

/// A court's order on a case, with the later cases and the plots made since that it names.
pub fn set_aside(case: &str, later: &[&str], divided: &[&str]) -> LandCall {
    let (later, divided) =
        (later.iter().map(|case| token(case)).collect(), divided.iter().map(|plot| id(plot)).collect());
    let (cnr, order) = (token("CNR-1"), digest("decree"));
    LandCall::CourtSetAside(CourtSetAside { case: token(case), cnr, order, later, divided })
}

/// Divides a plot of Benda into `/1`, `/2`, … of these areas.
pub fn split(plot: &str, areas: &[u64]) -> LandCall {
    let part = |(bata, area): (u32, &u64)| survey::Part { bata, area: Area(*area) };
    let parts = (1..).zip(areas).map(part).collect();
    LandCall::Split(survey::Split { plot: id(plot), parts, survey: digest("survey") })
}

/// Merges plots of Benda.
pub fn merge(plots: &[&str], into: &str) -> LandCall {
    let plots = plots.iter().map(|plot| id(plot)).collect();
    LandCall::Amalgamate(survey::Amalgamate { plots, into: id(into), survey: digest("survey") })
}

/// The deed, registered.
pub fn register_all(world: &mut World, deed: &str, kind: DeedKind, takers: &[&str], conveyances: Vec<Conveyance>) {
    let transferees = takers.iter().map(|name| digest(name)).collect();
    let call = RegisterDeed { deed: id(deed), kind, transferees, conveyances, document: None };
    accept(world, "registration/adsr-bankura", LandCall::RegisterDeed(call));
}
