//! QR codes as subjects: a link names a document, a slip is its issuer's word, a receipt is checked like its file.
//!
//! The address in a link is never opened; the node asked is the one that the caller names.

use dalil_contracts::mineral::challan::challan_uri;
use dalil_contracts::mineral::checkpost::ChallanSlip;
use dalil_ledger::document::{DocumentEntry, Uri};
use dalil_ledger::qr::{Code, Link, Slip};

use super::Usage;
use super::finding::{Finding, Unchecked};
use super::subject::Subject;
use super::trust::Believed;
use crate::cli::qr::read_code;

/// Reads a photo or a text.
pub(super) async fn read(what: &str) -> Result<Subject, Usage> {
    Ok(match read_code(what).await.map_err(|error| Usage(format!("{error:#}")))? {
        Code::Link(link) => Subject::Link(link),
        Code::Slip(slip) => Subject::Slip(Box::new(slip)),
        Code::Receipt(receipt) => Subject::Inclusion(receipt.to_bytes()),
    })
}

/// The document that a slip is about.
pub(super) fn uri_of(slip: &Slip) -> Result<Uri, Usage> {
    let said =
        ChallanSlip::read(slip).map_err(|error| Usage(format!("this program knows challans' slips: {error}")))?;
    Ok(challan_uri(&said.number))
}

/// The document found; none if it is not on record.
fn entry(finding: &Finding) -> Option<&DocumentEntry> {
    match finding {
        Finding::Status(proven) => proven.answer.entry.as_ref(),
        Finding::Recorded(_) | Finding::BeyondLog(_) | Finding::Plot(_) | Finding::Unchecked(_) => None,
    }
}

/// A link is about the document on record if it carries the beginning of its digest.
pub(super) fn fits(link: &Link, finding: &Finding) -> Result<(), Unchecked> {
    match entry(finding) {
        Some(entry) if !link.fits(&entry.digest) => Err(Unchecked::new(
            "other_document",
            "the code carries another digest than the document on record: the paper is not that document's",
        )),
        _ => Ok(()),
    }
}

/// What a slip says, if the officer who issued the document signed it.
pub(super) fn signed(slip: &Slip, believed: &Believed, finding: &Finding) -> Result<ChallanSlip, Unchecked> {
    let said = ChallanSlip::read(slip).map_err(|error| Unchecked::new("slip_wrong", error.to_string()))?;
    // Of a challan that is not on record nobody is known to have issued it; the answer says so.
    if let Some(entry) = entry(finding) {
        slip.verify(&entry.issuer.officer, &believed.pin()?.terms().chain).map_err(|_| {
            let detail = "the officer who issued the challan did not sign the code: it is forged or altered, or a gateway's \
                          or device's key signed it, which a checkpost's bundle knows";
            Unchecked::new("slip_wrong", detail)
        })?;
    }
    Ok(said)
}
