//! What a challan's QR code B says: enough for a check of the truck, and short enough for paper.

use std::fmt;
use std::str::FromStr;

use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::qr::cbor::{CborError, Deterministic, Reader, Writer};
use dalil_ledger::qr::{QrError, Slip};
use dalil_ledger::state::{Overlay, StateView};
use serde::Serialize;

use crate::authority::PostingId;
use crate::authority::place::{DistrictCode, LeaseId};
use crate::context::Context;
use crate::mineral::challan::{self, Challan, type_code};
use crate::mineral::issue::RouteCode;
use crate::mineral::quantity::Quantity;
use crate::mineral::source;
use crate::mineral::types::{ChallanNumber, MineralCode};
use crate::refusal::Refusal;
use crate::units::Kilograms;

/// The shortest plate, in characters.
pub const PLATE_CHARS_MIN: usize = 4;
/// The longest plate, in characters.
pub const PLATE_CHARS_MAX: usize = 12;

/// A vehicle's plate: capital letters A–Z and digits. It stands on the document and in its QR code, never on the chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Plate(String);

/// Why a text is no plate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlateError {
    /// A character that no plate has, perhaps one that looks like a letter or digit.
    #[error("{character:?} (U+{:04X}) is no letter A–Z and no digit", u32::from(*.character))]
    Character {
        /// The character.
        character: char,
    },
    /// Too short or too long.
    #[error("a plate of {0} letters and digits, expected {PLATE_CHARS_MIN} to {PLATE_CHARS_MAX}")]
    Length(usize),
}

impl Plate {
    /// The letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Plate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Plate {
    type Err = PlateError;

    /// Reads a plate as people write it: `wb 00-a 0001` is `WB00A0001`.
    fn from_str(text: &str) -> Result<Self, PlateError> {
        let written = text.chars().filter(|character| !matches!(character, ' ' | '-' | '.'));
        let plate = written.map(|character| {
            let plain = character.is_ascii_alphanumeric();
            plain.then(|| character.to_ascii_uppercase()).ok_or(PlateError::Character { character })
        });
        let plate: String = plate.take(PLATE_CHARS_MAX + 1).collect::<Result<_, _>>()?;
        if (PLATE_CHARS_MIN..=PLATE_CHARS_MAX).contains(&plate.len()) {
            Ok(Self(plate))
        } else {
            Err(PlateError::Length(plate.len()))
        }
    }
}

/// What the issuer of a challan says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChallanSlip {
    /// The challan.
    pub number: ChallanNumber,
    /// The vehicle that carries the load.
    pub plate: Plate,
    /// The lease or stockyard that the load leaves.
    pub site: LeaseId,
    /// The mineral.
    pub mineral: MineralCode,
    /// The load as declared.
    pub quantity: Quantity,
    /// The mass reserved for it, kg.
    pub mass_kg: Kilograms,
    /// The route.
    pub route: RouteCode,
    /// LGD code of the state where the load goes.
    pub to_state: u32,
    /// LGD code of the district where the load goes.
    pub to_district: DistrictCode,
    /// Start of validity, UTC milliseconds.
    pub valid_from_ms: u64,
    /// End of validity (exclusive), UTC milliseconds.
    pub valid_until_ms: u64,
}

impl ChallanSlip {
    /// What is to be said of a challan on record for the vehicle with this plate. Whoever signs it has made sure that the
    /// plate is that of the challan's vehicle id.
    pub fn of(challan: &Challan, plate: Plate) -> Self {
        let issued = &challan.issued;
        Self {
            number: issued.number.clone(),
            plate,
            site: challan.site.clone(),
            mineral: issued.mineral.clone(),
            quantity: issued.quantity,
            mass_kg: challan.reserved_kg,
            route: issued.route.clone(),
            to_state: issued.destination.state,
            to_district: issued.destination.district,
            valid_from_ms: issued.valid_from_ms,
            valid_until_ms: challan.valid_until_ms,
        }
    }

    /// What `context.signer` may say of a challan on record under `posting`: whoever may issue for its site may (A1, A2, A5), the
    /// posting's gateways included (A7). Refused with D2 if the challan is not on record.
    pub fn by(
        state: &dyn StateView,
        context: &Context<'_>,
        posting: &PostingId,
        number: &ChallanNumber,
        plate: Plate,
    ) -> Result<Self, Refusal> {
        let state = &Overlay::new(state);
        let challan = challan::load(state, number)?;
        source::authorise_agent(state, context, posting, &source::site(state, &challan.issued.source)?)?;
        Ok(Self::of(&challan, plate))
    }

    /// Signs it with the issuer's key. Every slip is short enough for a code: no id of a challan is longer than its field.
    pub fn sign(&self, key: &SecretKey, chain: &Hash) -> Result<Slip, QrError> {
        Slip::sign(type_code(), self, key, chain)
    }

    /// What a slip says, if it is of a challan; nothing of it is checked yet.
    pub fn read(slip: &Slip) -> Result<Self, CborError> {
        if slip.body.kind == type_code() {
            slip.content()
        } else {
            Err(CborError::Malformed { expected: "the slip of a challan", at: 0 })
        }
    }
}

/// Units of a declared quantity.
const LITRES: u64 = 0;
const KILOGRAMS: u64 = 1;

impl Deterministic for ChallanSlip {
    fn write(&self, cbor: &mut Writer) {
        let (unit, count) = match self.quantity {
            Quantity::Litres(litres) => (LITRES, litres),
            Quantity::Kilograms(kilograms) => (KILOGRAMS, kilograms),
        };
        cbor.array(12).text(self.number.as_str()).text(self.plate.as_str());
        cbor.text(self.site.as_str()).text(self.mineral.as_str());
        cbor.uint(unit).uint(count).uint(self.mass_kg.0).text(self.route.as_str());
        cbor.uint(u64::from(self.to_state)).uint(u64::from(self.to_district));
        cbor.uint(self.valid_from_ms).uint(self.valid_until_ms);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, CborError> {
        cbor.array(12)?;
        let (number, plate) = (cbor.parsed()?, cbor.parsed()?);
        let (site, mineral) = (cbor.parsed()?, cbor.parsed()?);
        let quantity = match (cbor.uint()?, cbor.uint()?) {
            (LITRES, litres) => Quantity::Litres(litres),
            (KILOGRAMS, kilograms) => Quantity::Kilograms(kilograms),
            _ => return Err(cbor.malformed("a unit: 0 for litres, 1 for kilograms")),
        };
        let (mass_kg, route) = (Kilograms(cbor.uint()?), cbor.parsed()?);
        let code = |cbor: &mut Reader<'_>| {
            let code = cbor.uint()?;
            u32::try_from(code).map_err(|_| cbor.malformed("an LGD code"))
        };
        let (to_state, to_district) = (code(cbor)?, code(cbor)?);
        let (valid_from_ms, valid_until_ms) = (cbor.uint()?, cbor.uint()?);
        Ok(Self {
            number,
            plate,
            site,
            mineral,
            quantity,
            mass_kg,
            route,
            to_state,
            to_district,
            valid_from_ms,
            valid_until_ms,
        })
    }
}
