//! What peers are given on request: blocks, bodies, and parts of snapshots. The core says whether and from which version;
//! a worker reads it, so that nobody's questions keep the core from voting.

use dalil_ledger::block::{BlockId, Height};
use dalil_ledger::snapshot::{Offer, PART_BYTES_MAX, read_chunk, read_window};
use dalil_ledger::store::{LedgerView, StoreError};

use super::Core;
use super::event::{Effect, Peer, Work};
use super::message::{DecidedBlock, Message, Part, PartName, SYNC_BLOCKS_MAX, SYNC_BYTES_MAX};

/// How many answers a peer gets in one rebroadcast interval. That is far more than it can execute meanwhile; beyond it
/// costs this node only.
const SERVED_MAX: u32 = 64;
/// How many bytes of pending records a peer gets in one rebroadcast interval, the last record not counted: what a few blocks
/// hold. They are copied where votes are handled.
pub const SERVED_RECORD_BYTES_MAX: usize = 8 * SYNC_BYTES_MAX;

/// What a peer was given since the last rebroadcast.
#[derive(Debug, Default)]
pub(super) struct Served {
    answers: u32,
    record_bytes: usize,
}

/// What a peer asked for.
#[derive(Debug, Clone)]
pub enum Request {
    /// Decided blocks from this height on, so many at most.
    Decided {
        /// The first height.
        from: Height,
        /// The most blocks.
        count: usize,
    },
    /// The body of a block by its id.
    Body(BlockId),
    /// The snapshot of the version's head, whose note this is, for a node that knows the set of this height.
    Offer(String, Height),
    /// A part of the snapshot of the version's head, of about so many bytes at most.
    Part(PartName, usize),
}

/// The answer to a request, read from `view`; none if there is nothing to say, or if it lies below what `view` holds: what a
/// peer asks for says nothing about this node's data.
pub fn answer(view: &LedgerView, request: &Request) -> Result<Option<Message>, StoreError> {
    match read(view, request) {
        Err(StoreError::NotHeld { .. }) => Ok(None),
        answer => answer,
    }
}

fn read(view: &LedgerView, request: &Request) -> Result<Option<Message>, StoreError> {
    match request {
        Request::Decided { from, count } => decided(view, *from, *count),
        Request::Body(id) => {
            let height = view.height_of(id)?.filter(|height| *height >= view.first_block());
            Ok(height.map(|height| view.block(height)).transpose()?.flatten().map(Message::Block))
        }
        Request::Offer(note, from) => Ok(Some(Message::Snapshot(Box::new(Offer::of(view, note, *from)?)))),
        Request::Part(name, bytes) => {
            let bytes = PART_BYTES_MAX.min(*bytes);
            let part = match name {
                PartName::Chunk(prefix) => Part::Chunk(*prefix, read_chunk(view, prefix, bytes)?),
                PartName::Window(height) => Part::Window(read_window(view, *height, bytes)?),
            };
            Ok(Some(Message::Part { snapshot: view.head_id(), part }))
        }
    }
}

fn decided(view: &LedgerView, from: Height, count: usize) -> Result<Option<Message>, StoreError> {
    if from < view.first_block() {
        return Ok(Some(Message::HeldFrom(view.first_block())));
    }
    let mut bytes = 0;
    let mut blocks = Vec::new();
    for height in (from.max(1)..=view.head().height).take(count) {
        let Some((block, certificate)) = view.block(height)?.zip(view.commit(height)?) else { break };
        let decided = DecidedBlock { block, certificate };
        bytes += decided.weight();
        blocks.push(decided);
        if bytes > SYNC_BYTES_MAX {
            break;
        }
    }
    Ok((!blocks.is_empty()).then_some(Message::Decided(blocks)))
}

impl Core {
    /// A new interval begins, in which every peer may be given something again.
    pub(super) fn serve_anew(&mut self) {
        self.served.clear();
        self.cosignatures_served.clear();
        self.cosignatures_refused.clear();
    }

    /// Whether a peer may be given more before the next rebroadcast.
    pub(super) fn may_serve(&mut self, peer: Peer) -> bool {
        let served = self.served.entry(peer).or_default();
        served.answers += 1;
        served.answers <= SERVED_MAX
    }

    /// How many bytes of pending records a peer may be given before the next rebroadcast.
    pub(super) fn record_bytes_left(&self, peer: &Peer) -> usize {
        let given = self.served.get(peer).map_or(0, |served| served.record_bytes);
        SERVED_RECORD_BYTES_MAX.saturating_sub(given)
    }

    /// Takes note that a peer was given pending records.
    pub(super) fn gave_records(&mut self, peer: Peer, bytes: usize) {
        self.served.entry(peer).or_default().record_bytes += bytes;
    }

    /// Has the answer read and sent, if the peer may have one.
    pub(super) fn serve_from(&mut self, view: LedgerView, to: Peer, request: Request) {
        if self.may_serve(to) {
            self.effect(Effect::Work(Work::Serve { to, view, request }));
        }
    }

    pub(super) fn serve_decided(&mut self, to: Peer, from: Height) {
        if from <= self.view.head().height {
            self.serve_from(self.view.clone(), to, Request::Decided { from, count: SYNC_BLOCKS_MAX });
        }
    }

    pub(super) fn serve_body(&mut self, to: Peer, id: BlockId) {
        match self.held_body(&id) {
            Some(block) if self.may_serve(to) => self.effect(Effect::Send(to, Message::Block((*block).clone()))),
            Some(_) => {}
            None => self.serve_from(self.view.clone(), to, Request::Body(id)),
        }
    }

    /// Rule 12: a lower peer gets that height's block and certificate, once a rebroadcast interval.
    pub(super) fn answer_behind(&mut self, peer: Peer, height: Height) {
        if self.served.get(&peer).is_none_or(|served| served.answers == 0) {
            self.serve_from(self.view.clone(), peer, Request::Decided { from: height, count: 1 });
        }
    }
}
