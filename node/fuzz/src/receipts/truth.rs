//! A chain with several cosigned heads, and what it really says at each of them.

use std::sync::OnceLock;

use dalil_ledger::block::{Attachment, Header};
use dalil_ledger::checkpoint::{Handover, Pin};
use dalil_ledger::codec;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{
    DocumentEntry, Moment, Slots, Standing, Status, Strike, Strikes, Verdict, document_key, read_set, status,
    strike_key,
};
use dalil_ledger::log::{inclusion_proof, leaf_hash};
use dalil_ledger::receipt::{BatchDocument, BatchHead, InclusionReceipt, Question, StatusReceipt};
use dalil_ledger::state::overlay::Changes;
use dalil_ledger::transaction::SignedTransaction;

use super::fixture::{Chain, DAY_MS, Keys, MINUTE_MS, T0_MS, class, dependent_document, document, event, uri};

/// When everything is checked, UTC milliseconds.
pub(super) const NOW_MS: u64 = T0_MS + DAY_MS + 30 * MINUTE_MS;
/// The pin's: how old a proof of absence may be, in milliseconds.
pub(super) const ABSENCE_AGE_MAX_MS: u64 = 10 * MINUTE_MS;
/// How long a renewed pin is believed, in milliseconds.
pub(super) const PIN_LIFETIME_MS: u64 = 90 * DAY_MS;

/// Documents in the batch.
const BATCH_SIZE: u64 = 5;

/// A head that a quorum cosigned.
pub(crate) struct Head {
    pub(super) header: Header,
    /// The times of its cosignatures, UTC milliseconds.
    pub(super) times_ms: Vec<u64>,
    /// By question.
    pub(super) answers: Vec<Told>,
}

/// The true answer.
pub(crate) struct Told {
    pub(super) entry: Option<DocumentEntry>,
    pub(super) verdict: Verdict,
}

/// The chain, what it says, and receipts of it that are all true.
pub(crate) struct Truth {
    pub(crate) chain: Chain,
    pub(crate) pin: Pin,
    pub(super) questions: Vec<Question>,
    pub(super) heads: Vec<Head>,
    pub(super) batch: Attachment,
    pub(crate) statuses: Vec<StatusReceipt>,
    pub(crate) inclusions: Vec<InclusionReceipt>,
    /// Notes under each head, by other cosigners or at other times.
    pub(crate) notes: Vec<String>,
    /// Of another chain with other genesis validators, who hand over twice.
    pub(crate) first_pin: Pin,
    pub(crate) handovers: Vec<Handover>,
}

/// A record whose call is the batch's size and root.
pub(super) fn batch_of(record: &SignedTransaction) -> Option<BatchHead> {
    let (size, root): (u64, Hash) = codec::decode(&record.body.call, 40).ok()?;
    Some(BatchHead { size, root })
}

impl Truth {
    /// The one of this process.
    pub(crate) fn get() -> &'static Self {
        static TRUTH: OnceLock<Truth> = OnceLock::new();
        TRUTH.get_or_init(Self::tell)
    }

    fn tell() -> Self {
        let chain = Chain::new();
        let questions = vec![
            Question::Uri(uri("n1")),
            Question::Uri(uri("7F3A")),
            Question::Digest(dependent_document("7F3A").digest),
            Question::Uri(uri("unknown")),
        ];
        let leaves = (0..BATCH_SIZE).map(|number| format!("result {number}").into_bytes()).collect();
        let (first_pin, handovers) = hand_over_twice();
        let mut truth = Self {
            pin: chain.pin(),
            chain,
            questions,
            heads: Vec::new(),
            batch: Attachment { leaves },
            statuses: Vec::new(),
            inclusions: Vec::new(),
            notes: Vec::new(),
            first_pin,
            handovers,
        };
        // Too old to say that anything is absent.
        truth.cosigned(T0_MS + MINUTE_MS);
        let issued_at_ms = T0_MS + DAY_MS;
        truth.chain.issue(issued_at_ms, document("n1"));
        let mut entry = truth.chain.issue(issued_at_ms + 1_000, dependent_document("7F3A"));
        truth.cosigned(NOW_MS - 8 * MINUTE_MS);
        let batch = codec::encode(&(BATCH_SIZE, truth.batch.root()));
        let record = truth.chain.record(&batch);
        truth.chain.block(issued_at_ms + 2_000, vec![record], Changes::new());
        truth.cosigned(NOW_MS - 6 * MINUTE_MS);
        let strike = Strike {
            issued_from_ms: T0_MS,
            issued_until_ms: NOW_MS,
            effective_from_ms: NOW_MS - 5 * MINUTE_MS,
            recorded_at_ms: issued_at_ms + 3_000,
            order: Hash([1; 32]),
            saving_clause: None,
            turns: vec![],
            record: truth.chain.frontier.size(),
        };
        truth.chain.put(issued_at_ms + 3_000, strike_key(&class()), &Strikes { strikes: vec![strike] });
        truth.cosigned(NOW_MS - 4 * MINUTE_MS);
        entry.events.push(event(Standing::Suspended, issued_at_ms + 4_000));
        truth.chain.put(issued_at_ms + 4_000, document_key(&entry.uri), &entry);
        truth.cosigned(NOW_MS - 2 * MINUTE_MS);
        truth
    }

    /// The present head, cosigned by one quorum at a time and by another at later ones.
    fn cosigned(&mut self, time_ms: u64) {
        let times_ms: Vec<_> = (0..4).map(|place| time_ms + place * 1_000).collect();
        let by = |places: &[usize]| {
            let cosigners: Vec<_> = places.iter().map(|place| (*place, times_ms[*place])).collect();
            self.chain.note_of(&self.chain.checkpoint(), &cosigners).to_string()
        };
        let notes = [self.chain.note(time_ms), by(&[1, 2, 3]), by(&[0, 1, 2, 3])];
        let (place, header) = (self.heads.len(), self.chain.headers.last().unwrap().clone());
        for question in &self.questions {
            let mut receipt = self.chain.status_receipt(question, time_ms);
            receipt.head.note = notes[place % 2].clone();
            self.statuses.push(receipt);
        }
        for (index, entry) in self.chain.entries.iter().enumerate() {
            // Headers are no records, and their proofs verify nothing: they are there to be mistaken for records.
            let mut receipt = self.chain.inclusion_receipt(index as u64, time_ms);
            receipt.note = notes[place % 2].clone();
            let record = match &receipt.recorded.entry {
                dalil_ledger::block::Entry::Record(record) => batch_of(record),
                dalil_ledger::block::Entry::Header(_) => None,
            };
            if record.is_some() {
                let documents = [0, BATCH_SIZE - 1].map(|index| self.batch_document(index));
                self.inclusions.extend(documents.map(|document| receipt.clone().for_document(document)));
            }
            assert_eq!(&receipt.recorded.entry.encode(), entry);
            self.inclusions.push(receipt);
        }
        self.notes.extend(notes);
        let answers = self.questions.iter().map(|question| self.told(question)).collect();
        self.heads.push(Head { header, times_ms, answers });
    }

    fn batch_document(&self, index: u64) -> BatchDocument {
        let leaves: Vec<Hash> = self.batch.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let path = inclusion_proof(&leaves[..], index, BATCH_SIZE).unwrap();
        BatchDocument { leaf: self.batch.leaves[index as usize].clone(), index, path }
    }

    fn told(&self, question: &Question) -> Told {
        let entries = self.chain.state.iter().filter(|(key, _)| key.starts_with(b"doc/uri/"));
        let mut entries = entries.map(|(_, value)| DocumentEntry::decode(value).unwrap());
        let entry = entries.find(|entry| match question {
            Question::Uri(uri) => entry.uri == *uri,
            Question::Digest(digest) => entry.digest == *digest,
            Question::Slot(_) => false,
        });
        let verdict = match &entry {
            None => Verdict { status: Status::NotOnRecord, reason: "not_on_record".to_owned(), since_ms: None },
            Some(entry) => {
                let values: Vec<_> = read_set(entry).iter().map(|key| self.chain.state.get(key).cloned()).collect();
                status(entry, &Slots::decode(entry, &values).unwrap(), Moment::now(NOW_MS))
            }
        };
        Told { entry, verdict }
    }
}

fn hand_over_twice() -> (Pin, Vec<Handover>) {
    let mut chain = Chain::new();
    let pin = chain.pin();
    let mut second = chain.keys.clone();
    second[3] = Keys::new("works");
    let mut third = second.clone();
    third.push(Keys::new("zilla"));
    let handovers = vec![chain.hand_over(T0_MS + 1_000, second), chain.hand_over(T0_MS + 2_000, third)];
    (pin, handovers)
}
