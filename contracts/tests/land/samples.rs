//! The sample records and the land's part of the showpiece, as files give them.

use dalil_contracts::land::types::LandClass;
use dalil_contracts::units::Area;
use dalil_ledger::document::{Provenance, Status, Uri};

use super::fixture::{case, deed, khatian, plot, share};
use crate::support::{World, token};

const SETUP: &str = include_str!("../../../testnet/sample/land-setup.json");
const SAMPLES: &str = include_str!("../../../testnet/sample/land-samples.json");
const SHOWPIECE: &str = include_str!("../../../testnet/sample/land-showpiece.json");

fn setup() -> World {
    let mut world = World::west_bengal();
    world.play(SETUP, |_, _| {});
    world
}

#[test]
fn land_samples_give_the_outcome_written_beside_them() {
    let mut world = setup();
    assert_eq!(plot(&world, "2795-51/257").provenance, Provenance::Imported);
    world.play(SAMPLES, |_, _| {});

    let sold = plot(&world, "2795-51/257");
    assert_eq!((sold.held(101), sold.held(102)), (share("1/2"), share("1/2")));
    assert_eq!(deed(&world, "0101-I-00002-2026").flags.len(), 1);

    let chain = plot(&world, "2903-7/1203");
    assert_eq!((chain.held(51), chain.held(52)), (share("0/1"), share("1/1")));
    assert!(deed(&world, "0601-I-00001-2026").plots[0].user(0).is_some());

    let inherited = plot(&world, "2991-106/150");
    assert_eq!([202, 203, 204].map(|number| inherited.held(number)), [share("1/3"); 3]);

    let mortgaged = plot(&world, "2878-10/88");
    assert_eq!((mortgaged.held(302), mortgaged.charges.len()), (share("1/1"), 1));

    assert!(plot(&world, "2800-33/417").retired);
    assert_eq!(plot(&world, "2800-33/417/901").area, Area(2_000));
    assert_eq!(plot(&world, "2800-33/417/902").held(401), share("1/1"));

    assert_eq!(plot(&world, "2796-4/61").held(1), share("1/1"));
    assert_eq!(plot(&world, "2806-29/891").class, LandClass::Bastu);
    assert_eq!(case(&world, "M-2026-2806-0001").stays.len(), 1);
}

#[test]
fn showpiece_land_from_death_to_new_extract() {
    const OLD: &str = "in.gov.wb.land-ROR-3kX9vQ2mT7bLw0Zr";
    const NEW: &str = "in.gov.wb.land-ROR-p8Yc5NfJ1sHd6Ea4";
    let mut world = setup();
    let mut seen = 0;
    world.play(SHOWPIECE, |world, step| {
        let status = |uri: &str| world.status(uri).status;
        match step {
            "inheritance allowed: three heirs, a third each" => {
                let land = plot(world, "2991-106/150");
                assert_eq!(
                    [201, 202, 203, 204].map(|number| land.held(number)),
                    ["0/1", "1/3", "1/3", "1/3"].map(share)
                );
                assert_eq!(khatian(world, "2991-106/201").version, 2);
            }
            "mutated without a hearing" => {
                let land = plot(world, "2991-106/150");
                assert_eq!((land.held(202), land.held(205)), (share("0/1"), share("1/3")));
            }
            "signed RoR of the buyer's khatian" => assert_eq!(status(OLD), Status::Valid),
            "the court sets the inheritance aside, not knowing of the sale" => assert_eq!(status(OLD), Status::Valid),
            "the court sets the sale's mutation aside" => {
                let land = plot(world, "2991-106/150");
                assert_eq!((land.held(202), land.held(205)), (share("1/3"), share("0/1")));
                let verdict = world.status(OLD);
                assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Superseded, "source_changed"));
                assert!(deed(world, "0501-I-00001-2026").plots[0].user(0).is_none());
            }
            "new extract" => {
                assert_eq!((status(OLD), status(NEW)), (Status::Superseded, Status::Valid));
                let successor: Uri = token(NEW);
                assert_eq!(world.document(OLD).superseded_by, Some(successor));
            }
            _ => return,
        }
        seen += 1;
    });
    assert_eq!(seen, 6);
}
