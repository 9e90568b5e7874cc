//! The register receipt: what any pure function of the state reads, each value proven, so that a verifier runs the same
//! function over the proven values and needs nobody's word for its answer.
//!
//! A key that the function asks for and the receipt lacks, and one that the receipt holds and nobody asks for, both make
//! the receipt worthless: nothing can be left out, and nothing lends weight that it does not have.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::answer::CouldNotCheck;
use super::head::CheckedHead;
use super::status::{Form, StateRead, StatusTextError};
use crate::block::Height;
use crate::checkpoint::{HeadProof, Pin};
use crate::log::LogSize;
use crate::state::{StateError, StateProof, StateView};

/// The longest register receipt that is read, in bytes.
pub const REGISTER_BYTES_MAX: usize = 16 << 20;
/// The most state reads in a register receipt.
pub const REGISTER_READS_MAX: usize = 2_048;

/// The form of a register receipt.
const FORM: Form = Form { format: "dalil-register/v1", bytes_max: REGISTER_BYTES_MAX, reads_max: REGISTER_READS_MAX };

/// The reads that an answer rests on, and the head under which they are proven (`.dalil-register`, JSON).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterReceipt {
    /// The head whose state was read.
    pub head: HeadProof,
    /// Each key once, in the order in which it was first read.
    pub reads: Vec<StateRead>,
}

/// Notes what is read through it.
struct Noted<'a> {
    base: &'a dyn StateView,
    keys: RefCell<Vec<Vec<u8>>>,
}

impl StateView for Noted<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let mut keys = self.keys.borrow_mut();
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_vec());
        }
        self.base.get(key)
    }
}

impl RegisterReceipt {
    /// Runs `ask` over `state` and proves every key that it read. `prove` gives value and proof of a key of that state.
    pub fn gather<T>(
        state: &dyn StateView,
        ask: impl FnOnce(&dyn StateView) -> Result<T, StateError>,
        mut prove: impl FnMut(&[u8]) -> Result<(Option<Vec<u8>>, StateProof), StateError>,
    ) -> Result<(T, Vec<StateRead>), StateError> {
        let noted = Noted { base: state, keys: RefCell::default() };
        let answer = ask(&noted)?;
        let read = |key: Vec<u8>| {
            let (value, proof) = prove(&key)?;
            Ok(StateRead { key: String::from_utf8_lossy(&key).into_owned(), value, proof })
        };
        let reads = noted.keys.into_inner().into_iter().map(read).collect::<Result<_, StateError>>()?;
        Ok((answer, reads))
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        FORM.write(&self.head, &self.reads)
    }

    /// Parses a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatusTextError> {
        let (head, reads) = FORM.read(bytes)?;
        Ok(Self { head, reads })
    }
}

/// An answer that follows from proven values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenRegister<T> {
    /// What the function gave.
    pub answer: T,
    /// The oldest time among the cosignatures counted, UTC milliseconds.
    pub freshness_ms: u64,
    /// How many validators stand behind the checkpoint.
    pub quorum: usize,
    /// Height of the head that was read.
    pub height: Height,
    /// Number of leaves under the checkpoint.
    pub log_size: LogSize,
}

/// Values that were proven; fails for every other key, and remembers the first such.
struct Proven {
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    unread: RefCell<BTreeMap<Vec<u8>, usize>>,
    lacking: RefCell<Option<Vec<u8>>>,
}

impl StateView for Proven {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.unread.borrow_mut().remove(key);
        self.values.get(key).cloned().ok_or_else(|| {
            self.lacking.borrow_mut().get_or_insert_with(|| key.to_vec());
            StateError(format!("the receipt lacks {}", String::from_utf8_lossy(key)))
        })
    }
}

/// Checks a register receipt against `pin` at the verifier's time `now_ms`, and runs `ask` over what it proves.
///
/// The receipt may be as old as the pin's limit for absences, or as `age_max_override_ms`: a register says also that there
/// is nothing more.
pub fn verify_register<T>(
    bytes: &[u8],
    pin: &Pin,
    now_ms: u64,
    age_max_override_ms: Option<u64>,
    ask: impl FnOnce(&dyn StateView) -> Result<T, StateError>,
) -> Result<ProvenRegister<T>, CouldNotCheck> {
    let receipt = RegisterReceipt::parse(bytes)?;
    CheckedHead::check(&receipt.head, pin, now_ms)?.register(&receipt.reads, now_ms, age_max_override_ms, ask)
}

impl CheckedHead {
    /// Runs `ask` over the reads of a register receipt on this head; as [`verify_register`].
    pub fn register<T>(
        &self,
        reads: &[StateRead],
        now_ms: u64,
        age_max_override_ms: Option<u64>,
        ask: impl FnOnce(&dyn StateView) -> Result<T, StateError>,
    ) -> Result<ProvenRegister<T>, CouldNotCheck> {
        self.require_age(now_ms, age_max_override_ms.unwrap_or(self.absence_age_max_ms()))?;
        let (mut values, mut unread) = (BTreeMap::new(), BTreeMap::new());
        for (place, read) in reads.iter().enumerate() {
            let key = read.key.as_bytes().to_vec();
            let proven = read.proof.verify(&self.header().state_root, &key, read.value.as_deref());
            proven.map_err(|error| CouldNotCheck::StateProof { key: read.key.clone(), error })?;
            if values.insert(key.clone(), read.value.clone()).is_some() {
                return Err(CouldNotCheck::Read { place, got: Some(read.key.clone()), expected: None });
            }
            unread.insert(key, place);
        }
        let place = values.len();
        let state = Proven { values, unread: RefCell::new(unread), lacking: RefCell::default() };
        let answer = ask(&state);
        if let Some(key) = state.lacking.into_inner() {
            return Err(CouldNotCheck::Read { place, got: None, expected: Some(shown(&key)) });
        }
        let answer = answer.map_err(CouldNotCheck::State)?;
        if let Some((key, place)) = state.unread.into_inner().into_iter().next() {
            return Err(CouldNotCheck::Read { place, got: Some(shown(&key)), expected: None });
        }
        Ok(ProvenRegister {
            answer,
            freshness_ms: self.freshness_ms(),
            quorum: self.quorum(),
            height: self.header().height,
            log_size: self.log_size(),
        })
    }
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
