//! Whether DigiLocker sent a request: the key hash, its time, and where there is one the HMAC of the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::crypto::hash_parts;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::DigiLocker;
use super::request::Envelope;
use crate::time::parse_moment;

/// How far a request's time may lie from this node's clock, in milliseconds.
pub const TS_WINDOW_MS: u64 = 5 * 60_000;

/// A request that DigiLocker did not send, or not now. One word for all reasons: which one it was helps only a forger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("orgId, keyhash, ts or x-digilocker-hmac is not right")]
pub struct NotAdmitted;

impl DigiLocker {
    /// Checks that the request in `body`, with the header `hmac`, was made with the API key within [`TS_WINDOW_MS`].
    pub fn admit(&self, envelope: &Envelope, body: &[u8], hmac: Option<&[u8]>, now_ms: u64) -> Result<(), NotAdmitted> {
        let signed = match hmac {
            Some(hmac) => self.is_hmac_right(body, hmac),
            None => !self.config.require_hmac,
        };
        let keyhash = hash_parts(&[&self.api_key, envelope.ts.as_str().as_bytes()]).to_string();
        let keyhash_right = bool::from(envelope.keyhash.to_ascii_lowercase().as_bytes().ct_eq(keyhash.as_bytes()));
        let near = parse_moment(envelope.ts.as_str()).is_ok_and(|ts_ms| ts_ms.abs_diff(now_ms) <= TS_WINDOW_MS);
        let org = envelope.org_id == self.config.org_id.as_str();
        if signed & keyhash_right & near & org { Ok(()) } else { Err(NotAdmitted) }
    }

    /// Base64 of the HMAC's 32 bytes, or, as some senders do, of their 64 hexadecimal digits.
    fn is_hmac_right(&self, body: &[u8], header: &[u8]) -> bool {
        let (Ok(sent), Ok(mac)) = (BASE64.decode(header.trim_ascii()), Hmac::<Sha256>::new_from_slice(&self.api_key))
        else {
            return false;
        };
        let sent = if sent.len() == 64 { hex::decode(&sent).unwrap_or_default() } else { sent };
        mac.chain_update(body).verify_slice(&sent).is_ok()
    }
}
