//! C: an inclusion receipt in a QR code, to be printed on a document and checked by anybody with a pin.
//!
//! ```text
//! [entry, index, [sibling, …], origin, size, root, [[name without origin, key id, signature], …]]
//! ```
//!
//! It holds exactly what the `.tlog-proof` file holds: from either the other is made, byte for byte. A record or batch
//! that is too long for paper is refused, never cut; its receipt goes by file.

use super::cbor::{self, CborError, Deterministic, Reader, Writer};
use super::{QrError, RECEIPT_PREFIX, bounded, from_text, to_text};
use crate::checkpoint::{Checkpoint, KeyId, KeyName, NOTE_SIGNATURES_MAX, Note, NoteSignature};
use crate::codec::Token;
use crate::crypto::Hash;
use crate::log::INCLUSION_PATH_MAX;
use crate::receipt::{InclusionReceipt, RecordedEntry};

/// The longest entry, with leaf and path of a batch's document, in bytes.
pub const RECEIPT_ENTRY_BYTES_MAX: usize = 1_000;
/// The longest receipt, in bytes of CBOR.
pub const RECEIPT_CODE_BYTES_MAX: usize = 2_600;

/// The longest name in a note.
const NAME_CHARS_MAX: usize = 255;

/// A receipt taken apart.
struct Parts {
    recorded: Vec<u8>,
    index: u64,
    path: Vec<Hash>,
    checkpoint: Checkpoint,
    signatures: Vec<NoteSignature>,
}

/// What stands after the origin in a signer's name: nothing for the log, `/<department>` for a validator. A leading dot
/// stands in for it, so that no text is empty.
fn suffix(name: &KeyName, origin: &KeyName) -> Option<String> {
    name.as_str().strip_prefix(origin.as_str()).map(|rest| format!(".{rest}"))
}

impl Deterministic for Parts {
    fn write(&self, cbor: &mut Writer) {
        let Checkpoint { origin, size, root } = &self.checkpoint;
        cbor.array(7).bytes(&self.recorded).uint(self.index).array(self.path.len());
        for hash in &self.path {
            cbor.bytes(&hash.0);
        }
        cbor.text(origin.as_str()).uint(*size).bytes(&root.0).array(self.signatures.len());
        for signature in &self.signatures {
            let name = suffix(&signature.name, origin).unwrap_or_default();
            cbor.array(3).text(&name).bytes(&signature.id.0).bytes(&signature.bytes);
        }
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, CborError> {
        cbor.array(7)?;
        let (recorded, index) = (cbor.bytes()?.to_vec(), cbor.uint()?);
        let siblings = cbor.array_up_to(INCLUSION_PATH_MAX)?;
        let path = (0..siblings).map(|_| cbor.fixed().map(Hash)).collect::<Result<_, _>>()?;
        let origin: KeyName = cbor.parsed()?;
        let (size, root) = (cbor.uint()?, Hash(cbor.fixed()?));
        let count = cbor.array_up_to(NOTE_SIGNATURES_MAX)?;
        let signature = |_| {
            cbor.array(3)?;
            let suffix: Token<NAME_CHARS_MAX> = cbor.parsed()?;
            let name = suffix.as_str().strip_prefix('.').and_then(|rest| format!("{origin}{rest}").parse().ok());
            let name = name.ok_or_else(|| cbor.malformed("a signer's name"))?;
            Ok(NoteSignature { name, id: KeyId(cbor.fixed()?), bytes: cbor.bytes()?.to_vec() })
        };
        let signatures = (0..count).map(signature).collect::<Result<_, CborError>>()?;
        Ok(Self { recorded, index, path, checkpoint: Checkpoint { origin, size, root }, signatures })
    }
}

impl Parts {
    fn note(&self) -> String {
        Note { text: self.checkpoint.to_string(), signatures: self.signatures.clone() }.to_string()
    }
}

/// The text of the QR code; refused if the receipt is too long for one.
pub fn to_code(receipt: &InclusionReceipt) -> Result<String, QrError> {
    let recorded = receipt.recorded.encode();
    bounded("an entry with its document, in bytes,", recorded.len(), RECEIPT_ENTRY_BYTES_MAX)?;
    let odd = |why: &dyn std::fmt::Display| QrError::Checkpoint(why.to_string());
    let note = Note::parse(receipt.note.as_bytes()).map_err(|error| odd(&error))?;
    let checkpoint: Checkpoint = note.text.parse().map_err(|error| odd(&error))?;
    if let Some(line) = note.signatures.iter().find(|line| suffix(&line.name, &checkpoint.origin).is_none()) {
        return Err(odd(&format_args!("{} signed it, whose name does not begin with the origin", line.name)));
    }
    let (index, path) = (receipt.index, receipt.path.clone());
    let parts = Parts { recorded, index, path, checkpoint, signatures: note.signatures };
    if parts.note() != receipt.note {
        return Err(odd(&"its text has another form"));
    }
    let bytes = cbor::encode(&parts);
    bounded("a receipt, in bytes,", bytes.len(), RECEIPT_CODE_BYTES_MAX)?;
    Ok(to_text(RECEIPT_PREFIX, &bytes))
}

/// Reads the text of a QR code into the receipt that a file would hold; nothing of it is checked yet.
pub(super) fn parse(text: &str) -> Result<InclusionReceipt, QrError> {
    let bytes = from_text(text, RECEIPT_PREFIX, RECEIPT_CODE_BYTES_MAX)?;
    let parts: Parts = cbor::decode(&bytes, RECEIPT_CODE_BYTES_MAX)?;
    bounded("an entry with its document, in bytes,", parts.recorded.len(), RECEIPT_ENTRY_BYTES_MAX)?;
    let malformed = |_| CborError::Malformed { expected: "a log entry", at: 0 };
    let recorded = RecordedEntry::decode(&parts.recorded).map_err(malformed)?;
    let note = parts.note();
    Ok(InclusionReceipt { recorded, index: parts.index, path: parts.path, note })
}
