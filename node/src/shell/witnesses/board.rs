//! What witnesses cosigned, and the notes that show it.
//!
//! For each number k of witnesses the newest head is kept that at least k of them cosigned: a policy that asks for two is not
//! served the head that one of them was quicker to cosign. So never more heads are kept than there are witnesses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dalil_ledger::checkpoint::{Checkpoint, Cosignature, NoteSignature, VerifierKey};
use dalil_ledger::log::LogSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::WitnessStatus;
use crate::shell::outbound::Failing;

/// What a witness cosigned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cosigned {
    /// Entries of the log.
    pub size: LogSize,
    /// The time of the cosignature, UTC milliseconds.
    pub at_ms: u64,
}

/// A head that witnesses cosigned.
#[derive(Debug, Clone)]
struct Head {
    /// What they cosigned.
    text: String,
    /// The validators' note of it, as it was offered last.
    note: String,
    /// By the place of the witness in the configuration: time in seconds, and line.
    lines: BTreeMap<usize, (u64, NoteSignature)>,
}

/// The heads that witnesses cosigned.
#[derive(Debug, Clone, Default)]
pub struct Board {
    heads: BTreeMap<LogSize, Head>,
}

impl Board {
    /// The witness at `place` in the configuration cosigned `checkpoint`, of which `note` is the validators' note.
    pub fn take(
        &mut self,
        place: usize,
        key: &VerifierKey,
        checkpoint: &Checkpoint,
        note: &str,
        cosignature: &Cosignature,
    ) {
        let text = checkpoint.to_string();
        let fresh = || Head { text: text.clone(), note: String::new(), lines: BTreeMap::new() };
        let head = self.heads.entry(checkpoint.size).or_insert_with(fresh);
        if head.text != text {
            *head = fresh();
        }
        head.note = note.to_owned();
        if head.lines.get(&place).is_none_or(|(time_s, _)| *time_s <= cosignature.time_s) {
            head.lines.insert(place, (cosignature.time_s, cosignature.to_line(key)));
        }
        self.forget_superseded();
    }

    /// A head is superseded by a newer one that no fewer witnesses cosigned.
    fn forget_superseded(&mut self) {
        let (mut most, mut superseded) = (0, Vec::new());
        for (size, head) in self.heads.iter().rev() {
            if head.lines.len() <= most {
                superseded.push(*size);
            }
            most = most.max(head.lines.len());
        }
        self.heads.retain(|size, _| !superseded.contains(size));
    }

    /// The note of the newest head that at least `least` witnesses cosigned: the validators' lines first, then theirs.
    /// `published` is the newest note of the validators, which is used where it is of that head.
    pub fn newest(&self, least: usize, published: Option<&str>) -> Option<String> {
        let head = self.heads.values().rev().find(|head| head.lines.len() >= least)?;
        let note = published.filter(|note| head.is_of(note)).unwrap_or(&head.note);
        Some(head.lines.values().fold(note.to_owned(), |note, (_, line)| format!("{note}{line}\n")))
    }

    /// A note with the lines of the witnesses that cosigned the same checkpoint below its own, as far as it keeps at most
    /// `lines_max` lines.
    pub fn dress(&self, note: &str, lines_max: usize) -> String {
        let own = note.rsplit_once("\n\n").map_or(0, |(_, lines)| lines.lines().count());
        let head = self.heads.values().rev().find(|head| head.is_of(note));
        let lines = head.iter().flat_map(|head| head.lines.values()).take(lines_max.saturating_sub(own));
        lines.fold(note.to_owned(), |note, (_, line)| format!("{note}{line}\n"))
    }
}

impl Head {
    /// Whether a note's text is this head's checkpoint.
    fn is_of(&self, note: &str) -> bool {
        note.rsplit_once("\n\n").is_some_and(|(text, _)| self.text.strip_suffix('\n') == Some(text))
    }
}

/// The board and how each witness fares, as tasks write it and readers see it.
#[derive(Clone, Default)]
pub struct SharedBoard(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    board: Board,
    /// In the order of the configuration.
    witnesses: Vec<(VerifierKey, WitnessStatus)>,
}

impl SharedBoard {
    /// A board on which nothing stands yet.
    pub fn new(witnesses: impl IntoIterator<Item = VerifierKey>) -> Self {
        let of = |key: VerifierKey| {
            let (name, vkey) = (key.name.to_string(), key.to_string());
            (key, WitnessStatus { name, vkey, cosigned: None, failing: None })
        };
        let witnesses = witnesses.into_iter().map(of).collect();
        Self(Arc::new(Mutex::new(Shared { board: Board::default(), witnesses })))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The witness at `place` cosigned. Returns what had failed before.
    pub fn cosigned(
        &self,
        place: usize,
        checkpoint: &Checkpoint,
        note: &str,
        cosignature: &Cosignature,
    ) -> Option<Failing> {
        let Shared { board, witnesses } = &mut *self.lock();
        let (key, status) = witnesses.get_mut(place)?;
        board.take(place, key, checkpoint, note, cosignature);
        status.cosigned = Some(Cosigned { size: checkpoint.size, at_ms: cosignature.time_ms() });
        status.failing.take()
    }

    /// The witness at `place` failed. Returns how many times in a row.
    pub fn failed(&self, place: usize, error: String) -> u32 {
        let mut shared = self.lock();
        let Some((_, status)) = shared.witnesses.get_mut(place) else { return 1 };
        let again = Failing::again(status.failing.take(), error);
        status.failing.insert(again).attempts
    }

    /// See [`Board::newest`].
    pub fn newest(&self, least: usize, published: Option<&str>) -> Option<String> {
        self.lock().board.newest(least, published)
    }

    /// See [`Board::dress`].
    pub fn dress(&self, note: &str, lines_max: usize) -> String {
        self.lock().board.dress(note, lines_max)
    }

    /// How each witness fares, in the order of the configuration.
    pub fn status(&self) -> Vec<WitnessStatus> {
        self.lock().witnesses.iter().map(|(_, status)| status.clone()).collect()
    }
}
