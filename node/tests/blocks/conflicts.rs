//! Of two records in one block that exclude each other the first one wins, whichever that is, and the second is refused
//! with the rule's code; a block that holds both is valid nowhere.

use dalil_contracts::Call;
use dalil_contracts::certificate::CertificateCall;
use dalil_ledger::block::Block;
use dalil_ledger::crypto::sha256;
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::executor::{Candidate, ExecutionError};
use serde_json::{Value, json};

use crate::chain::{Chain, LAND, MINERALS, SHOWPIECE};
use crate::support::{SDO, START_MS, domicile, token};

/// Builds a block of `pair` in both orders, and proposes one that holds both.
fn assert_first_wins(chain: &Chain, pair: [SignedTransaction; 2], code: &str) {
    let turned = [pair[1].clone(), pair[0].clone()];
    for [first, second] in [pair, turned] {
        let built = chain.build(&[first.clone(), second.clone()]);
        let executed = built.executed.unwrap();
        assert_eq!(executed.block.records, [first]);
        let dropped: Vec<_> = built.dropped.iter().map(|(leaf, why)| (*leaf, why.code.as_str())).collect();
        assert_eq!(dropped, [(Candidate::new(second.clone(), None).leaf, code)]);
        let mut both = Block::clone(&executed.block);
        both.records.push(second);
        let Err(ExecutionError::Invalid(why)) = chain.judge(both) else { panic!("a block that holds both is valid") };
        assert!(why.contains(&format!(": {code}: ")), "{why}");
        chain.judge(Block::clone(&executed.block)).unwrap();
    }
}

fn land(call: Value) -> Call {
    serde_json::from_value(json!({ "land": call })).unwrap()
}

/// Khatian 101 of Benda sells a quarter of plot 257.
fn deed(id: &str) -> Call {
    land(json!({ "register_deed": {
        "deed": id, "kind": "sale", "transferees": [sha256(id.as_bytes())],
        "conveyances": [{
            "transferor": { "khatian": "2795-51/101" }, "plots": [{ "plot": "2795-51/257", "share": "1/4" }],
            "to": [{ "transferee": 0, "part": "1/1" }],
        }],
    } }))
}

/// The mutation of a deed by an officer's system that saw khatian 101 at version 1.
fn mutation(case: &str, deed: &str, khatian: u32) -> Call {
    land(json!({ "mutate_auto": {
        "case": case, "deed": deed, "saw": [{ "khatian": "2795-51/101", "version": 1 }],
        "khatians": [{ "transferee": 0, "khatian": { "open": { "number": khatian } } }],
    } }))
}

#[test]
fn l14_of_two_mutations_that_saw_one_version_the_first_in_the_block_wins() {
    const DEEDS: [&str; 2] = ["0101-I-00001-2026", "0101-I-00002-2026"];
    let mut chain = Chain::since(START_MS);
    chain.play(LAND, usize::MAX);
    let deeds = DEEDS.map(|id| chain.signed("registration/adsr-bankura", deed(id)));
    chain.append(deeds.to_vec());
    let pair = [("M-1", DEEDS[0], 102), ("M-2", DEEDS[1], 103)]
        .map(|(case, deed, khatian)| chain.signed("land/system", mutation(case, deed, khatian)));
    assert_first_wins(&chain, pair, "L14");
}

#[test]
fn m3_of_two_challans_of_one_truck_the_first_in_the_block_wins() {
    let mut chain = Chain::since(START_MS);
    chain.play(MINERALS, usize::MAX);
    chain.play(SHOWPIECE, 2);
    let steps = ["challan for 11.00 m3 to Kolkata", "second challan on the same truck"];
    let pair = steps.map(|step| chain.step(SHOWPIECE, step));
    assert_first_wins(&chain, pair, "M3");
}

#[test]
fn d1_of_two_documents_with_one_uri_the_first_in_the_block_wins() {
    let mut chain = Chain::since(START_MS);
    let pair = [1, 2].map(|number| {
        let mut call = domicile(number, START_MS).call;
        if let Call::Certificate(CertificateCall::Issue { certificate, .. }) = &mut call {
            certificate.uri = token("in.gov.wb.district-DOM-0000000000000001");
        }
        chain.signed(SDO.0, call)
    });
    assert_first_wins(&chain, pair, "D1");
}
