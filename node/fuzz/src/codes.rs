//! Texts of QR codes.
//!
//! The first byte of an input chooses: 0 a text as a scanner gives it, 1 the CBOR of a slip, 2 the CBOR of a receipt; the
//! bytes of 1 and 2 get their prefix and base45 here, so that the fuzzer meets the CBOR. Oracle: a code has exactly one
//! text; a receipt is the same whether it comes on paper or as a file, and says then what the chain says; the one slip that
//! the issuer's key signed is the only one that verifies.

use std::sync::OnceLock;

use dalil_contracts::mineral::checkpost::ChallanSlip;
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::units::Kilograms;
use dalil_ledger::crypto::{PublicKey, SecretKey};
use dalil_ledger::qr::{Code, RECEIPT_PREFIX, SLIP_PREFIX, Slip, cbor, receipt};
use dalil_ledger::receipt::InclusionReceipt;

use crate::Taken;
use crate::memory::bounded;
use crate::receipts::{self, validators};

/// A challan's slip and the key that signed it.
pub(crate) fn slip() -> &'static (PublicKey, Slip) {
    static SLIP: OnceLock<(PublicKey, Slip)> = OnceLock::new();
    SLIP.get_or_init(|| {
        let said = ChallanSlip {
            number: "WB-BIR-2026-000017".parse().unwrap(),
            plate: "WB00A0001".parse().unwrap(),
            site: "BIR-SAND-0007".parse().unwrap(),
            mineral: "SAND".parse().unwrap(),
            quantity: Quantity::Litres(16_000),
            mass_kg: Kilograms(27_200),
            route: "R1".parse().unwrap(),
            to_state: 19,
            to_district: 303,
            valid_from_ms: 1_793_601_000_000,
            valid_until_ms: 1_793_630_000_000,
        };
        let key = SecretKey::from_seed(&[3; 32]);
        (key.public(), said.sign(&key, &validators().1).unwrap())
    })
}

/// A code of any kind.
pub fn codes(bytes: &[u8]) -> Taken {
    let Some((first, rest)) = bytes.split_first() else { return Taken::No };
    let text = match first {
        0 => match std::str::from_utf8(rest) {
            Ok(text) => text.to_owned(),
            Err(_) => return Taken::No,
        },
        1 => format!("{SLIP_PREFIX}{}", base45::encode(rest)),
        2 => format!("{RECEIPT_PREFIX}{}", base45::encode(rest)),
        _ => return Taken::No,
    };
    let Ok(code) = bounded(text.as_bytes(), || Code::parse(&text)) else { return Taken::No };
    // The line end that scanners add.
    let text = text.trim_end_matches(['\r', '\n']);
    match code {
        Code::Link(link) => {
            let (address, _) = text.split_once('#').unwrap();
            assert_eq!(link.to_url(address).as_deref(), Ok(text));
            Taken::Yes
        }
        Code::Slip(read) => {
            assert_eq!(read.to_text(), text);
            let (key, signed) = slip();
            assert!(read.verify(key, &validators().1).is_err() || read == *signed, "a forged slip");
            let Ok(said) = ChallanSlip::read(&read) else { return Taken::No };
            assert_eq!(cbor::encode(&said), read.body.content);
            Taken::Yes
        }
        Code::Receipt(read) => {
            assert_eq!(receipt::to_code(&read).as_deref(), Ok(text));
            let file = read.to_bytes();
            assert_eq!(InclusionReceipt::parse(&file).as_ref(), Ok(&*read));
            receipts::inclusion(&file)
        }
    }
}
