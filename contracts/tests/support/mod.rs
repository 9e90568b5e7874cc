//! A ledger without a network: a state, a time, and officers who call contracts.
//!
//! `let mut world = World::west_bengal();` gives the sample establishment of `testnet/sample`; the officer of posting
//! `land/blro-2795` acts with `world.call("land/blro-2795", Call::Land(…))`. A refused call leaves nothing behind, which
//! the fixture checks.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod player;
mod replay;

use std::collections::BTreeMap;

use dalil_contracts::authority::dated::Timeline;
use dalil_contracts::authority::parameters::parameter_key;
use dalil_contracts::authority::posting::posting_key;
use dalil_contracts::authority::{EstablishmentPlan, Posting, genesis_validators};
use dalil_contracts::certificate::CertificateCall;
use dalil_contracts::events;
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::{Call, Closing, Context, Event, Invocation, Outcome, Refusal, apply, close_block};
use dalil_ledger::block::Attachment;
use dalil_ledger::checkpoint::KeyName;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, Canonical, Token};
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, sha256};
use dalil_ledger::document::{DocumentEntry, Moment, Slots, Verdict, document_key, read_set, status};
use dalil_ledger::genesis::Parameters;
use dalil_ledger::state::{Changes, Overlay};
use dalil_ledger::validators::{Validator, ValidatorSet};
use replay::Played;

/// 2026-11-02T06:30:00Z, noon in Kolkata: outside the monsoon.
pub const START_MS: u64 = 1_793_601_000_000;
/// The sample establishment.
pub const ESTABLISHMENT: &str = include_str!("../../../testnet/sample/establishment.json");
/// Departments that run validators in the fixture, in canonical order: quorum 3.
pub const VALIDATORS: [&str; 4] = ["district", "it", "land", "minerals"];

/// A token, or a panic.
pub fn token<const MAX: usize>(text: &str) -> Token<MAX> {
    text.parse().unwrap()
}

/// A hash that stands for a file, a commitment or an order.
pub fn digest(text: &str) -> Hash {
    sha256(text.as_bytes())
}

/// The key of an officer in the plan.
pub fn key_of(name: &str) -> SecretKey {
    SecretKey::from_seed(&sha256(format!("fixture key of {name}").as_bytes()).0)
}

/// The seeds of a validator's four keys; another `edition` has others.
pub fn validator_keys(department: &str, edition: &str) -> [SecretKey; 4] {
    ["consensus", "cosigner", "log", "network"]
        .map(|purpose| key_of(format!("validator {department} {purpose} {edition}").trim_end()))
}

/// A department's validator with the keys of an edition.
pub fn validator(department: &str, edition: &str) -> Validator {
    let [consensus, cosigner, log, network] = validator_keys(department, edition).map(|key| key.public());
    Validator { department: token(department), consensus, cosigner, log, network }
}

/// The code of a refusal; panics if the call was accepted or the state could not be read.
pub fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> &'static str {
    match result {
        Err(Refusal::Rule(reject)) => {
            assert!(reject.message.len() > 8, "a refusal says why: {reject}");
            reject.code
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The event is of a kind that integrators know, about what such events are about.
fn check_kind(event: &Event) {
    let kind = events::find(event.name).unwrap_or_else(|| panic!("{event:?} is of no kind"));
    assert!(kind.fits(event.subject.as_str()), "{event:?} is not about {}", kind.subject);
}

/// What every accepted call tells those who wait: at least one event, and where, unless the act has no one place.
fn check_told(call: &Call, outcome: &Outcome) {
    outcome.events.iter().for_each(check_kind);
    assert!(!outcome.events.is_empty(), "{} tells nobody", call.name());
    assert!(outcome.events.iter().all(|event| outcome.subjects.contains(&event.subject)), "{outcome:?}");
    assert_eq!(outcome.place.is_none(), has_no_place(call), "{} at {:?}", call.name(), outcome.place);
}

/// Administration, of devices too, and votes are nowhere; a class strike is everywhere in the state.
fn has_no_place(call: &Call) -> bool {
    use CertificateCall::{ConfirmStrike, LiftStay, StayStrike, StrikeClass};
    match call {
        Call::Authority(_) | Call::Mineral(MineralCall::RegisterDevice(_)) => true,
        Call::Certificate(call) => {
            matches!(call, StrikeClass(_) | ConfirmStrike { .. } | StayStrike { .. } | LiftStay { .. })
        }
        Call::Land(_) | Call::Mineral(_) => false,
    }
}

/// A state with a block time; each accepted call is one record.
#[derive(Clone)]
pub struct World {
    /// The state.
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Block time of the next call, UTC milliseconds.
    pub time_ms: u64,
    /// Log index of the next record.
    pub record: u64,
    /// Height of the next block.
    pub height: u64,
    /// Attachments at hand.
    pub attachments: Vec<Attachment>,
    /// What holds for the whole chain.
    pub parameters: Parameters,
    /// What happened since the recording began ([`World::start_recording`]).
    pub played: Vec<Played>,
    /// What the ends of blocks brought about.
    pub closing: Vec<Event>,
}

impl World {
    /// The chain of all fixtures.
    pub fn chain() -> Hash {
        digest("fixture chain")
    }

    /// The origin of its log.
    pub fn origin() -> KeyName {
        "ledger.example/test".parse().unwrap()
    }

    /// A world with the establishment of `plan` and the validators of [`VALIDATORS`].
    pub fn new(plan: &EstablishmentPlan) -> Self {
        let establishment = plan.with_keys(|name| key_of(name.as_str()).public());
        let mut state: BTreeMap<_, _> = establishment.initial_state().unwrap().into_iter().collect();
        let validators = VALIDATORS.iter().map(|department| validator(department, ""));
        let validators = ValidatorSet::new(validators.collect()).unwrap();
        state.extend(genesis_validators(&validators));
        let (attachments, parameters) = (Vec::new(), Parameters::default());
        let (played, closing) = (Vec::new(), Vec::new());
        Self { state, time_ms: START_MS, record: 1, height: 1, attachments, parameters, played, closing }
    }

    /// The sample establishment of West Bengal, with a posting for every role.
    pub fn west_bengal() -> Self {
        Self::new(&Self::plan())
    }

    /// The plan of the sample establishment.
    pub fn plan() -> EstablishmentPlan {
        serde_json::from_str(ESTABLISHMENT).unwrap()
    }

    /// Applies a call signed by the posting's officer.
    pub fn call(&mut self, posting: &str, call: Call) -> Result<Outcome, Refusal> {
        let record: Option<Posting> = self.get(&posting_key(&token(posting)));
        let signer = record.unwrap_or_else(|| panic!("the plan has no posting {posting}")).officer;
        self.call_signed_by(signer, posting, call)
    }

    /// Applies a call that `signer` signed under `posting`.
    pub fn call_signed_by(&mut self, signer: PublicKey, posting: &str, call: Call) -> Result<Outcome, Refusal> {
        let invocation = Invocation { posting: token(posting), call };
        // What travels is bytes: every call of every test also shows that it survives them.
        let bytes = invocation.encode();
        let invocation = Invocation::decode(&bytes).unwrap();
        let context = Context {
            chain: Self::chain(),
            height: self.height,
            time_ms: self.time_ms,
            record: self.record,
            signer,
            attachments: &self.attachments,
        };
        let mut overlay = Overlay::new(&self.state);
        let outcome = apply(&mut overlay, &context, &invocation)?;
        check_told(&invocation.call, &outcome);
        let changes = overlay.into_changes();
        self.enter(changes);
        let (height, time_ms, record) = (self.height, self.time_ms, self.record);
        self.played.push(Played::Record { height, time_ms, record, signer, call: bytes });
        self.record += 1;
        Ok(outcome)
    }

    fn enter(&mut self, changes: Changes) {
        for (key, value) in changes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
    }

    /// The id of a block of this world.
    pub fn block(height: u64) -> Hash {
        digest(&format!("block {height}"))
    }

    /// Closes the block of this height; the next one begins a second later.
    pub fn close(&mut self) -> &mut Self {
        let parent = Self::block(self.height - 1);
        let (height, time_ms) = (self.height, self.time_ms);
        let closing = Closing { height, time_ms, parent, parameters: &self.parameters, origin: &Self::origin() };
        let mut overlay = Overlay::new(&self.state);
        let events = close_block(&mut overlay, &closing).unwrap();
        events.iter().for_each(check_kind);
        self.closing.extend(events);
        let changes = overlay.into_changes();
        self.enter(changes);
        self.played.push(Played::Close { height, time_ms });
        self.advance(1_000)
    }

    /// Closes blocks until the one of `height` is open.
    pub fn close_until(&mut self, height: u64) -> &mut Self {
        while self.height < height {
            self.close();
        }
        self
    }

    /// Goes to a block time; the height rises too.
    pub fn at(&mut self, time_ms: u64) -> &mut Self {
        assert!(time_ms >= self.time_ms, "block time never goes back");
        self.time_ms = time_ms;
        self.height += 1;
        self
    }

    /// Lets time pass.
    pub fn advance(&mut self, by_ms: u64) -> &mut Self {
        self.at(self.time_ms + by_ms)
    }

    /// The value under a state key.
    pub fn get<T: Canonical>(&self, key: &[u8]) -> Option<T> {
        self.state.get(key).map(|bytes| codec::decode(bytes, CANONICAL_BYTES_MAX).unwrap())
    }

    /// Sets a value behind the contracts' back.
    pub fn put<T: Canonical>(&mut self, key: Vec<u8>, value: &T) {
        self.state.insert(key, codec::encode(value));
    }

    /// Sets a parameter from the beginning of time, behind the contracts' back.
    pub fn set_parameter(&mut self, name: &str, value: i64) {
        self.put(parameter_key(name), &Timeline::since(0, value));
    }

    /// The registry entry of a document.
    pub fn document(&self, uri: &str) -> DocumentEntry {
        self.get(&document_key(&token(uri))).unwrap_or_else(|| panic!("{uri} is not on record"))
    }

    /// Whether a document is on record.
    pub fn is_on_record(&self, uri: &str) -> bool {
        self.state.contains_key(&document_key(&token(uri)))
    }

    /// Status of a document at the present block time, as a verifier computes it.
    pub fn status(&self, uri: &str) -> Verdict {
        self.status_at(uri, Moment::now(self.time_ms))
    }

    /// Status of a document at `moment`, as a verifier computes it from entry and read set.
    pub fn status_at(&self, uri: &str, moment: Moment) -> Verdict {
        let entry = self.document(uri);
        let values: Vec<_> = read_set(&entry).iter().map(|key| self.state.get(key).cloned()).collect();
        status(&entry, &Slots::decode(&entry, &values).unwrap(), moment)
    }
}
