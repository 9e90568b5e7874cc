//! Whether a challan is that of the vehicle in front of whoever asks.

use dalil_contracts::mineral::types::{ChallanNumber, VehicleId};
use dalil_ledger::document::Status;
use dalil_ledger::receipt::Answer;

use super::words::{LATER, as_of};

/// What a challan's proven status says of a vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// There is no such challan.
    NoChallan,
    /// Nobody said which vehicle there is.
    Unseen,
    /// It was issued for this vehicle.
    Fits,
    /// It was issued for another one.
    Other,
}

impl Fit {
    /// Compares. Under another vehicle's number there is nothing on record for the one asked about, and nothing of the
    /// other's challan is told.
    pub fn judge(answer: &mut Answer, vehicle: Option<&VehicleId>) -> Self {
        let Some(entry) = &answer.entry else { return Self::NoChallan };
        let Some(vehicle) = vehicle else { return Self::Unseen };
        if entry.subject.as_str() == format!("vehicle/{vehicle}") {
            return Self::Fits;
        }
        answer.status = Status::NotOnRecord;
        answer.reason = "other_vehicle".to_owned();
        (answer.since_ms, answer.record, answer.entry) = (None, None, None);
        answer.history.clear();
        Self::Other
    }

    /// Says it, beside what is said of the document.
    pub fn tell(
        self,
        number: &ChallanNumber,
        freshness_ms: u64,
        proven: &mut Vec<String>,
        not_proven: &mut Vec<&'static str>,
    ) {
        match self {
            Self::NoChallan => {}
            Self::Unseen => not_proven.insert(0, "that the vehicle in front of you is the one that it was issued for"),
            Self::Fits => proven.insert(0, "it was issued for the vehicle asked about".to_owned()),
            Self::Other => {
                *proven = vec![
                    format!("challan {number} is on record for another vehicle than the one asked about"),
                    as_of(freshness_ms),
                ];
                *not_proven = vec![LATER];
            }
        }
    }
}
