//! Random calls by their proper officers: whatever is accepted, the register adds up; whatever is refused, nothing moves.
//! What is asked after each of them stands in `oracle`.

use std::collections::{BTreeMap, BTreeSet};

use dalil_contracts::land::LandCall;
use dalil_contracts::land::appeal::{AppealDecision, OrderAppeal};
use dalil_contracts::land::case::{CaseState, MutationCase};
use dalil_contracts::land::charge::{EnterCharge, ReleaseCharge};
use dalil_contracts::land::convert::Convert;
use dalil_contracts::land::court::CourtSetAside;
use dalil_contracts::land::deed::{Conveyance, Deed, DeedKind, Transferor};
use dalil_contracts::land::extract::IssueRor;
use dalil_contracts::land::ground::Ground;
use dalil_contracts::land::keys::{PlotId, case_key};
use dalil_contracts::land::mutation::{Allowance, Giver, Opened, Placement, Saw, Target};
use dalil_contracts::land::order::{Decision, MutateAuto, OrderCase};
use dalil_contracts::land::public::{Confirm, FreezePlot, SettlePlot, VestPlot};
use dalil_contracts::land::registration::CancelDeed;
use dalil_contracts::land::stay::{OverlayTarget, Stay};
use dalil_contracts::land::survey::{Amalgamate, Part, Split};
use dalil_contracts::land::types::{Charge, Holding, Khatian, LandClass, Plot};
use dalil_contracts::units::Area;
use dalil_ledger::codec::Set;
use dalil_ledger::document::DocumentEntry;
use proptest::prelude::*;

use super::fixture::{
    BENDA, DEATH, benda, by_death, by_deeds, call, fee, from_deed, from_khatian, id, paper, parties, plot,
    record_death, register, share, suo_motu,
};
use super::oracle::{
    all, check, check_documents, check_offers, check_registers, check_stays, check_versions, extracts, note_charges,
    sums_to_one,
};
use crate::support::{World, digest, token};

const KHATIANS: [u32; 8] = [101, 103, 105, 1, 201, 202, 203, 204];
const PARTS: [&str; 6] = ["1/1", "1/2", "1/3", "2/3", "1/4", "3/7"];

/// The plots in force that came of a plot, found by their children.
fn fronts(world: &World, id: &PlotId) -> BTreeSet<PlotId> {
    let found = plot(world, &id.to_string());
    if !found.retired {
        return BTreeSet::from([id.clone()]);
    }
    found.children.iter().flat_map(|child| fronts(world, child)).collect()
}

/// The plots that an order must name to undo a case: those made since from the ones that it concerned.
fn divided(world: &World, case: &str) -> Set<PlotId> {
    let record: Option<MutationCase> = world.get(&case_key(&token(case)));
    let applied = record.and_then(|record| record.applied).map(|applied| applied.plots).unwrap_or_default();
    let since = applied.iter().filter(|done| plot(world, &done.plot.to_string()).retired);
    since.flat_map(|done| fronts(world, &done.plot)).collect()
}

/// Picks of one step.
type Picks = (u8, u8, u8, u8, u8);

fn pick<T: Copy>(items: &[T], at: u8) -> T {
    items[usize::from(at) % items.len()]
}

/// A deed that is registered, mostly; else a number that is free.
fn deed_name(world: &World, at: u8) -> String {
    let deeds: Vec<Deed> = all(world, "land/deed/");
    let known = deeds.get(usize::from(at) % (deeds.len() + 1));
    known.map_or_else(|| format!("0101-I-{:05}-2026", deeds.len() + 1), |deed| deed.id.to_string())
}

/// A case that was filed, mostly one of the last; else an id that is free.
fn case_name(world: &World, at: u8) -> String {
    let cases: Vec<MutationCase> = all(world, "land/case/");
    let back = usize::from(at) % 6;
    let known = cases.len().checked_sub(back).and_then(|at| cases.get(at));
    known.map_or_else(|| new_case(world), |case| case.id.to_string())
}

fn new_case(world: &World) -> String {
    format!("C-{:04}", all::<MutationCase>(world, "land/case/").len() + 1)
}

/// A khatian that holds in the plot, mostly.
fn holder(plot: &Plot, at: u8) -> u32 {
    let held = plot.holdings.get(usize::from(at) % (plot.holdings.len() + 1));
    held.map_or_else(|| pick(&KHATIANS, at), |holding| holding.khatian)
}

/// The call that the case waits for.
fn next_call(world: &World, case: &str, choice: u8, at: u8) -> (&'static str, LandCall) {
    let order = digest("order");
    let record: Option<MutationCase> = world.get(&case_key(&token(case)));
    let Some(record) = record else { return ("land/blro-2795", LandCall::Hear(paper(case))) };
    match record.state {
        CaseState::Filed => ("finance/treasury", fee(case)),
        CaseState::FeeSettled => ("land/inspector-2795", LandCall::Enquire(paper(case))),
        CaseState::Enquired => ("land/blro-2795", LandCall::Notice(paper(case))),
        CaseState::Noticed => ("land/blro-2795", LandCall::Hear(paper(case))),
        CaseState::Heard => {
            let allow = Decision::Allow(case_allowance(world, case, at));
            let decision = if choice.is_multiple_of(5) { Decision::Reject } else { allow };
            ("land/blro-2795", LandCall::Order(OrderCase { case: token(case), order, decision }))
        }
        CaseState::AppealedAllowed | CaseState::AppealedRejected => {
            let undoes = choice % 4 == 1 || choice % 4 == 2;
            let later = if undoes && at.is_multiple_of(3) { vec![case_name(world, at / 3)] } else { Vec::new() };
            let named = later.iter().map(String::as_str).chain([case]).filter(|_| undoes);
            let divided = named.flat_map(|case| divided(world, case).iter().cloned().collect::<Vec<_>>()).collect();
            let later = later.iter().map(|case| token(case)).collect();
            let decision = match choice % 4 {
                0 => AppealDecision::Uphold,
                1 => AppealDecision::SetAside,
                2 => AppealDecision::Remand,
                _ => AppealDecision::Allow(case_allowance(world, case, at)),
            };
            ("land/dllro", LandCall::AppealOrder(OrderAppeal { case: token(case), order, decision, later, divided }))
        }
        _ if choice.is_multiple_of(3) => {
            let later = if at.is_multiple_of(3) { vec![case_name(world, at)] } else { Vec::new() };
            let named = later.iter().map(String::as_str).chain([case]);
            let divided = named.flat_map(|case| divided(world, case).iter().cloned().collect::<Vec<_>>()).collect();
            let later = later.iter().map(|case| token(case)).collect();
            let call = CourtSetAside { case: token(case), cnr: token("CNR-1"), order, later, divided };
            ("judicial/court", LandCall::CourtSetAside(call))
        }
        _ => ("land/intake", LandCall::Appeal(paper(case))),
    }
}

/// Live and retired plots; calls on retired ones are refused.
fn plot_at(world: &World, at: u8) -> Plot {
    let plots: Vec<Plot> = all(world, "land/plot/");
    plots[usize::from(at) % plots.len()].clone()
}

fn target(world: &World, number: u32) -> Target {
    let open = all::<Khatian>(world, "land/khatian/").iter().any(|khatian| khatian.id.number == number);
    if open { Target::Existing(number) } else { Target::Open(Opened { number, permission_required: false }) }
}

/// Names every version, and a khatian for each transferee of the last deed (or heir).
fn allowance(world: &World, transferees: usize, last: u8, at: u8) -> Allowance {
    let saw = all::<Khatian>(world, "land/khatian/")
        .into_iter()
        .map(|khatian| Saw { khatian: khatian.id, version: khatian.version });
    let place = |transferee: usize| {
        let transferee = u8::try_from(transferee).unwrap();
        let number = pick(&KHATIANS, at.wrapping_add(transferee).wrapping_add(4));
        Placement { deed: last, transferee, khatian: target(world, number) }
    };
    let only = if at.is_multiple_of(3) { vec![Giver { deed: last, transferor: at / 3 % 2 }] } else { Vec::new() };
    let khatians = (0..transferees).map(place).collect();
    Allowance { saw: saw.collect(), khatians, only: only.into_iter().collect() }
}

fn case_allowance(world: &World, name: &str, at: u8) -> Allowance {
    let record: Option<MutationCase> = world.get(&case_key(&token(name)));
    let (transferees, last) = match record.map(|record| record.ground) {
        Some(Ground::Deed(chain)) => (1, u8::try_from(chain.deeds.len() - 1).unwrap()),
        Some(Ground::Inheritance(inheritance)) => (inheritance.heirs.len(), 0),
        Some(Ground::Acquisition(ordered) | Ground::SuoMotu(ordered)) => (ordered.transferees.len(), 0),
        None => (0, 0),
    };
    allowance(world, transferees, last, at)
}

/// The call of one step, with the posting that makes it.
fn step(world: &World, (kind, a, b, c, d): Picks) -> (&'static str, LandCall) {
    let order = digest("order");
    let plot = plot_at(world, a);
    let case = case_name(world, b);
    let fresh = if d.is_multiple_of(13) { case.clone() } else { new_case(world) };
    let heirs: &[(&str, &str)] = if c.is_multiple_of(2) { &[("x", "1/1")] } else { &[("x", "1/3"), ("y", "2/3")] };
    match kind % 22 {
        0..=3 => {
            let from =
                if d.is_multiple_of(3) { from_deed(&deed_name(world, c), 0) } else { from_khatian(holder(&plot, b)) };
            let kind = if d.is_multiple_of(11) { DeedKind::Mortgage } else { DeedKind::Sale };
            let deeds = all::<Deed>(world, "land/deed/").len();
            let name = if d.is_multiple_of(13) { deed_name(world, c) } else { format!("0101-I-{:05}-2026", deeds + 1) };
            let mut call = register(&name, kind, from, &[("x", "1/1")], 257, pick(&PARTS, c));
            if let LandCall::RegisterDeed(call) = &mut call {
                call.conveyances[0].plots[0].plot = plot.id.clone();
                if d % 5 < 2 {
                    let second =
                        Conveyance { transferor: from_khatian(holder(&plot, d)), ..call.conveyances[0].clone() };
                    call.conveyances.push(second);
                }
            }
            ("registration/adsr-bankura", call)
        }
        4..=6 => {
            let Allowance { saw, khatians, .. } = allowance(world, 1, 0, d);
            let permission = Some(order);
            let call = MutateAuto { case: token(&fresh), deed: id(&deed_name(world, a)), permission, saw, khatians };
            ("land/system", LandCall::MutateAuto(call))
        }
        7 => {
            let deeds: Vec<Deed> = all(world, "land/deed/");
            let name = deed_name(world, a);
            let given = deeds.iter().find(|deed| deed.id.to_string() == name);
            let mut chain = vec![name.clone()];
            if let Some(Transferor::Deed(source)) = given.map(|deed| &deed.conveyances[0].transferor)
                && c.is_multiple_of(2)
            {
                chain.insert(0, source.deed.to_string());
            }
            let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
            let mut file = by_deeds(&fresh, &chain, &[257]);
            if let (Ground::Deed(ground), Some(given)) = (&mut file.ground, given) {
                ground.plots = [given.plots[0].plot.clone()].into_iter().collect();
            }
            file.permission = Some(order);
            ("land/intake", LandCall::File(file))
        }
        8 if d.is_multiple_of(2) => {
            let mut file = by_death(&fresh, holder(&plot, c), 257, heirs);
            if let Ground::Inheritance(ground) = &mut file.ground {
                ground.plots = [plot.id].into_iter().collect();
            }
            ("land/intake", LandCall::File(file))
        }
        8 => {
            let mut file = suo_motu(&fresh, holder(&plot, c), 257, pick(&PARTS, d), heirs);
            if let Ground::SuoMotu(ground) = &mut file.ground {
                ground.plots[0].plot = plot.id;
            }
            ("land/blro-2795", LandCall::File(file))
        }
        // What a case does not wait for, the mutation table's own test goes through.
        9..=14 => next_call(world, &case, c, d),
        15 => {
            let cut = plot.area.0 * u64::from(b % 5) / 4;
            let rest = plot.area.0 - cut + u64::from(d.is_multiple_of(7));
            let parts = [cut, rest].into_iter().zip([c, c.wrapping_add(1)]);
            let parts = parts.map(|(area, bata)| Part { bata: bata.into(), area: Area(area) }).collect();
            ("land/surveyor", LandCall::Split(Split { plot: plot.id, parts, survey: order }))
        }
        16 => {
            let plots: BTreeSet<_> = [plot.id, plot_at(world, b).id, plot_at(world, c).id].into_iter().collect();
            let into = id(&format!("{BENDA}/{}", 300 + u32::from(d)));
            let plots = plots.into_iter().collect();
            ("land/surveyor", LandCall::Amalgamate(Amalgamate { plots, into, survey: order }))
        }
        20 if d.is_multiple_of(3) => {
            let call = CancelDeed { deed: id(&deed_name(world, a)), cnr: token("CNR-1"), order };
            ("judicial/court", LandCall::CancelDeed(call))
        }
        20 => {
            let target = match a % 2 {
                0 => OverlayTarget::Case(token(&case)),
                _ => OverlayTarget::Deed(id(&deed_name(world, c))),
            };
            let stay = Stay { target, cnr: token("CNR-1"), order };
            ("judicial/court", if b.is_multiple_of(2) { LandCall::Stay(stay) } else { LandCall::LiftStay(stay) })
        }
        17 => {
            let to = if plot.class == LandClass::Bastu { LandClass::Danga } else { LandClass::Bastu };
            ("land/dllro", LandCall::Convert(Convert { plot: plot.id, from: plot.class, to, order }))
        }
        19 => {
            let khatians: Vec<Khatian> = all(world, "land/khatian/");
            let khatian = &khatians[usize::from(b) % khatians.len()];
            let earlier: Vec<DocumentEntry> = all(world, "doc/uri/in.gov.wb.land-");
            let of_it = earlier.iter().rev().find(|entry| entry.subject == khatian.id.subject());
            let uri = format!("in.gov.wb.land-ROR-{:016}", earlier.len());
            let call = IssueRor {
                uri: token(&uri),
                digest: digest(&uri),
                khatian: khatian.id.clone(),
                khatian_version: khatian.version + u64::from(c.is_multiple_of(9)),
                claims_root: None,
                supersedes: of_it.map(|entry| entry.uri.clone()),
            };
            ("land/blro-2795", LandCall::IssueRor(call))
        }
        18 if d.is_multiple_of(4) => {
            let charged = plot.charges.get(usize::from(b) % (plot.charges.len() + 1));
            let instrument = charged.map_or_else(|| id(&deed_name(world, c)), |charge| charge.instrument.clone());
            let call = ReleaseCharge { plot: plot.id, instrument, satisfaction: order };
            ("registration/adsr-bankura", LandCall::Release(call))
        }
        18 if d.is_multiple_of(2) => {
            let charge = Charge { rank: b % 4, holder: digest("x"), instrument: id(&deed_name(world, c)) };
            ("registration/adsr-bankura", LandCall::Charge(EnterCharge { plot: plot.id, charge }))
        }
        18 => {
            let holdings = parties(&[("x", pick(&PARTS, b)), ("y", pick(&PARTS, c))]);
            let holdings = holdings.iter().zip([101, 103]);
            let holdings = holdings.map(|(party, khatian)| Holding { khatian, share: party.part }).collect();
            let call = SettlePlot { plot: plot.id, order, open: Vec::new(), holdings };
            ("district/collector", LandCall::Settle(call))
        }
        _ => {
            let freeze = FreezePlot { plot: plot.id.clone(), reference: token("CNR-1"), order };
            let before = Confirm { record: world.record.saturating_sub(1 + u64::from(b % 2)) };
            match c % 8 {
                0 | 1 => ("judicial/court", LandCall::Freeze(freeze)),
                2 | 3 => ("judicial/court-second", LandCall::Confirm(before)),
                4 | 5 => ("judicial/court", LandCall::Unfreeze(freeze)),
                6 if d.is_multiple_of(4) => ("district/collector", LandCall::Vest(VestPlot { plot: plot.id, order })),
                _ => ("land/dllro", LandCall::Confirm(before)),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_keep_shares_and_area(steps in prop::collection::vec(any::<Picks>(), 1..250)) {
        let mut world = benda();
        record_death(&mut world, DEATH);
        assert!(sums_to_one(&[share("1/3"), share("2/3")]) && !sums_to_one(&[share("1/3"), share("1/2")]));
        check(&world);
        let older = all::<Plot>(&world, "land/plot/").into_iter().map(|plot| (plot.id, plot.holdings)).collect();
        let mut charged = BTreeMap::new();
        let start = world.start_recording();
        for picks in steps {
            let (posting, land) = step(&world, picks);
            let (state, shown) = (world.state.clone(), extracts(&world));
            if call(&mut world, posting, land.clone()).is_ok() {
                check(&world);
            check_offers(&world);
                check_stays(&world);
                check_versions(&shown, &world);
                note_charges(&mut charged, &land);
                check_registers(&world, &older, &charged);
                check_documents(&world);
            } else {
                prop_assert_eq!(&world.state, &state);
            }
        }
        start.assert_replays_to(&world);
    }
}
