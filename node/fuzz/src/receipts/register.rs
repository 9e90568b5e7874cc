//! Register receipts: files, and true ones put together anew.
//!
//! The register asked for is a list: its head says how many entries there are, and the answer is all of them. It stands in
//! several states of one chain, longer, shorter and empty. Oracle: whatever verifies gives exactly the list of the state at
//! the height that it names, and is as fresh as the cosignatures under that head; so nothing can be left out, added, or
//! carried over from another state.

use std::sync::OnceLock;

use dalil_ledger::checkpoint::Pin;
use dalil_ledger::codec;
use dalil_ledger::receipt::{RegisterReceipt, verify_register};
use dalil_ledger::state::{StateError, StateView, commitment};

use super::fixture::{Chain, MINUTE_MS, T0_MS};
use crate::memory::bounded;
use crate::{Input, Taken};

/// When everything is checked, UTC milliseconds.
const NOW_MS: u64 = T0_MS + 30 * MINUTE_MS;

/// One state of the chain: its list, and a true receipt of it.
struct Stage {
    height: u64,
    cosigned_at_ms: u64,
    list: Vec<u64>,
    receipt: RegisterReceipt,
}

/// What the chain says at its heads.
struct Registers {
    pin: Pin,
    stages: Vec<Stage>,
}

/// The entries of the list; an absent head is an empty list.
fn entries(state: &dyn StateView) -> Result<Vec<u64>, StateError> {
    let number = |key: String| -> Result<Option<u64>, StateError> {
        let Some(bytes) = state.get(key.as_bytes())? else { return Ok(None) };
        codec::decode(&bytes, 64).map(Some).map_err(|error| StateError(error.to_string()))
    };
    let count = number("list".to_owned())?.unwrap_or_default();
    (0..count).map(|at| Ok(number(format!("list/{at}"))?.unwrap_or_default())).collect()
}

fn registers() -> &'static Registers {
    static REGISTERS: OnceLock<Registers> = OnceLock::new();
    REGISTERS.get_or_init(|| {
        let mut chain = Chain::new();
        let mut stages = Vec::new();
        let lists: [&[u64]; 4] = [&[], &[5, 7, 9], &[5, 8, 9, 11], &[5]];
        for (place, list) in (1..).zip(lists) {
            let time_ms = T0_MS + place * MINUTE_MS;
            for (at, value) in list.iter().enumerate() {
                chain.put(time_ms, format!("list/{at}").into_bytes(), value);
            }
            if !list.is_empty() {
                chain.put(time_ms, b"list".to_vec(), &(list.len() as u64));
            }
            let cosigned_at_ms = NOW_MS - 8 * MINUTE_MS + place * 1_000;
            let prove = |key: &[u8]| Ok((chain.state.get(key).cloned(), commitment::prove(&chain.pages, key)?));
            let (answer, reads) = RegisterReceipt::gather(&chain.state, entries, prove).unwrap();
            assert_eq!(answer, list);
            let head = chain.head(cosigned_at_ms);
            let height = head.header.height;
            stages.push(Stage {
                height,
                cosigned_at_ms,
                list: list.to_vec(),
                receipt: RegisterReceipt { head, reads },
            });
        }
        Registers { pin: chain.pin(), stages }
    })
}

/// A file (first byte 0), or edits of a true receipt: of which one, then for each edit what, where, and from which other.
pub fn register(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    if input.byte() == 0 {
        return file(input.rest());
    }
    let registers = registers();
    let mut receipt = registers.stages[input.below(registers.stages.len())].receipt.clone();
    while !input.is_empty() {
        edit(&mut receipt, &registers.stages, &mut input);
    }
    file(&receipt.to_bytes())
}

fn file(bytes: &[u8]) -> Taken {
    let Ok(receipt) = bounded(bytes, || RegisterReceipt::parse(bytes)) else { return Taken::No };
    assert_eq!(RegisterReceipt::parse(&receipt.to_bytes()).as_ref(), Ok(&receipt));
    let registers = registers();
    let Ok(proven) = verify_register(bytes, &registers.pin, NOW_MS, None, entries) else { return Taken::No };
    let stage = registers.stages.iter().find(|stage| stage.height == proven.height).expect("a cosigned head");
    assert_eq!(proven.answer, stage.list);
    assert_eq!((proven.freshness_ms, proven.quorum), (stage.cosigned_at_ms, registers.pin.validators().quorum()));
    assert_eq!(proven.log_size, receipt.head.header.log_size());
    Taken::Yes
}

fn edit(receipt: &mut RegisterReceipt, stages: &[Stage], input: &mut Input<'_>) {
    let (edit, count) = (input.below(10), receipt.reads.len());
    let other = &stages[input.below(stages.len())].receipt;
    let (at, from) = (input.below(count), input.below(other.reads.len()));
    let theirs = other.reads[from].clone();
    match edit {
        0 => receipt.head = other.head.clone(),
        1 => receipt.head.note.clone_from(&other.head.note),
        2 => receipt.head.header = other.head.header.clone(),
        3 => receipt.reads.push(theirs),
        4 => receipt.reads.clone_from(&other.reads),
        _ if count == 0 => {}
        5 => receipt.reads[at] = theirs,
        6 => receipt.reads[at].value = theirs.value,
        7 => receipt.reads[at].proof = theirs.proof,
        8 => drop(receipt.reads.remove(at)),
        _ => {
            let to = input.below(count);
            receipt.reads.swap(at, to);
        }
    }
}

/// True receipts as files, and as they are before an edit.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let stages = registers().stages.iter().enumerate();
    let files = stages.map(|(at, stage)| (format!("file-{at}"), [&[0][..], &stage.receipt.to_bytes()].concat()));
    // Reads in another order are as good.
    let whole = [("unedited", vec![1, 2]), ("in-another-order", vec![1, 1, 9, 0, 0, 0, 2])];
    files.chain(whole.map(|(name, bytes)| (name.to_owned(), bytes))).collect()
}
