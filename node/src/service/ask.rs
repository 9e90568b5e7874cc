//! Questions, as they come from outside.

use dalil_contracts::certificate::record::{CertificateNumber, number_key};
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::mineral::challan::challan_uri;
use dalil_contracts::mineral::types::{ChallanNumber, VehicleId};
use dalil_ledger::block::DepartmentId;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{TypeCode, Uri};
use dalil_ledger::log::LogIndex;
use dalil_ledger::receipt::{self, Terms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{TimeError, parse_moment};

/// The longest receipt within a question, in bytes.
const RECEIPT_BYTES_MAX: usize = receipt::STATUS_BYTES_MAX;

/// One question: what is asked about, given in one way, and for which moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The document's URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<Uri>,
    /// SHA-256 of the document's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Hash>,
    /// The text of a status receipt (`.dalil-status`) or an inclusion receipt (`.tlog-proof`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2_097_152))]
    pub receipt: Option<String>,
    /// Log index of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<LogIndex>,
    /// A plot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plot: Option<PlotId>,
    /// A challan's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challan: Option<ChallanNumber>,
    /// Id of the vehicle that the challan must be for: HMAC of its plate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<VehicleId>,
    /// A certificate's printed number, with its `department` and `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<CertificateNumber>,
    /// The department that issued the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// The certificate's type, such as `DOM`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TypeCode>,
    /// The legal effect on a day (its first moment in IST), at an RFC 3339 time, or at UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 10, max = 40))]
    pub as_of: Option<String>,
    /// The legal effect at that moment, UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of_ms: Option<u64>,
    /// Only what was recorded until then counts, UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_at_ms: Option<u64>,
}

/// Which receipts an answer carries. What an answer rests on is made in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attach {
    /// None: the node's word alone.
    None,
    /// The one that proves the answer.
    Proof,
    /// That and, for a document, the inclusion receipt of the record that issued it.
    #[default]
    All,
}

/// Why words are no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Nothing is asked about, or several things.
    #[error(
        "give one of `uri`, `digest`, `receipt`, `index`, `plot`, `challan` (with `vehicle`), or `number` with `department` \
         and `type`"
    )]
    NotOne,
    /// `department` or `type` are missing, or there without a number.
    #[error("`number`, `department` and `type` go together")]
    Number,
    /// A slash where the state's key has one: two questions would share a key.
    #[error("neither `department` nor `type` holds a slash")]
    Slash,
    /// A vehicle without a challan.
    #[error("`vehicle` goes with `challan`")]
    Vehicle,
    /// The day is none.
    #[error("as_of: {0}")]
    AsOf(#[from] TimeError),
    /// Two moments.
    #[error("give `as_of` or `as_of_ms`, not both")]
    TwoMoments,
    /// A moment for what has none.
    #[error("`as_of` and `known_at_ms` go with documents; a record and a plot are shown as they stand")]
    Moment,
    /// A receipt that is too long.
    #[error("a receipt of {0} bytes; at most {RECEIPT_BYTES_MAX} are read")]
    ReceiptTooLong(usize),
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A document, by URI, digest or the slot of its printed number.
    Document(receipt::Question),
    /// A challan, and whether it is this vehicle's.
    Challan {
        /// Its number.
        number: ChallanNumber,
        /// The vehicle in front of whoever asks; none if nobody looks.
        vehicle: Option<VehicleId>,
    },
    /// A record of the log.
    Record(LogIndex),
    /// A plot, as the land register shows it.
    Plot(PlotId),
    /// What a receipt is about, and whether the receipt is good.
    Receipt(Vec<u8>),
}

impl Ask {
    /// The question about a document's URI.
    pub fn uri(uri: Uri) -> Self {
        Self { uri: Some(uri), ..Self::default() }
    }

    /// The question about a file with this SHA-256.
    pub fn digest(digest: Hash) -> Self {
        Self { digest: Some(digest), ..Self::default() }
    }

    /// The question, if there is exactly one.
    pub fn question(&self) -> Result<Question, AskError> {
        if self.vehicle.is_some() && self.challan.is_none() {
            return Err(AskError::Vehicle);
        }
        let certificate = match (&self.number, &self.department, &self.kind) {
            (Some(_), Some(department), Some(kind))
                if department.as_str().contains('/') || kind.as_str().contains('/') =>
            {
                return Err(AskError::Slash);
            }
            (Some(number), Some(department), Some(kind)) => {
                let key = number_key(department, kind, number);
                Some(receipt::Question::Slot(String::from_utf8_lossy(&key).into_owned()))
            }
            (None, None, None) => None,
            _ => return Err(AskError::Number),
        };
        let challan = self.challan.clone().map(|number| Question::Challan { number, vehicle: self.vehicle });
        let given = [
            self.uri.clone().map(receipt::Question::Uri).map(Question::Document),
            self.digest.map(receipt::Question::Digest).map(Question::Document),
            certificate.map(Question::Document),
            challan,
            self.index.map(Question::Record),
            self.plot.clone().map(Question::Plot),
            self.receipt.as_ref().map(|text| Question::Receipt(text.clone().into_bytes())),
        ];
        let mut given = given.into_iter().flatten();
        let (Some(question), None) = (given.next(), given.next()) else { return Err(AskError::NotOne) };
        match &question {
            Question::Record(_) | Question::Plot(_) if self.has_moment() => Err(AskError::Moment),
            Question::Receipt(bytes) if bytes.len() > RECEIPT_BYTES_MAX => Err(AskError::ReceiptTooLong(bytes.len())),
            _ => Ok(question),
        }
    }

    fn has_moment(&self) -> bool {
        self.as_of.is_some() || self.as_of_ms.is_some() || self.known_at_ms.is_some()
    }

    /// The moment asked about, as of the node's time `now_ms`.
    pub fn terms(&self, now_ms: u64) -> Result<Terms, AskError> {
        let as_of_ms = match (&self.as_of, self.as_of_ms) {
            (Some(_), Some(_)) => return Err(AskError::TwoMoments),
            (Some(text), None) => Some(parse_moment(text.trim())?),
            (None, as_of_ms) => as_of_ms,
        };
        Ok(Terms { as_of_ms, known_at_ms: self.known_at_ms, ..Terms::now(now_ms) })
    }
}

impl Question {
    /// The document that is asked about by name; none for a record, a plot or a receipt.
    pub fn document(&self) -> Option<receipt::Question> {
        match self {
            Self::Document(question) => Some(question.clone()),
            Self::Challan { number, .. } => Some(receipt::Question::Uri(challan_uri(number))),
            _ => None,
        }
    }
}
