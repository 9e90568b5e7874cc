//! Whom the verifier believes: the file behind `--policy`.

use std::path::Path;

use dalil_ledger::checkpoint::{PIN_BYTES_MAX, POLICY_BYTES_MAX, Pin, Policy};
use dalil_ledger::receipt::Trust;

use super::Usage;
use super::finding::Unchecked;

/// A pin, or a policy alone.
pub(super) enum Believed {
    /// Keys, chain and expiry.
    Pin(Box<Pin>),
    /// Keys alone (C2SP tlog-policy).
    Policy(Box<Policy>),
}

/// Reads the file's bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Usage> {
    std::fs::read(path).map_err(|error| Usage(format!("cannot read the pin {}: {error}", path.display())))
}

impl Believed {
    /// A pin is JSON, a policy is not.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Unchecked> {
        let wrong = |detail: String| Unchecked::new("policy_wrong", format!("the file given by --policy: {detail}"));
        if bytes.len() > PIN_BYTES_MAX.max(POLICY_BYTES_MAX) {
            return Err(wrong(format!("{} bytes are more than any pin has", bytes.len())));
        }
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Pin::from_json(bytes).map(|pin| Self::Pin(Box::new(pin))).map_err(|error| wrong(error.to_string()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("neither a pin nor a policy".to_owned()))?;
        text.parse().map(|policy| Self::Policy(Box::new(policy))).map_err(|error| wrong(error.to_string()))
    }

    /// The pin, which a present status takes.
    pub(super) fn pin(&self) -> Result<&Pin, Unchecked> {
        match self {
            Self::Pin(pin) => Ok(pin),
            Self::Policy(_) => Err(Unchecked::new(
                "policy_only",
                "a bare C2SP policy serves inclusion receipts only: it names keys, but neither the chain nor an expiry. \
                 A status takes a pin (pin.json)",
            )),
        }
    }

    /// What inclusion receipts are checked against.
    pub(super) fn trust(&self) -> Trust<'_> {
        match self {
            Self::Pin(pin) => Trust::Pin(pin),
            Self::Policy(policy) => Trust::Policy(policy),
        }
    }

    /// Validators known, and how many of them it takes.
    pub(super) fn sizes(&self) -> (usize, usize) {
        let policy = match self {
            Self::Pin(pin) => pin.policy(),
            Self::Policy(policy) => policy,
        };
        (policy.witnesses().len(), policy.quorum())
    }
}
