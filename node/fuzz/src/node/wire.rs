//! Messages between nodes, and what they are made of. Oracle: as for all canonical bytes ([`crate::wire`]); the message
//! fits the frame of its lane.

use dalil_ledger::codec::CANONICAL_BYTES_MAX;
use dalil_node::core::Message;
use dalil_node::core::message::{
    CompactBlock, DecidedBlock, HeadCosignature, Lane, LooseRecord, MESSAGE_BYTES_MAX, RECORD_OVERHEAD_BYTES,
};

use crate::Taken;
use crate::wire::{Wire, choose, wire as canonical};

/// One value of the type that the first byte names.
pub fn wire(bytes: &[u8]) -> Taken {
    const TABLE: &[Wire] = &[
        |bytes| {
            canonical(bytes, MESSAGE_BYTES_MAX, |message: Message| {
                assert_eq!(message.encode(), bytes);
                let body = matches!(
                    message,
                    Message::Records(_)
                        | Message::Compact(_)
                        | Message::Block(_)
                        | Message::Decided(_)
                        | Message::Snapshot(_)
                        | Message::Part { .. }
                );
                assert_eq!(message.lane() == Lane::Bulk, body, "a vote never waits behind a body");
            })
        },
        |bytes| {
            canonical(bytes, CANONICAL_BYTES_MAX, |loose: LooseRecord| {
                assert!(loose.weight() >= RECORD_OVERHEAD_BYTES && loose.weight() + 128 >= bytes.len());
            })
        },
        |bytes| canonical::<CompactBlock>(bytes, CANONICAL_BYTES_MAX, |_| ()),
        |bytes| canonical::<DecidedBlock>(bytes, CANONICAL_BYTES_MAX, |decided| assert!(decided.weight() < usize::MAX)),
        |bytes| canonical::<HeadCosignature>(bytes, CANONICAL_BYTES_MAX, |_| ()),
    ];
    choose(TABLE, bytes)
}
