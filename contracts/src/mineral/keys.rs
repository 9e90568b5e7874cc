//! State keys of the room. Every id in a key is plain (see [`super::types`]), so that no two things share a key.

use std::fmt::Display;

use dalil_ledger::crypto::Hash;

use crate::land::keys::PlotId;
use crate::mineral::device::DeviceId;
use crate::mineral::types::{
    ChallanNumber, GrnId, LeaseId, MineralCode, MiningBlockId, OffenceId, PaperNumber, PermitId, RangeId, VehicleId,
    YardId,
};

fn key(what: &str, id: impl Display) -> Vec<u8> {
    format!("mineral/{what}/{id}").into_bytes()
}

/// A mining block.
pub fn block_key(id: &MiningBlockId) -> Vec<u8> {
    key("block", id)
}

/// A lease.
pub fn lease_key(id: &LeaseId) -> Vec<u8> {
    key("lease", id)
}

/// Kilograms permitted under a lease in the financial year that begins in April of `year`.
pub fn lease_year_key(id: &LeaseId, year: i64) -> Vec<u8> {
    key("lease_year", format_args!("{id}/{year}"))
}

/// A permit.
pub fn permit_key(id: &PermitId) -> Vec<u8> {
    key("permit", id)
}

/// A payment.
pub fn payment_key(id: &GrnId) -> Vec<u8> {
    key("grn", id)
}

/// A vehicle's registration.
pub fn vehicle_key(id: &VehicleId) -> Vec<u8> {
    key("vehicle", id)
}

/// A vehicle's last challans and departure: the slot that shows which challan is live, or that there is none.
pub fn vehicle_use_key(id: &VehicleId) -> Vec<u8> {
    key("vehicle_use", id)
}

/// Where a vehicle was last seen.
pub fn sightings_key(id: &VehicleId) -> Vec<u8> {
    key("sightings", id)
}

/// A stockyard.
pub fn yard_key(id: &YardId) -> Vec<u8> {
    key("yard", id)
}

/// A stockyard's balance of one mineral.
pub fn stock_key(yard: &YardId, mineral: &MineralCode) -> Vec<u8> {
    key("stock", format_args!("{yard}/{mineral}"))
}

/// A challan.
pub fn challan_key(number: &ChallanNumber) -> Vec<u8> {
    key("challan", number)
}

/// The mark that a security paper is used up.
pub fn paper_key(number: &PaperNumber) -> Vec<u8> {
    key("paper", number)
}

/// The mark that a pass of another state is used up.
pub fn pass_key(pass: &Hash) -> Vec<u8> {
    key("pass", pass)
}

/// The lease that lies on a raiyati plot.
pub fn leased_plot_key(plot: &PlotId) -> Vec<u8> {
    key("leased_plot", plot)
}

/// The checks of a challan that was shown, on record or not.
pub fn checks_key(number: &ChallanNumber) -> Vec<u8> {
    key("checks", number)
}

/// One check of a challan that was shown, numbered from 0.
pub fn check_key(number: &ChallanNumber, check: u32) -> Vec<u8> {
    key("check", format_args!("{number}/{check}"))
}

/// The checks of a vehicle that showed no challan.
pub fn bare_checks_key(vehicle: &VehicleId) -> Vec<u8> {
    key("bare_checks", vehicle)
}

/// One check of a vehicle that showed no challan, numbered from 0.
pub fn bare_check_key(vehicle: &VehicleId, check: u32) -> Vec<u8> {
    key("bare_check", format_args!("{vehicle}/{check}"))
}

/// An offence case.
pub fn offence_key(id: &OffenceId) -> Vec<u8> {
    key("offence", id)
}

/// A device.
pub fn device_key(id: &DeviceId) -> Vec<u8> {
    key("device", id)
}

/// Block time of a record about a device, by the record's log index.
pub fn device_mark_key(id: &DeviceId, record: u64) -> Vec<u8> {
    key("device_mark", format_args!("{id}/{record}"))
}

/// A range of challan numbers.
pub fn range_key(id: &RangeId) -> Vec<u8> {
    key("range", id)
}

/// An offline challan that was put on record as void.
pub fn void_key(number: &ChallanNumber) -> Vec<u8> {
    key("void", number)
}
