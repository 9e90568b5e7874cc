//! Checking a status receipt.

use super::answer::{Answer, CouldNotCheck};
use super::head::CheckedHead;
use super::status::{Question, StateRead, StatusReceipt};
use crate::checkpoint::Pin;
use crate::codec::{self, Canonical};
use crate::crypto::Hash;
use crate::document::{
    DOCUMENT_BYTES_MAX, DocumentEntry, Moment, Slots, Status, Uri, Verdict, digest_key, document_key, history,
    read_set, status,
};

/// When, how strictly, and about which moment to check. All times are UTC milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The verifier's time.
    pub now_ms: u64,
    /// In place of the largest age of the document's kind (or, for an absence, the pin's), in milliseconds.
    pub age_max_ms: Option<u64>,
    /// The day of legal effect asked about, as known now; without it the moment of `known_at_ms`, and without that the
    /// verifier's time, never earlier than the receipt's freshness.
    pub as_of_ms: Option<u64>,
    /// Only what was recorded until then counts: what the ledger said at that time.
    pub known_at_ms: Option<u64>,
}

impl Terms {
    /// The present status, by the limits of the document's kind.
    pub fn now(now_ms: u64) -> Self {
        Self { now_ms, age_max_ms: None, as_of_ms: None, known_at_ms: None }
    }

    /// The two times asked about. Neither lies after the present, for no receipt knows what will be recorded.
    fn moment(&self, freshness_ms: u64) -> Result<Moment, CouldNotCheck> {
        let present_ms = self.now_ms.max(freshness_ms);
        let as_of_ms = self.as_of_ms.or(self.known_at_ms).unwrap_or(present_ms);
        match [Some(as_of_ms), self.known_at_ms].into_iter().flatten().find(|asked_ms| *asked_ms > present_ms) {
            Some(asked_ms) => Err(CouldNotCheck::FutureMoment { asked_ms, now_ms: self.now_ms }),
            None => Ok(Moment { as_of_ms, known_at_ms: self.known_at_ms.unwrap_or(u64::MAX) }),
        }
    }
}

/// Checks a status receipt against `pin` on `terms` and answers `asked`.
pub fn verify_status(bytes: &[u8], pin: &Pin, asked: &Question, terms: Terms) -> Result<Answer, CouldNotCheck> {
    let receipt = StatusReceipt::parse(bytes)?;
    CheckedHead::check(&receipt.head, pin, terms.now_ms)?.status(&receipt.reads, asked, terms)
}

impl CheckedHead {
    /// Answers `asked` by the reads of a status receipt on this head.
    pub fn status(&self, reads: &[StateRead], asked: &Question, terms: Terms) -> Result<Answer, CouldNotCheck> {
        let found = Reads { left: reads, place: 0, state_root: self.header().state_root }.find(asked)?;
        let age_max_ms = found.as_ref().map_or(self.absence_age_max_ms(), |(entry, _)| entry.status_age_max_ms);
        self.require_age(terms.now_ms, terms.age_max_ms.unwrap_or(age_max_ms))?;
        let moment = terms.moment(self.freshness_ms())?;
        let verdict = match &found {
            Some((entry, slots)) => status(entry, slots, moment),
            None => Verdict { status: Status::NotOnRecord, reason: "not_on_record".to_owned(), since_ms: None },
        };
        Ok(Answer {
            status: verdict.status,
            reason: verdict.reason,
            since_ms: verdict.since_ms,
            as_of_ms: moment.as_of_ms,
            known_at_ms: terms.known_at_ms,
            freshness_ms: self.freshness_ms(),
            quorum: self.quorum(),
            chain: self.header().chain,
            height: self.header().height,
            log_size: self.log_size(),
            record: found.as_ref().map(|(entry, _)| entry.record),
            history: found.as_ref().map(|(entry, slots)| history(entry, slots, moment.known_at_ms)).unwrap_or_default(),
            entry: found.map(|(entry, _)| entry),
        })
    }
}

/// The receipt's reads, taken one by one in the order that the question and the entry ask for.
struct Reads<'a> {
    left: &'a [StateRead],
    place: usize,
    state_root: Hash,
}

impl Reads<'_> {
    /// The entry asked for with its slots; none if its absence is proven.
    fn find(mut self, asked: &Question) -> Result<Option<(DocumentEntry, Slots)>, CouldNotCheck> {
        let found = match asked {
            Question::Uri(uri) => self.entry(uri)?,
            Question::Digest(digest) => self.led_to(&digest_key(digest), |entry| entry.digest == *digest)?,
            Question::Slot(key) => self.led_to(key.as_bytes(), |_| true)?,
        };
        let Some(entry) = found else { return self.finish().map(|()| None) };
        let values = read_set(&entry).iter().map(|key| self.take(key)).collect::<Result<Vec<_>, _>>()?;
        let slots = Slots::decode(&entry, &values)?;
        self.finish()?;
        Ok(Some((entry, slots)))
    }

    fn entry(&mut self, uri: &Uri) -> Result<Option<DocumentEntry>, CouldNotCheck> {
        let key = document_key(uri);
        let entry: Option<DocumentEntry> = self.take_value(&key)?;
        if entry.as_ref().is_some_and(|entry| entry.uri != *uri) {
            return Err(CouldNotCheck::OtherDocument { key: shown(&key) });
        }
        Ok(entry)
    }

    /// The entry to which `key` leads; none if its absence is proven.
    fn led_to(
        &mut self,
        key: &[u8],
        fits: impl FnOnce(&DocumentEntry) -> bool,
    ) -> Result<Option<DocumentEntry>, CouldNotCheck> {
        let Some(uri) = self.take_value::<Uri>(key)? else { return Ok(None) };
        // A key that leads to no entry, or to one that does not fit it, is a broken state, not an absence.
        let entry = self.entry(&uri)?.filter(fits);
        let key = shown(&document_key(&uri));
        entry.map(Some).ok_or(CouldNotCheck::OtherDocument { key })
    }

    fn take_value<T: Canonical>(&mut self, key: &[u8]) -> Result<Option<T>, CouldNotCheck> {
        let decoded = self.take(key)?.map(|bytes| codec::decode(&bytes, DOCUMENT_BYTES_MAX)).transpose();
        decoded.map_err(|error| CouldNotCheck::Value { key: shown(key), error })
    }

    /// The next read, which must be of `key` and proven under the state root.
    fn take(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, CouldNotCheck> {
        let (place, expected) = (self.place, Some(shown(key)));
        let Some((read, left)) = self.left.split_first() else {
            return Err(CouldNotCheck::Read { place, got: None, expected });
        };
        if read.key.as_bytes() != key {
            return Err(CouldNotCheck::Read { place, got: Some(read.key.clone()), expected });
        }
        let proven = read.proof.verify(&self.state_root, key, read.value.as_deref());
        proven.map_err(|error| CouldNotCheck::StateProof { key: read.key.clone(), error })?;
        (self.left, self.place) = (left, place + 1);
        Ok(read.value.clone())
    }

    /// Nothing may follow: a read that nobody asked for would lend its weight to an answer that does not rest on it.
    fn finish(&self) -> Result<(), CouldNotCheck> {
        match self.left.first() {
            None => Ok(()),
            Some(read) => Err(CouldNotCheck::Read { place: self.place, got: Some(read.key.clone()), expected: None }),
        }
    }
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
