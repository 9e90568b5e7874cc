//! What the contracts keep of a certificate beside its registry entry: where it belongs and how high its issuer ranked.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::document::{TypeCode, Uri};
use dalil_ledger::state::Overlay;
use serde::{Deserialize, Serialize};

use crate::authority::Place;
use crate::refusal::{OrReject as _, Refusal};

/// A number that an office prints on a certificate.
pub type CertificateNumber = Token<48>;

/// A certificate, apart from its registry entry.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// The type.
    pub kind: TypeCode,
    /// The number.
    pub number: CertificateNumber,
    /// Where it belongs.
    pub place: Place,
    /// The issuer's rank when it was issued: a superior outranks it (C6).
    pub rank: u8,
}

/// State key of a certificate's record.
pub fn record_key(uri: &Uri) -> Vec<u8> {
    format!("cert/record/{uri}").into_bytes()
}

/// State key under which a number leads to its certificate (C1).
pub fn number_key(department: &DepartmentId, kind: &TypeCode, number: &CertificateNumber) -> Vec<u8> {
    format!("cert/number/{department}/{kind}/{number}").into_bytes()
}

/// The record of a certificate, refused with D2 if `uri` is no certificate.
pub fn record(state: &Overlay<'_>, uri: &Uri) -> Result<CertificateRecord, Refusal> {
    state.get_value(&record_key(uri))?.or_reject("D2", || format!("there is no certificate {uri}"))
}
