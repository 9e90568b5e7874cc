//! What the contracts keep of a certificate beside its registry entry: where it belongs, how high its issuer ranked, and
//! who holds it suspended.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::document::{TypeCode, Uri};
use dalil_ledger::state::Overlay;
use serde::{Deserialize, Serialize};

use super::types::CertificateType;
use crate::authority::{Acting, Place};
use crate::refusal::{OrReject as _, Refusal, require};

/// A number that an office prints on a certificate.
pub type CertificateNumber = Token<48>;

/// In what capacity an officer changes the standing of a certificate (C6); a later one is the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// The issuing office.
    Issuer,
    /// An officer of the department who outranks the issuer at the place.
    Superior,
    /// Court entry.
    Court,
}

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
    /// Who suspended it, while it is suspended: nobody lower ends that.
    pub suspended_by: Option<Capacity>,
}

/// State key of a certificate's record.
pub fn record_key(uri: &Uri) -> Vec<u8> {
    format!("cert/record/{uri}").into_bytes()
}

/// State key under which a number leads to its certificate, the newest of its chain (C1).
pub fn number_key(department: &DepartmentId, kind: &TypeCode, number: &CertificateNumber) -> Vec<u8> {
    format!("cert/number/{department}/{kind}/{number}").into_bytes()
}

/// The record of a certificate, refused with D2 if `uri` is no certificate.
pub fn record(state: &Overlay<'_>, uri: &Uri) -> Result<CertificateRecord, Refusal> {
    state.get_value(&record_key(uri))?.or_reject("D2", || format!("there is no certificate {uri}"))
}

/// Keeps number and record of a new certificate. Its number is unused, or that of the certificate it replaces (C1): what is
/// corrected, copied or renewed may go on under its old number.
pub(super) fn keep(
    state: &mut Overlay<'_>,
    acting: &Acting,
    (kind, place): (&CertificateType, &Place),
    (uri, number): (&Uri, &CertificateNumber),
    replaces: Option<&Uri>,
) -> Result<(), Refusal> {
    let key = number_key(&kind.department, &kind.code, number);
    let holder: Option<Uri> = state.get_value(&key)?;
    require(holder.is_none() || holder.as_ref() == replaces, "C1", || {
        format!("number {number} of type {} was given to another certificate", kind.code)
    })?;
    state.put_value(key, uri);
    let record = CertificateRecord {
        kind: kind.code.clone(),
        number: number.clone(),
        place: place.clone(),
        rank: acting.posting.rank,
        suspended_by: None,
    };
    state.put_value(record_key(uri), &record);
    Ok(())
}
