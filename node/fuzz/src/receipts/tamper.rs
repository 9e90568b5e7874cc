//! True receipts, changed where a forger would change them.

use dalil_ledger::crypto::Hash;
use dalil_ledger::receipt::{InclusionReceipt, StatusReceipt};

use super::{Truth, inclusion, status};
use crate::{Input, Taken};

/// Changes of one receipt.
const EDITS_MAX: usize = 16;

/// Takes one of the true receipts and changes it as the input says: fields swapped with those of other receipts, reads left
/// out or doubled, single bytes of proofs, signature lines of other notes.
pub fn tampered(bytes: &[u8]) -> Taken {
    let truth = Truth::get();
    let mut input = Input::new(bytes);
    if input.below(2) == 0 {
        let mut receipt = pick(&truth.statuses, &mut input).clone();
        for _ in 0..EDITS_MAX {
            if input.is_empty() {
                break;
            }
            edit_status(&mut receipt, truth, &mut input);
        }
        status(&receipt.to_bytes())
    } else {
        let mut receipt = pick(&truth.inclusions, &mut input).clone();
        for _ in 0..EDITS_MAX {
            if input.is_empty() {
                break;
            }
            edit_inclusion(&mut receipt, truth, &mut input);
        }
        inclusion(&receipt.to_bytes())
    }
}

fn pick<'a, T>(from: &'a [T], input: &mut Input<'_>) -> &'a T {
    &from[input.below(from.len())]
}

fn edit_status(receipt: &mut StatusReceipt, truth: &Truth, input: &mut Input<'_>) {
    let edit = input.below(14);
    let other = pick(&truth.statuses, input);
    let place = input.below(receipt.reads.len());
    match edit {
        0 => receipt.head.note.clone_from(&other.head.note),
        1 => receipt.head.header.clone_from(&other.head.header),
        2 => receipt.head.path.clone_from(&other.head.path),
        3 => receipt.head.header.state_root = other.head.header.state_root,
        4 => receipt.head.header.height = other.head.header.height,
        5 => edit_path(&mut receipt.head.path, input),
        6 => edit_note(&mut receipt.head.note, truth, input),
        7 => receipt.reads.clone_from(&other.reads),
        8 => receipt.reads.push(pick(&other.reads, input).clone()),
        _ if receipt.reads.is_empty() => {}
        9 => receipt.reads[place] = pick(&other.reads, input).clone(),
        10 => drop(receipt.reads.remove(place)),
        11 => {
            let to = input.below(receipt.reads.len());
            receipt.reads.swap(place, to);
        }
        12 => edit_path(&mut receipt.reads[place].proof.siblings, input),
        _ => {
            let read = &mut receipt.reads[place];
            match (&mut read.value, input.byte()) {
                (value, 0) => *value = None,
                (None, _) => read.value = pick(&other.reads, input).value.clone(),
                (Some(value), flip) => {
                    let at = input.below(value.len());
                    if let Some(byte) = value.get_mut(at) {
                        *byte ^= flip;
                    }
                }
            }
        }
    }
}

fn edit_inclusion(receipt: &mut InclusionReceipt, truth: &Truth, input: &mut Input<'_>) {
    let edit = input.below(8);
    let other = pick(&truth.inclusions, input);
    match edit {
        0 => receipt.note.clone_from(&other.note),
        1 => receipt.path.clone_from(&other.path),
        2 => receipt.index = other.index,
        3 => receipt.recorded.entry.clone_from(&other.recorded.entry),
        4 => receipt.recorded.document.clone_from(&other.recorded.document),
        5 => edit_path(&mut receipt.path, input),
        6 => edit_note(&mut receipt.note, truth, input),
        _ => {
            if let Some(document) = &mut receipt.recorded.document {
                document.index ^= u64::from(input.byte());
                edit_path(&mut document.path, input);
            } else {
                receipt.index ^= u64::from(input.byte());
            }
        }
    }
}

fn edit_path(path: &mut Vec<Hash>, input: &mut Input<'_>) {
    let at = input.below(path.len());
    match input.below(4) {
        0 => path.push(Hash([input.byte(); 32])),
        _ if path.is_empty() => {}
        1 => drop(path.remove(at)),
        2 => path[at].0[input.below(32)] ^= input.byte(),
        _ => path.truncate(at),
    }
}

/// Signature lines in, out, and from under other checkpoints.
fn edit_note(note: &mut String, truth: &Truth, input: &mut Input<'_>) {
    let other: Vec<&str> = pick(&truth.notes, input).split_inclusive('\n').collect();
    let mut lines: Vec<&str> = note.split_inclusive('\n').collect();
    let at = input.below(lines.len());
    match input.below(5) {
        0 => lines.insert(at, other[input.below(other.len())]),
        1 => lines.push(other[input.below(other.len())]),
        _ if lines.is_empty() => {}
        2 => drop(lines.remove(at)),
        3 => lines[at] = other[input.below(other.len())],
        _ => {
            let to = input.below(lines.len());
            lines.swap(at, to);
        }
    }
    *note = lines.concat();
}
