//! Plot sheets, ULPIN, and the flag that a succession keeps.

use dalil_contracts::land::LandCall;
use dalil_contracts::land::extract::{IssuePlotSheet, PlotSheet};
use dalil_contracts::land::survey::AssignUlpin;
use dalil_ledger::document::Status;

use super::fixture::{
    DEATH, accept, allow, auto, benda, by_death, existing, id, open, plot, record_death, refuse, sell, split,
    to_hearing,
};
use crate::support::{digest, token};

const D1: &str = "0101-I-00001-2026";
const BLRO: &str = "land/blro-2795";
const SURVEYOR: &str = "land/surveyor";
const INDEX: &str = "in.gov.wb.land-PLOTINDEX-3kX9vQ2mT7bLw0Zr";
const MAP: &str = "in.gov.wb.land-PLOTMAP-p8Yc5NfJ1sHd6Ea4";

fn sheet(sheet: PlotSheet, uri: &str, plot: &str, plot_version: u64, supersedes: Option<&str>) -> LandCall {
    let (digest, plot, supersedes) = (digest(uri), id(plot), supersedes.map(token));
    LandCall::IssuePlotSheet(IssuePlotSheet {
        sheet,
        uri: token(uri),
        digest,
        plot,
        plot_version,
        claims_root: None,
        supersedes,
    })
}

#[test]
fn l14_a_plots_sheets_show_its_current_version() {
    const NEXT: &str = "in.gov.wb.land-PLOTINDEX-a7Bc5NfJ1sHd6Ea4";
    let mut world = benda();
    refuse(&mut world, BLRO, sheet(PlotSheet::Index, INDEX, "2795-51/257", 2, None), "L14");
    refuse(&mut world, BLRO, sheet(PlotSheet::Index, MAP, "2795-51/257", 1, None), "D1");
    refuse(&mut world, SURVEYOR, sheet(PlotSheet::Index, INDEX, "2795-51/257", 1, None), "A1");
    accept(&mut world, BLRO, sheet(PlotSheet::Index, INDEX, "2795-51/257", 1, None));
    accept(&mut world, SURVEYOR, sheet(PlotSheet::Map, MAP, "2795-51/257", 1, None));
    assert_eq!((world.status(INDEX).status, world.status(MAP).status), (Status::Valid, Status::Valid));
    sell(&mut world, D1, 101, "a", 257, "1/2");
    let call = auto(&world, "C-1", D1, 101, open(201));
    accept(&mut world, "land/system", call);
    assert_eq!((world.status(INDEX).status, world.status(MAP).status), (Status::Superseded, Status::Superseded));
    refuse(&mut world, BLRO, sheet(PlotSheet::Index, NEXT, "2795-51/257", 2, Some(MAP)), "D3");
    accept(&mut world, BLRO, sheet(PlotSheet::Index, NEXT, "2795-51/257", 2, Some(INDEX)));
    assert_eq!(world.status(NEXT).status, Status::Valid);
    accept(&mut world, SURVEYOR, split("2795-51/257", &[4_000, 6_000]));
    assert_eq!(world.status(NEXT).status, Status::Superseded);
    refuse(
        &mut world,
        BLRO,
        sheet(PlotSheet::Map, "in.gov.wb.land-PLOTMAP-q8Yc5NfJ1sHd6Ea4", "2795-51/257", 3, None),
        "D2",
    );
}

#[test]
fn d1_a_ulpin_names_one_plot() {
    let mut world = benda();
    let assign = |main: &str, ulpin: &str| {
        LandCall::AssignUlpin(AssignUlpin { plot: id(main), ulpin: token(ulpin), survey: digest("survey") })
    };
    accept(&mut world, SURVEYOR, assign("2795-51/257", "19ABC00000257"));
    refuse(&mut world, SURVEYOR, assign("2795-51/257", "19ABC00000999"), "D2");
    refuse(&mut world, SURVEYOR, assign("2795-51/258", "19ABC00000257"), "D1");
    assert_eq!(plot(&world, "2795-51/257").version, 2);
    // The number stays that of the divided plot; its parts get their own.
    accept(&mut world, SURVEYOR, split("2795-51/257", &[4_000, 6_000]));
    refuse(&mut world, SURVEYOR, assign("2795-51/257/1", "19ABC00000257"), "D1");
    accept(&mut world, SURVEYOR, assign("2795-51/257/1", "19ABC00002571"));
}

#[test]
fn l10_a_succession_keeps_permission_required_in_an_heirs_own_khatian_too() {
    let mut world = benda();
    record_death(&mut world, DEATH);
    to_hearing(&mut world, by_death("C-1", 105, 259, &[("holder 101", "1/1")]));
    let into_a_free_khatian = allow(&world, "C-1", &[105], &[existing(101)]);
    refuse(&mut world, BLRO, into_a_free_khatian, "L10");
    let call = allow(&world, "C-1", &[105], &[open(205)]);
    accept(&mut world, BLRO, call);
}
