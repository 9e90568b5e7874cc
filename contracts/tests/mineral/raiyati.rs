//! M15: a lease on raiyati land rests on what the land record says at the time of the grant.

use dalil_contracts::Call;
use dalil_contracts::land::keys::{khatian_key, plot_key};
use dalil_contracts::land::types::{Freeze, FrozenBy, Khatian, LandClass, Plot};
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::keys::lease_key;
use dalil_contracts::mineral::lease::{ChangeLease, GrantLease, Lease, LeaseStanding};
use dalil_contracts::mineral::raiyati::{HolderConsent, RAIYATI_PLOTS_MAX, RaiyatiPlot};
use serde_json::json;

use crate::quarry::{OFFICER, accepted, open_lease, quarry, refused};
use crate::support::{START_MS, World, digest, token};

const PLOT: &str = "2795-51/901";
const SHARED: &str = "2795-51/902";
const OTHER: &str = "2795-51/903";

fn land(world: &mut World, posting: &str, call: serde_json::Value) {
    let call: Call = serde_json::from_value(json!({ "land": call })).unwrap();
    world.call(posting, call).unwrap();
}

/// Mouza Benda with danga plots 901 and 903 (khatian 101 alone) and 902 (khatians 101 and 105, which needs a permission).
fn benda() -> World {
    let mut world = quarry();
    let mouza = json!({ "id": "2795-51", "district": 305, "block": 2795, "thana": null, "jl": 51 });
    land(&mut world, "land/dllro", json!({ "register_mouza": mouza }));
    let khatian = |number: u32, permission: bool| {
        let holder = digest(&format!("holder {number}")).to_string();
        json!({ "number": number, "holder": holder, "permission_required": permission })
    };
    let plot = |plot: &str, holdings: serde_json::Value| json!({ "plot": plot, "class": "danga", "area": 10_000, "holdings": holdings, "remainder": "0/1" });
    let import = json!({
        "mouza": "2795-51", "source": digest("older register").to_string(), "as_on_ms": START_MS - 1,
        "khatians": [khatian(101, false), khatian(105, true)],
        "plots": [
            plot(PLOT, json!([{ "khatian": 101, "share": "1/1" }])),
            plot(OTHER, json!([{ "khatian": 101, "share": "1/1" }])),
            plot(SHARED, json!([{ "khatian": 101, "share": "1/2" }, { "khatian": 105, "share": "1/2" }])),
        ],
    });
    land(&mut world, "land/system", json!({ "import": import }));
    world
}

fn consent(khatian: u32, version: u64) -> HolderConsent {
    HolderConsent { khatian, version, consent: digest("consent"), permission: None }
}

fn version(world: &World, khatian: u32) -> u64 {
    let key = khatian_key(&format!("2795-51/{khatian}").parse().unwrap());
    world.get::<Khatian>(&key).unwrap().version
}

fn plot_record(world: &World, plot: &str) -> Plot {
    world.get(&plot_key(&plot.parse().unwrap())).unwrap()
}

/// A lease on one plot with the consent of khatian 101 as it stands.
fn lease_on(world: &mut World, lease: &str, plot: &str) -> GrantLease {
    let consents = vec![consent(101, version(world, 101))];
    let raiyati_plots = vec![RaiyatiPlot { plot: plot.parse().unwrap(), consents }];
    GrantLease { raiyati_plots, ..open_lease(world, lease, None) }
}

fn grant(lease: &GrantLease) -> MineralCall {
    MineralCall::GrantLease(Box::new(lease.clone()))
}

#[test]
fn m15_a_lease_on_raiyati_land_has_its_holders_consent() {
    let mut world = benda();
    let lease = lease_on(&mut world, "L-2", PLOT);
    let with = |consents: Vec<HolderConsent>| {
        let mut lease = lease.clone();
        lease.raiyati_plots[0].consents = consents;
        grant(&lease)
    };
    let now = version(&world, 101);
    let unsaid = HolderConsent { consent: dalil_ledger::crypto::Hash::ZERO, ..consent(101, now) };
    for wrong in [
        vec![],
        vec![consent(105, 1)],
        vec![consent(101, now), consent(105, 1)],
        vec![consent(101, now), consent(101, now)],
        vec![consent(101, now + 1)],
        vec![unsaid],
    ] {
        assert_eq!(refused(&mut world, OFFICER, with(wrong.clone())), "M15", "{wrong:?}");
    }
    let outcome = accepted(&mut world, OFFICER, grant(&lease));
    assert!(outcome.subjects.contains(&token(&format!("plot/{PLOT}"))), "the plot's history lists the lease");
}

#[test]
fn m15_every_holder_consents_and_who_needs_a_permission_has_it() {
    let mut world = benda();
    let mut lease = lease_on(&mut world, "L-2", SHARED);
    assert_eq!(refused(&mut world, OFFICER, grant(&lease)), "M15", "khatian 105 holds a half");
    lease.raiyati_plots[0].consents.push(consent(105, version(&world, 105)));
    assert_eq!(refused(&mut world, OFFICER, grant(&lease)), "M15", "it needs a permission");
    lease.raiyati_plots[0].consents[1].permission = Some(digest("permission"));
    accepted(&mut world, OFFICER, grant(&lease));
}

#[test]
fn m15_the_plots_class_and_flags_allow_it() {
    let mut world = benda();
    let lease = lease_on(&mut world, "L-2", PLOT);
    let key = plot_key(&PLOT.parse().unwrap());
    let sound = plot_record(&world, PLOT);
    let freeze = Freeze { by: FrozenBy::Court, reference: "CNR-TEST-01".parse().unwrap(), order: digest("order") };
    type Change = Box<dyn Fn(&mut Plot)>;
    let changes: [(&str, Change); 5] = [
        ("paddy land", Box::new(|plot| plot.class = LandClass::Shali)),
        ("vested", Box::new(|plot| plot.vested = true)),
        ("frozen", Box::new(move |plot| plot.freezes = vec![freeze.clone()])),
        ("retired", Box::new(|plot| plot.retired = true)),
        ("a share without a holder", Box::new(|plot| plot.remainder = "1/3".parse().unwrap())),
    ];
    for (what, change) in changes {
        let mut plot = sound.clone();
        change(&mut plot);
        world.put(key.clone(), &plot);
        assert_eq!(refused(&mut world, OFFICER, grant(&lease)), "M15", "{what}");
    }
    world.put(key, &sound);
    world.set_parameter("mineral/raiyati_class/danga", 0);
    assert_eq!(refused(&mut world, OFFICER, grant(&lease)), "M15", "a parameter says on which uses");
    world.set_parameter("mineral/raiyati_class/danga", 1);
    accepted(&mut world, OFFICER, grant(&lease));
}

#[test]
fn m15_a_stayed_case_on_the_plot_stands_in_the_way() {
    let mut world = benda();
    sell_half(&mut world);
    let target = json!({ "target": { "case": "M-1" }, "cnr": "CNR-TEST-01", "order": digest("order").to_string() });
    land(&mut world, "judicial/court", json!({ "stay": target.clone() }));
    let mut lease = lease_on(&mut world, "L-2", PLOT);
    lease.raiyati_plots[0].consents.push(consent(102, version(&world, 102)));
    assert_eq!(refused(&mut world, OFFICER, grant(&lease)), "M15");
    land(&mut world, "judicial/court", json!({ "lift_stay": target }));
    accepted(&mut world, OFFICER, grant(&lease));
}

#[test]
fn m15_a_stay_stands_in_the_way_before_the_mutation_and_after_a_division() {
    const DEED: &str = "0101-I-00001-2026";
    let order = digest("order").to_string();
    let stay = |target: serde_json::Value| json!({ "target": target, "cnr": "CNR-TEST-01", "order": order });
    let ground = json!({ "deed": { "deeds": [DEED], "plots": [PLOT] } });
    let filed = json!({ "case": "M-1", "ground": ground, "permission": null });
    let parts = json!([{ "bata": 1, "area": 4_000 }, { "bata": 2, "area": 6_000 }]);
    let divided = json!({ "plot": PLOT, "parts": parts, "survey": digest("survey").to_string() });
    for target in [json!({ "deed": DEED }), json!({ "case": "M-1" })] {
        let mut world = benda();
        register_half(&mut world);
        land(&mut world, "land/intake", json!({ "file": filed }));
        land(&mut world, "judicial/court", json!({ "stay": stay(target.clone()) }));
        let whole = lease_on(&mut world, "L-2", PLOT);
        assert_eq!(refused(&mut world, OFFICER, grant(&whole)), "M15", "{target}");
        land(&mut world, "land/surveyor", json!({ "split": divided }));
        let part = lease_on(&mut world, "L-3", &format!("{PLOT}/1"));
        assert_eq!(refused(&mut world, OFFICER, grant(&part)), "M15", "{target}: made from a stayed plot");
        let other = lease_on(&mut world, "L-4", OTHER);
        accepted(&mut world, OFFICER, grant(&other));
        land(&mut world, "judicial/court", json!({ "lift_stay": stay(target) }));
        accepted(&mut world, OFFICER, grant(&part));
    }
}

/// Khatian 101 sells one half of plot 901 to khatian 102 by a deed that is not mutated.
fn register_half(world: &mut World) {
    let conveyance = json!({
        "transferor": { "khatian": "2795-51/101" }, "plots": [{ "plot": PLOT, "share": "1/2" }],
        "to": [{ "transferee": 0, "part": "1/1" }],
    });
    let transferees = [digest("holder 102").to_string()];
    let deed = json!({
        "deed": "0101-I-00001-2026", "kind": "sale", "transferees": transferees, "conveyances": [conveyance],
    });
    land(world, "registration/adsr-bankura", json!({ "register_deed": deed }));
}

/// Khatian 101 sells one half of plot 901 to khatian 102.
fn sell_half(world: &mut World) {
    register_half(world);
    let seen = version(world, 101);
    let mutation = json!({
        "case": "M-1", "deed": "0101-I-00001-2026", "saw": [{ "khatian": "2795-51/101", "version": seen }],
        "khatians": [{ "transferee": 0, "khatian": { "open": { "number": 102 } } }],
    });
    land(world, "land/system", json!({ "mutate_auto": mutation }));
}

#[test]
fn m15_a_holder_who_came_in_meanwhile_has_not_consented() {
    let mut world = benda();
    let early = lease_on(&mut world, "L-2", PLOT);
    sell_half(&mut world);
    assert_eq!(refused(&mut world, OFFICER, grant(&early)), "M15");
}

#[test]
fn m15_a_granted_lease_outlives_a_change_of_holders() {
    let mut world = benda();
    let lease = lease_on(&mut world, "L-2", PLOT);
    accepted(&mut world, OFFICER, grant(&lease));
    sell_half(&mut world);
    let stands: Lease = world.get(&lease_key(&token("L-2"))).unwrap();
    assert_eq!(stands.standing, LeaseStanding::Active);
    assert_eq!(stands.granted.raiyati_plots, lease.raiyati_plots, "it keeps the versions that were seen");
}

#[test]
fn m15_the_plot_lies_in_the_mining_block() {
    let mut world = benda();
    let lease = lease_on(&mut world, "L-2", PLOT);
    let key = dalil_contracts::mineral::keys::block_key(&token("B-L-2"));
    let sound: dalil_contracts::mineral::block::MiningBlock = world.get(&key).unwrap();
    for wrong in 0..3 {
        let mut block = sound.clone();
        match wrong {
            0 => block.registered.mouzas = ["2837-90".parse().unwrap()].into_iter().collect(),
            1 => block.registered.plots = [SHARED.parse().unwrap()].into_iter().collect(),
            _ => block.registered.development_block = Some(2796),
        }
        world.put(key.clone(), &block);
        assert_eq!(refused(&mut world, OFFICER, grant(&lease)), "M15", "{wrong}");
    }
    let mut block = sound;
    block.registered.plots = [PLOT.parse().unwrap()].into_iter().collect();
    world.put(key, &block);
    accepted(&mut world, OFFICER, grant(&lease));
}

#[test]
fn m15_a_raiyati_plot_is_leased_once() {
    let mut world = benda();
    let mut twice = lease_on(&mut world, "L-2", PLOT);
    let plot = twice.raiyati_plots[0].clone();
    twice.raiyati_plots.push(plot.clone());
    assert_eq!(refused(&mut world, OFFICER, grant(&twice)), "M15", "named twice");
    twice.raiyati_plots = vec![plot; RAIYATI_PLOTS_MAX + 1];
    assert_eq!(refused(&mut world, OFFICER, grant(&twice)), "M15", "too many");
    twice.raiyati_plots.truncate(1);
    accepted(&mut world, OFFICER, grant(&twice));
    let second = lease_on(&mut world, "L-3", PLOT);
    assert_eq!(refused(&mut world, OFFICER, grant(&second)), "M15", "another lease lies on it");
    let end = ChangeLease { lease: token("L-2"), standing: LeaseStanding::Determined, order: digest("order") };
    accepted(&mut world, OFFICER, MineralCall::ChangeLease(end));
    accepted(&mut world, OFFICER, grant(&second));
}
