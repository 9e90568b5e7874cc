//! Catching up by snapshot: offering what this node holds, and fetching one where executing every block would take too
//! long, or where nobody holds the blocks any more.
//!
//! Any node offers: it holds the version of its ledger at a published head (`hold`), so that all parts of one snapshot fit
//! one another while the chain goes on. A node that is far behind asks all peers that are ahead, checks what they offer
//! against the validators that it knows, and fetches the parts of one snapshot from all who hold it (`fetch`). Every part
//! is proven by itself before it is kept: a false one scores its sender and is asked of another. A source that falls silent
//! is passed over; a snapshot whose sources all did is given up for another, and one of which nobody can send a part that
//! is wanted is begun anew. While a snapshot does not get on, or takes all too long, and while nobody offers one, blocks
//! are fetched as ever. So neither way can keep a node from going the other.
//!
//! After a crash it goes on with the parts that were durable. The last write puts the head at the snapshot's; consensus
//! enters the next height as after any block, and the sign record's floor rises with it: what was signed above it stands,
//! and below it nothing is signed any more.

mod fetch;
mod hold;

use std::sync::Arc;

use dalil_ledger::block::BlockId;
use dalil_ledger::checkpoint::Policy;
use dalil_ledger::snapshot::{self, Known, Offer, PART_BYTES_MAX, Restore, covers_window};
use dalil_ledger::store::{Area, Batch, Ledger, StoreError};

use self::fetch::Fetch;
use self::hold::Holdings;
use super::admitted::former_validators;
use super::cosign::Published;
use super::event::{Claim, Effect, Notice, Peer, Persist, Proven, Timer, Work};
use super::message::{Message, Part, PartName};
use super::serve::Request;
use super::sync::SYNC_TIMEOUT_MS;
use super::{CONSENSUS, Core, NOTE_KEY, Stage, Then};

/// How often a node that wants a snapshot, or restores one, looks how it gets on, in milliseconds.
const TICK_MS: u64 = 1_000;
/// After so many ticks without a good part other sources are sought, and blocks are fetched beside.
const STANDSTILL_TICKS: u32 = 5;
/// So many ticks offers may take to come before blocks are fetched beside.
const OFFER_TICKS: u32 = 3;
/// So many ticks in all a snapshot may keep blocks waiting, also one that gets on: its sources may send just enough for
/// that.
const BLOCKS_WAIT_TICKS_MAX: u32 = 300;
/// Every so many ticks peers that are no sources are asked for offers again.
const ASK_AGAIN_TICKS: u32 = 5;
/// Keys of replaced versions deleted in one write.
pub const SWEPT_AT_ONCE: usize = 10_000;

/// What an operator may set about catching up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncSettings {
    /// A node more blocks behind than this fetches a snapshot first.
    pub snapshot_after: u64,
    /// The head at every multiple of so many blocks is offered as a snapshot.
    pub snapshot_every: u64,
    /// About how many bytes a part of a snapshot holds that this node sends; [`PART_BYTES_MAX`] at most.
    pub snapshot_part_bytes: usize,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self { snapshot_after: 5_000, snapshot_every: 1_000, snapshot_part_bytes: PART_BYTES_MAX }
    }
}

/// Both sides of catching up by snapshot.
pub(super) struct Snapshots {
    settings: SyncSettings,
    holdings: Holdings,
    fetch: Fetch,
    /// The highest area ever written to.
    highest_area: Area,
    /// Since the start peers had the time to say how far they are.
    looked_around: bool,
    ticking: bool,
    /// Ticks since a snapshot was wanted.
    ticks: u32,
    /// Ticks since the last good part or, before the first, since a snapshot was wanted.
    idle_ticks: u32,
    /// The last write is under way: nothing may be committed before it is durable.
    switching: bool,
}

impl Snapshots {
    /// Takes up what was begun before a restart.
    pub(super) fn start(ledger: &Ledger, settings: SyncSettings) -> Result<Self, StoreError> {
        Ok(Self {
            settings,
            holdings: Holdings::default(),
            fetch: Fetch::resume(Restore::resume(ledger)?),
            highest_area: Restore::highest_area(ledger)?,
            looked_around: false,
            ticking: false,
            ticks: 0,
            idle_ticks: 0,
            switching: false,
        })
    }

    /// How far the snapshot under way is.
    pub(super) fn progress(&self) -> Option<snapshot::Progress> {
        self.fetch.restore().map(Restore::progress)
    }

    /// Whether the last write of a snapshot is under way.
    pub(super) fn is_switching(&self) -> bool {
        self.switching
    }
}

/// What other nodes are given.
impl Core {
    /// A head was published: it may be one to offer.
    pub(super) fn hold_published(&mut self, published: &Arc<Published>) {
        let height = published.view.head().height;
        let wanted = self.snapshots.holdings.wants(height, self.snapshots.settings.snapshot_every);
        // Who was restored an hour ago or less cannot prove what must not be recorded again.
        if height > 0 && wanted && covers_window(&published.view).unwrap_or(false) {
            self.snapshots.holdings.hold(published.clone(), self.now_ms);
        }
    }

    pub(super) fn serve_offer(&mut self, to: Peer, above: u64) {
        let next = above.saturating_add(1);
        if let Some(held) = self.snapshots.holdings.newest(next, self.now_ms) {
            self.serve_from(held.view.clone(), to, Request::Offer(held.note.clone(), next));
        }
    }

    pub(super) fn serve_part(&mut self, to: Peer, snapshot: BlockId, name: PartName) {
        match self.snapshots.holdings.get(&snapshot, self.now_ms) {
            None => self.effect(Effect::Send(to, Message::SnapshotGone(snapshot))),
            Some(held) if is_proper(&name, &held) => {
                let bytes = self.snapshots.settings.snapshot_part_bytes;
                self.serve_from(held.view.clone(), to, Request::Part(name, bytes));
            }
            Some(_) => self.effect(Effect::Score(to, format!("there is no part {name:?} of a snapshot"))),
        }
    }
}

/// Whether a snapshot has such a part at all. Its holder has the blocks of the whole window; what lies below is no part.
fn is_proper(name: &PartName, held: &Published) -> bool {
    match name {
        PartName::Chunk(prefix) => prefix.is_proper(),
        PartName::Window(height) => (held.view.first_block()..=held.view.head().height).contains(height),
    }
}

/// What this node fetches.
impl Core {
    /// Whether executing the blocks would take too long, or nobody holds them.
    fn wants_snapshot(&self) -> bool {
        let head = self.view.head().height;
        let faulty = self.validators.max_faulty();
        let far = self.sync.credible(faulty) > head.saturating_add(self.snapshots.settings.snapshot_after);
        self.halted.is_none() && (far || self.blocks_are_out_of_reach())
    }

    fn blocks_are_out_of_reach(&self) -> bool {
        let next = self.view.head().height + 1;
        self.sync.is_out_of_reach(next, self.validators.max_faulty(), self.now_ms)
    }

    /// Whether a snapshot may be wanted: after a start the first peer that is heard may be far ahead and right. Later on a
    /// single one is not waited for.
    fn may_want_snapshot(&self) -> bool {
        let claimed = self.view.head().height.saturating_add(self.snapshots.settings.snapshot_after);
        self.wants_snapshot()
            || (!self.snapshots.looked_around && self.halted.is_none() && self.sync.target() > claimed)
    }

    /// Whether blocks wait for a snapshot that gets on, or that may yet be offered.
    pub(super) fn snapshot_goes_first(&self) -> bool {
        let snapshots = &self.snapshots;
        if snapshots.switching {
            return true;
        }
        if snapshots.ticks >= BLOCKS_WAIT_TICKS_MAX {
            return false;
        }
        match snapshots.fetch.restore() {
            Some(_) => snapshots.idle_ticks < STANDSTILL_TICKS,
            None => snapshots.ticking && snapshots.idle_ticks < OFFER_TICKS && self.may_want_snapshot(),
        }
    }

    /// Sets about a snapshot if one is wanted and nothing is under way.
    pub(super) fn consider_snapshot(&mut self) {
        let begun = self.snapshots.fetch.restore().is_some();
        if !self.snapshots.ticking && (begun || self.may_want_snapshot()) {
            self.snapshots.idle_ticks = 0;
            self.snapshots.ticks = 0;
            self.arm_tick();
            self.ask_for_offers();
        }
    }

    fn arm_tick(&mut self) {
        self.snapshots.ticking = true;
        self.effect(Effect::Arm { timer: Timer::Snapshot, after_ms: TICK_MS });
    }

    fn ask_for_offers(&mut self) {
        let head = self.view.head().height;
        let peers: Vec<Peer> = self.sync.ahead(head + 1).collect();
        for peer in peers {
            if self.snapshots.fetch.asks_for_offer(peer) {
                self.effect(Effect::Send(peer, Message::FetchSnapshot(head)));
            }
        }
    }

    pub(super) fn snapshot_tick(&mut self) {
        self.snapshots.ticking = false;
        self.snapshots.ticks = self.snapshots.ticks.saturating_add(1);
        self.snapshots.idle_ticks = self.snapshots.idle_ticks.saturating_add(1);
        if self.snapshots.idle_ticks >= OFFER_TICKS {
            self.snapshots.looked_around = true;
        }
        // A crash may have come between the last part and the last write, or between a block and giving up.
        self.snapshot_passed();
        let wanted = self.may_want_snapshot();
        let begun = self.snapshots.fetch.restore().is_some();
        if (!wanted && !begun) || self.halted.is_some() {
            return;
        }
        self.arm_tick();
        if self.snapshots.switching {
            return;
        }
        let standstill = self.snapshots.idle_ticks >= STANDSTILL_TICKS;
        let fetch = &self.snapshots.fetch;
        if begun && standstill && (fetch.has_other_offer() || fetch.is_suspect() || !wanted) {
            self.give_up_snapshot(true);
        }
        if self.snapshots.fetch.restore().is_none() {
            self.begin_snapshot();
        }
        let no_source = begun && !self.snapshots.fetch.has_sources();
        let looking = !begun && self.snapshots.idle_ticks <= OFFER_TICKS;
        if self.snapshots.ticks.is_multiple_of(ASK_AGAIN_TICKS) || no_source || looking {
            self.ask_for_offers();
        }
        if let Some(progress) = self.snapshots.fetch.restore().map(|_| self.progress())
            && self.snapshots.ticks.is_multiple_of(ASK_AGAIN_TICKS)
        {
            self.effect(Effect::Log(Notice::CatchingUp(progress)));
        }
        self.ask_for_parts();
        self.ask_for_blocks();
    }

    fn begin_snapshot(&mut self) {
        let Some(offer) = self.snapshots.fetch.choose(self.now_ms) else { return };
        let (restore, batch) = Restore::begin(offer, self.snapshots.highest_area);
        self.snapshots.highest_area = restore.area();
        self.snapshots.fetch.begun(restore);
        self.snapshots.idle_ticks = 0;
        self.queue(Some(Persist::Batch(batch)), Vec::new());
        self.note_pace();
        self.ask_for_parts();
    }

    fn give_up_snapshot(&mut self, standstill: bool) {
        if let Some(restore) = self.snapshots.fetch.give_up(standstill, self.now_ms) {
            self.queue(Some(Persist::Batch(restore.abandon())), Vec::new());
            self.sweep();
        }
    }

    fn ask_for_parts(&mut self) {
        let Some(snapshot) = self.snapshots.fetch.restore().map(Restore::id) else { return };
        for asked in self.snapshots.fetch.ask(self.now_ms) {
            self.effect(Effect::Send(asked.peer, Message::FetchPart { snapshot, name: asked.name }));
            self.effect(Effect::Arm { timer: Timer::Part(asked.number), after_ms: SYNC_TIMEOUT_MS });
        }
    }

    pub(super) fn part_overdue(&mut self, number: u64) {
        self.snapshots.fetch.overdue(number, self.now_ms);
        self.ask_for_parts();
    }

    pub(super) fn snapshot_gone(&mut self, from: &Peer, snapshot: &BlockId) {
        self.snapshots.fetch.gone(from, snapshot);
        self.ask_for_parts();
    }

    pub(super) fn offer_arrived(&mut self, from: Peer, mut offer: Box<Offer>) {
        if !self.snapshots.fetch.expects_offer(&from) {
            return;
        }
        let head = self.view.head().height;
        // Of what lies just above the head blocks are the shorter way, if somebody holds them.
        let least = if self.blocks_are_out_of_reach() { 1 } else { self.snapshots.settings.snapshot_after / 2 };
        if offer.header.height < head.saturating_add(least.max(1)) {
            return;
        }
        // It leads on from where this node was when it asked; what it has passed since is no fault of the peer's.
        offer.handovers.retain(|handover| handover.header.height > head);
        let known = Known {
            chain: self.chain,
            origin: self.origin.clone(),
            validators: self.validators.clone(),
            height: head + 1,
        };
        self.effect(Effect::Work(Work::Check { from, claim: Box::new(Claim::Offer(offer, known)) }));
    }

    pub(super) fn part_arrived(&mut self, from: Peer, snapshot: BlockId, part: Part) {
        if !self.snapshots.fetch.arrived(&from, &snapshot, part.name()) {
            return;
        }
        let Some(restore) = self.snapshots.fetch.restore() else { return };
        let claim = match part {
            Part::Window(blocks) => Claim::Window { snapshot, blocks, above: restore.window() },
            Part::Chunk(prefix, chunk) => {
                let Some(expected) = restore.expected(&prefix) else { return };
                Claim::Chunk { snapshot, prefix, chunk, expected }
            }
        };
        self.effect(Effect::Work(Work::Check { from, claim: Box::new(claim) }));
        self.ask_for_parts();
    }

    pub(super) fn snapshot_checked(
        &mut self,
        from: Peer,
        snapshot: Option<BlockId>,
        result: Result<Option<Box<Proven>>, String>,
    ) {
        match result.map(|proven| proven.map(|proven| *proven)) {
            Err(fault) => {
                self.effect(Effect::Score(from, fault));
                self.snapshots.fetch.distrust(from);
            }
            Ok(None) => {}
            Ok(Some(Proven::Offer(offer))) => self.snapshots.fetch.offered(from, *offer),
            Ok(Some(part)) => self.take_part(from, snapshot, part),
        }
        self.ask_for_parts();
    }

    fn take_part(&mut self, from: Peer, snapshot: Option<BlockId>, part: Proven) {
        let Some(restore) = self.snapshots.fetch.restore_mut().filter(|restore| Some(restore.id()) == snapshot) else {
            return;
        };
        let (name, batch) = match part {
            Proven::Offer(_) => return,
            Proven::Window(blocks, known) => {
                let Some(first) = blocks.first() else { return };
                (PartName::Window(first.header.height), Ok(restore.take_window(&blocks, known)))
            }
            Proven::Chunk(prefix, checked) => (PartName::Chunk(prefix), restore.take_chunk(&prefix, checked)),
        };
        self.snapshots.fetch.was_good(&from, &name);
        match batch {
            Ok(batch) if batch.writes.is_empty() => {}
            Ok(batch) => {
                self.snapshots.idle_ticks = 0;
                self.snapshots.fetch.writes();
                self.queue(Some(Persist::Batch(batch)), vec![Then::PartWritten]);
                self.finish_snapshot();
            }
            Err(error) => self.halt(format!("this node cannot be trusted to restore a snapshot: {error}")),
        }
    }

    pub(super) fn part_written(&mut self) {
        self.snapshots.fetch.written();
        self.ask_for_parts();
    }

    /// Makes a complete snapshot the ledger, unless a block is just being written; then after that. Never one that the head
    /// has passed: the head does not go back.
    fn finish_snapshot(&mut self) {
        let head = self.view.head().height;
        let is_due = |restore: &&Restore| restore.is_complete() && restore.offer().header.height > head;
        let Some(restore) = self.snapshots.fetch.restore().filter(is_due) else { return };
        let writing = self.deciding.as_ref().is_some_and(|deciding| deciding.stage == Stage::Writing);
        if writing || self.snapshots.switching || self.halted.is_some() {
            return;
        }
        let mut also = Batch::default();
        also.put(CONSENSUS, NOTE_KEY, restore.offer().note.clone());
        let Some(batch) = restore.finish(also) else { return };
        self.snapshots.switching = true;
        // A block that is still being executed is followed by nothing.
        self.deciding = None;
        self.queue(Some(Persist::Batch(batch)), vec![Then::Restored]);
    }

    /// The snapshot is the ledger.
    pub(super) fn restored(&mut self) {
        self.snapshots.switching = false;
        let Some(restore) = self.snapshots.fetch.give_up(false, self.now_ms) else { return };
        if !self.open_version() {
            return;
        }
        // The set may have changed more than once on the way.
        let genesis = self.ledger.genesis();
        let former = genesis.and_then(|genesis| former_validators(&self.view, &genesis));
        let admitted = former.and_then(|former| {
            self.former_validators = former;
            self.admit()
        });
        let admitted = admitted.and_then(|()| self.take_up_recorded());
        if let Err(error) = admitted {
            self.halt(error.to_string());
            return;
        }
        let (height, id) = (self.view.head().height, self.view.head_id());
        self.effect(Effect::Log(Notice::Restored { height, id }));
        let note = String::from_utf8_lossy(&restore.offer().note).into_owned();
        let endorsed = Policy::of_set(&self.origin, &self.validators)
            .ok()
            .and_then(|policy| policy.verify(note.as_bytes(), u64::MAX, 0).ok());
        if let Some(endorsed) = endorsed {
            let (view, validators) = (self.view.clone(), self.validators.clone());
            let published = Published { note, view, validators, freshness_ms: endorsed.freshness_ms };
            self.effect(Effect::Publish(Arc::new(published)));
        }
        self.enter_next_height(&[]);
        self.sweep();
    }

    /// A snapshot that the head has passed is of no use any more; one that is complete and waited is finished.
    pub(super) fn snapshot_passed(&mut self) {
        let height = self.view.head().height;
        self.snapshots.fetch.passed(height);
        if self.snapshots.fetch.restore().is_some_and(|restore| restore.offer().header.height <= height) {
            self.give_up_snapshot(false);
        } else {
            self.finish_snapshot();
        }
    }

    /// Looks for what replaced and abandoned versions left over.
    pub(super) fn sweep(&mut self) {
        let restoring = self.snapshots.fetch.restore().map(Restore::area);
        match self.ledger.view() {
            // Not the head's version: what was swept before is still there in it.
            Ok(view) => self.effect(Effect::Work(Work::Sweep { view, restoring })),
            Err(error) => self.halt(error.to_string()),
        }
    }

    pub(super) fn swept(&mut self, batch: Batch) {
        if !batch.writes.is_empty() {
            self.queue(Some(Persist::Batch(batch)), vec![Then::Swept]);
        }
    }
}
