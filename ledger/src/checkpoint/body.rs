//! The checkpoint: which log, how long, under which root (C2SP tlog-checkpoint).

use std::fmt;
use std::str::FromStr;

use super::key::KeyName;
use super::text::{from_decimal, hash_from_base64, shortened, to_base64};
use crate::crypto::Hash;
use crate::log::LogSize;

/// A tree head. As text: three lines, no extension lines.
///
/// ```text
/// <origin>
/// <size>
/// <base64 root>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: its origin, a scheme-less URL without a trailing slash.
    pub origin: KeyName,
    /// Number of leaves.
    pub size: LogSize,
    /// RFC 9162 root over them.
    pub root: Hash,
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the three lines origin, size and base64 root, got {0:?}")]
pub struct CheckpointTextError(String);

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, to_base64(&self.root.0))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointTextError;

    /// Parses exactly the text that `Display` writes. Extension lines are refused: cosigners do not vouch for them.
    fn from_str(text: &str) -> Result<Self, CheckpointTextError> {
        let parsed = text.strip_suffix('\n').and_then(|lines| {
            let mut lines = lines.split('\n');
            let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
            let checkpoint =
                Self { origin: origin.parse().ok()?, size: from_decimal(size)?, root: hash_from_base64(root)? };
            lines.next().is_none().then_some(checkpoint)
        });
        parsed.ok_or_else(|| CheckpointTextError(shortened(text)))
    }
}
