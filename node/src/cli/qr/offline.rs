//! `dalil qr offline`: the code B of a challan that a gate issues where there is no network.
//!
//! The gate's device signs, whom the range names; so that no paper leaves which a checkpost would not take, the code is
//! judged here first as a checkpost judges it, by the same kind of bundle.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use dalil_contracts::mineral::check::CheckPlace;
use dalil_contracts::mineral::checkpost::{ChallanSlip, Plate, Reason, Scene, Stop, judge};
use dalil_contracts::mineral::offline::OfflineChallan;
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::mineral::range;
use dalil_contracts::units::Kilograms;
use dalil_ledger::checkpoint::Pin;

use super::write;
use crate::cli::Format;
use crate::cli::checkpost::bundle::Bundle;
use crate::cli::plate::VehicleKey;
use crate::shell::clock::now_ms;
use crate::shell::home::read_private_seed;

#[derive(Args)]
pub(crate) struct Offline {
    /// The challan as the device seals it: the value of `offline` in a call `sync_challan`, JSON.
    challan: PathBuf,
    /// What the ledger said of the range: `dalil checkpost bundle --policy … --device … --out …`.
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// Whom to believe about what is on record: a pin.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The device's key file.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The vehicle's plate, as it stands on the document.
    #[arg(long)]
    plate: Plate,
    /// The key that turns plates into vehicle ids, where the gate has it; the plate is then compared with the challan.
    #[arg(long, value_name = "FILE")]
    vehicle_key: Option<PathBuf>,
    /// The mass reserved for a load that is declared by volume, kg, by the mineral's density in force.
    #[arg(long)]
    mass_kg: Option<u64>,
    /// The picture, .svg or .png; - prints the code's text.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn draw(offline: &Offline, format: Format) -> anyhow::Result<ExitCode> {
    let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let pin = Pin::from_json(&read(&offline.policy)?).with_context(|| offline.policy.display().to_string())?;
    let issued: OfflineChallan = serde_json::from_slice(&read(&offline.challan)?)
        .with_context(|| format!("{}: expected the value of `offline`", offline.challan.display()))?;
    let key = read_private_seed(&offline.key)?;
    let Bundle { book, as_of_ms } = Bundle::read(&offline.bundle, &pin, &key.public(), now_ms())?;
    let challan = &issued.challan;
    if let Some(file) = &offline.vehicle_key {
        let same = VehicleKey::read(file)?.id(&offline.plate) == challan.vehicle;
        ensure!(same, "the challan is for another vehicle than {}", offline.plate);
    }
    let (id, _) = range::split(&challan.number)
        .filter(|(id, _)| book.ranges.contains_key(id))
        .with_context(|| format!("{} is a number of no range that the bundle lists", challan.number))?;
    let speaker = book.issuers.values().flatten().find(|it| it.key == key.public() && it.range.as_ref() == Some(&id));
    let speaker = speaker.with_context(|| format!("range {id} is for another device than {}", key.public()))?;
    let at_ms = issued.observed_at_ms;
    let in_window = speaker.from_ms <= at_ms && speaker.until_ms.is_none_or(|until| at_ms < until);
    ensure!(in_window, "the challan is not issued in the window of range {id}");
    let mass_kg = match challan.quantity {
        Quantity::Kilograms(kilograms) => Kilograms(kilograms),
        Quantity::Litres(_) => Kilograms(offline.mass_kg.context("a load declared by volume takes --mass-kg")?),
    };
    let said = ChallanSlip {
        number: challan.number.clone(),
        plate: offline.plate.clone(),
        site: speaker.site.clone(),
        mineral: challan.mineral.clone(),
        quantity: challan.quantity,
        mass_kg,
        route: challan.route.clone(),
        to_state: challan.destination.state,
        to_district: challan.destination.district,
        valid_from_ms: challan.valid_from_ms,
        valid_until_ms: challan.valid_until_ms,
    };
    let slip = said.sign(&key, &pin.terms().chain)?;
    let place = CheckPlace { post: "GATE".parse()?, district: 0, point: issued.place };
    let scene = Scene {
        plate: &offline.plate,
        vehicle: challan.vehicle,
        place: &place,
        // On the road from then on.
        now_ms: at_ms.max(challan.valid_from_ms),
        gross_kg: None,
        stop: Stop::New,
        journal: &[],
    };
    let judged = judge(&slip, &pin.terms().chain, (&book, as_of_ms), u64::MAX, &scene);
    if judged.reason != Reason::Pending {
        bail!("a checkpost would not take it: {}", serde_json::to_string(&judged.reason)?);
    }
    write(&slip.to_text(), &offline.out, format)
}
