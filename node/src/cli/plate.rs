//! From plates to vehicle ids: HMAC-SHA-256 under the key that the enforcement departments share.

use std::path::Path;

use anyhow::Context as _;
use dalil_contracts::mineral::checkpost::Plate;
use dalil_contracts::mineral::types::VehicleId;
use dalil_ledger::crypto::Hash;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::shell::home::check_private;
use crate::signing::random;

/// The shared key.
pub(crate) struct VehicleKey([u8; 32]);

impl VehicleKey {
    /// Reads a file of 64 hexadecimal digits that nobody but its owner can read.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        check_private(path)?;
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut key = [0; 32];
        let read = hex::decode_to_slice(text.trim(), &mut key);
        read.with_context(|| format!("{}: expected 64 hexadecimal digits", path.display()))?;
        Ok(Self(key))
    }

    /// A fresh key.
    pub(crate) fn draw() -> anyhow::Result<Self> {
        Ok(Self(random()?))
    }

    /// The key in hexadecimal, as a file of it holds it. For such a file alone.
    pub(crate) fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The id of the vehicle with this plate.
    pub(crate) fn id(&self, plate: &Plate) -> VehicleId {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(plate.as_str().as_bytes());
        Hash(mac.finalize().into_bytes().into())
    }
}
