//! What a call is applied in, and what comes of it.

use dalil_ledger::block::{Attachment, Height};
use dalil_ledger::codec::Token;
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::document::SubjectId;
use serde::Serialize;

use crate::authority::Place;
use crate::refusal::{OrReject as _, Refusal};

/// A name made up by a contract, such as a subject's, refused with P2 where it is longer than its field.
pub fn token<const MAX: usize>(text: impl AsRef<str>) -> Result<Token<MAX>, Refusal> {
    let text = text.as_ref();
    text.parse().ok().or_reject("P2", || format!("{text} does not fit into {MAX} characters without spaces"))
}

/// The block and the record that a call stands in.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The chain id.
    pub chain: Hash,
    /// Height of the block.
    pub height: Height,
    /// Time of the block, UTC milliseconds: the only time there is.
    pub time_ms: u64,
    /// Log index that the record gets.
    pub record: u64,
    /// The key that signed the record.
    pub signer: PublicKey,
    /// The attachments of the block; a batch finds its leaf list by root.
    pub attachments: &'a [Attachment],
}

/// Something that others may wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Name of its kind, such as `land.deed_registered`; see [`crate::events`].
    pub name: &'static str,
    /// What it happened to.
    pub subject: SubjectId,
}

/// What an accepted call did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// What the record is about; the history of each of these lists the record.
    pub subjects: Vec<SubjectId>,
    /// Events for those who wait.
    pub events: Vec<Event>,
    /// Where it happened, for those who wait for what happens in their district.
    pub place: Option<Place>,
}

impl Outcome {
    /// Adds a subject, once.
    pub fn about(&mut self, subject: SubjectId) {
        if !self.subjects.contains(&subject) {
            self.subjects.push(subject);
        }
    }

    /// Adds an event and its subject.
    pub fn event(&mut self, name: &'static str, subject: SubjectId) {
        self.about(subject.clone());
        self.events.push(Event { name, subject });
    }
}
