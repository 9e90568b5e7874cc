//! Which events a client waits for.

use dalil_contracts::authority::Place;
use dalil_contracts::authority::place::{BlockCode, DistrictCode};
use dalil_contracts::events;
use dalil_ledger::document::SubjectId;
use serde::{Deserialize, Serialize};

/// The most names or codes in one list.
const LIST_MAX: usize = 64;
/// The longest subject, in characters; those of the chain are no longer.
const SUBJECT_MAX: usize = 96;

/// What an event must fit. A list that is empty, and a subject that is not there, fit everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Names of kinds, or `land.*` for all of a room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// LGD codes of districts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub districts: Vec<DistrictCode>,
    /// LGD codes of blocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<BlockCode>,
    /// A subject, or the beginning of one with a `*` behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// A filter that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Nothing would ever fit.
    #[error("there is no event {0}; docs/events.md lists the kinds, and land.* stands for all of a room")]
    Kind(String),
    /// A list is too long.
    #[error("at most {LIST_MAX} names or codes in one list")]
    Long,
    /// A subject is none.
    #[error("a subject has 1 to {SUBJECT_MAX} characters; a * may stand at its end only")]
    Subject,
}

impl Filter {
    /// Refuses what can never fit, so that a slip of the pen is not waited on for ever.
    pub fn check(&self) -> Result<(), FilterError> {
        if self.kinds.len().max(self.districts.len()).max(self.blocks.len()) > LIST_MAX {
            return Err(FilterError::Long);
        }
        if let Some(unknown) = self.kinds.iter().find(|name| !events::KINDS.iter().any(|kind| named(name, kind.name))) {
            return Err(FilterError::Kind(unknown.chars().take(64).collect()));
        }
        let good = |subject: &String| {
            let fixed = subject.strip_suffix('*').unwrap_or(subject);
            (1..=SUBJECT_MAX).contains(&subject.len()) && !fixed.contains('*')
        };
        if self.subject.as_ref().is_none_or(good) { Ok(()) } else { Err(FilterError::Subject) }
    }

    /// Whether what happened at `place` may be waited for at all.
    pub fn fits_place(&self, place: Option<&Place>) -> bool {
        let district = self.districts.is_empty() || place.is_some_and(|place| self.districts.contains(&place.district));
        let block = place.and_then(|place| place.block);
        district && (self.blocks.is_empty() || block.is_some_and(|block| self.blocks.contains(&block)))
    }

    /// Whether an event of this kind about `subject` is waited for, wherever it happened.
    pub fn fits(&self, kind: &str, subject: &SubjectId) -> bool {
        let of_kind = self.kinds.is_empty() || self.kinds.iter().any(|name| named(name, kind));
        let subject = subject.as_str();
        of_kind
            && self.subject.as_ref().is_none_or(|wanted| match wanted.strip_suffix('*') {
                Some(prefix) => subject.starts_with(prefix),
                None => subject == wanted,
            })
    }
}

/// Whether a kind goes under `name`.
fn named(name: &str, kind: &str) -> bool {
    match name.strip_suffix('*') {
        Some(room) => room.is_empty() || room.ends_with('.') && kind.starts_with(room),
        None => name == kind,
    }
}
