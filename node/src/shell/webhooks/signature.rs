//! Signing what is posted, as Standard Webhooks (standardwebhooks.com) has it: `v1,` and the base64 of HMAC-SHA256 over
//! `id.timestamp.body`.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";
/// Lengths of a secret, in bytes.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key that sender and receiver share. It is never shown.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Reads `whsec_` and base64 of 24 to 64 bytes. An error does not repeat the text.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let base64 = text.trim().strip_prefix(PREFIX).context("a webhook's secret begins with whsec_")?;
        let Ok(bytes) = BASE64.decode(base64) else { bail!("a webhook's secret is base64 after whsec_") };
        if !BYTES.contains(&bytes.len()) {
            bail!("a webhook's secret has 24 to 64 bytes, this one {}", bytes.len());
        }
        Ok(Self(bytes))
    }

    /// A fresh secret's text.
    pub fn generate() -> anyhow::Result<String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("no randomness from the operating system")?;
        Ok(format!("{PREFIX}{}", BASE64.encode(bytes)))
    }

    /// The value of `webhook-signature`; `timestamp_s` in UTC seconds.
    pub fn sign(&self, id: &str, timestamp_s: u64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}
