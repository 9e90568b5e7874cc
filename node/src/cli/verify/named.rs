//! Questions by the numbers that are printed on papers, asked by options.

use std::path::PathBuf;

use clap::Args;
use dalil_contracts::certificate::record::CertificateNumber;
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::mineral::checkpost::Plate;
use dalil_contracts::mineral::types::{ChallanNumber, VehicleId};
use dalil_ledger::block::DepartmentId;
use dalil_ledger::document::TypeCode;
use dalil_ledger::log::LogIndex;

use super::Usage;
use crate::cli::plate::VehicleKey;
use crate::service::Ask;

#[derive(Args)]
pub(super) struct Named {
    /// A challan's number.
    #[arg(long, value_name = "NUMBER")]
    challan: Option<ChallanNumber>,
    /// Id of the vehicle that the challan must be for: the HMAC of its plate.
    #[arg(long, value_name = "ID", requires = "challan")]
    vehicle: Option<VehicleId>,
    /// Plate of the vehicle in front of you; it takes --vehicle-key, and never leaves this machine.
    #[arg(long, requires_all = ["challan", "vehicle_key"], conflicts_with = "vehicle")]
    plate: Option<Plate>,
    /// The key that the enforcement departments share, for plates.
    #[arg(long, value_name = "FILE")]
    pub(super) vehicle_key: Option<PathBuf>,
    /// A certificate's printed number, with its --department and --type.
    #[arg(long, requires_all = ["department", "kind"])]
    number: Option<CertificateNumber>,
    /// The department that issued the certificate.
    #[arg(long, requires = "number")]
    department: Option<DepartmentId>,
    /// The certificate's type, such as DOM.
    #[arg(long = "type", value_name = "TYPE", requires = "number")]
    kind: Option<TypeCode>,
    /// A record, by its log index.
    #[arg(long)]
    index: Option<LogIndex>,
    /// A plot, such as 2795-51/257: whether it is in force, and what lies on it.
    #[arg(long)]
    plot: Option<PlotId>,
}

impl Named {
    /// The question, if one of these options asks it.
    pub(super) fn ask(&self) -> Result<Option<Ask>, Usage> {
        let vehicle = match &self.plate {
            Some(plate) => self.key()?.map(|key| key.id(plate)),
            None => self.vehicle,
        };
        let ask = Ask {
            challan: self.challan.clone(),
            vehicle,
            number: self.number.clone(),
            department: self.department.clone(),
            kind: self.kind.clone(),
            index: self.index,
            plot: self.plot.clone(),
            ..Ask::default()
        };
        Ok((ask != Ask::default()).then_some(ask))
    }

    /// The vehicle key, if its file is named.
    pub(super) fn key(&self) -> Result<Option<VehicleKey>, Usage> {
        let read = |path: &PathBuf| VehicleKey::read(path).map_err(|error| Usage(format!("{error:#}")));
        self.vehicle_key.as_ref().map(read).transpose()
    }
}
