//! Drives consensus: carries out what the engine asks, in the order it asks, and commits what it decides.

use std::sync::Arc;

use dalil_consensus::{
    Action, BlockDemand, Event as Input, HaltReason, Message as Vote, Output, Persist as Write, Verdict,
};
use dalil_ledger::block::{Block, BlockId};
use dalil_ledger::codec;
use dalil_ledger::crypto::Hash;
use dalil_ledger::store::{Batch, Executed};
use dalil_ledger::validators::Certificate;

use super::event::{Answer, Effect, Notice, Peer, Persist, Source, Timer, Work};
use super::executor::{self, Built};
use super::message::{CompactBlock, Message};
use super::{CONSENSUS, Core, DIVERGED_KEY, Deciding, RECORD_KEY, Stage, Then, body_key, height_context};

/// Of more blocks than these the effects are kept only while consensus holds the block.
const EXECUTED_MAX: usize = 8;

impl Core {
    /// Hands an event to the engine; what follows is queued behind the writes before it.
    pub(super) fn engine(&mut self, input: Input) {
        if self.halted.is_none() {
            let outputs = self.engine.handle(input, self.now_ms);
            self.enqueue(outputs);
        }
    }

    /// A message of the vote stream. A fault that it shows is its sender's, validator or not, and is told at once.
    pub(super) fn vote(&mut self, from: Peer, message: Vote) {
        if self.halted.is_some() {
            return;
        }
        let place = self.index_of(&from);
        // Also of one that is in no set known here: who was away while the set changed may know nobody else.
        self.sync.reports(from, message.height());
        let mut outputs = self.engine.handle(Input::Message { from: place, message }, self.now_ms);
        for output in &mut outputs {
            for action in output.then.extract_if(.., |action| matches!(action, Action::Misbehaviour { .. })) {
                if let Action::Misbehaviour { fault, .. } = action {
                    self.effects.push_back(Effect::Score(from, fault.to_string()));
                }
            }
        }
        self.enqueue(outputs);
    }

    pub(super) fn enqueue(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            let mut then: Vec<Then> = output.then.into_iter().map(|action| Then::Act(Box::new(action))).collect();
            if output.persist.is_some() {
                then.push(Then::Durable(output.seq));
            }
            let persist = output.persist.map(|write| self.persist(write));
            self.queue(persist, then);
        }
    }

    /// Queues a write and what waits for it.
    pub(super) fn queue(&mut self, persist: Option<Persist>, then: Vec<Then>) {
        if let Some((seq, persist)) = self.fifo.push(persist, then) {
            self.effect(Effect::Persist { seq, persist });
        }
    }

    fn persist(&mut self, write: Write) -> Persist {
        match write {
            Write::SignRecord(record) => Persist::SignRecord(record.encode()),
            Write::Database(content) => {
                let mut batch = Batch::default();
                batch.put(CONSENSUS, RECORD_KEY, codec::encode(&content.record));
                for block in &content.blocks {
                    let key = body_key(&block.id());
                    batch.put(CONSENSUS, key.clone(), codec::encode(&**block));
                    self.stored_bodies.push(key);
                }
                Persist::Batch(batch)
            }
        }
    }

    /// Releases everything whose writes are durable, until nothing more follows.
    pub(super) fn settle(&mut self) {
        while let Some(released) = self.fifo.release() {
            for then in released {
                match then {
                    Then::Act(action) => self.act(*action),
                    Then::Durable(seq) => self.engine(Input::Persisted(seq)),
                    Then::Committed { executed, source } => self.committed(&executed, source),
                    Then::Evidence(evidence) => self.evidence_kept(*evidence),
                    Then::PartWritten => self.part_written(),
                    Then::Restored => self.restored(),
                    Then::Swept => self.sweep(),
                }
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Broadcast(message) => self.broadcast(message),
            Action::SendTo(index, message) => {
                if let Some(peer) = self.peer_at(index) {
                    self.effect(Effect::Send(peer, Message::Consensus(message)));
                }
            }
            Action::ArmTimer { id, after_ms } => self.effect(Effect::Arm { timer: Timer::Consensus(id), after_ms }),
            // A height that was decided meanwhile needs no bodies.
            Action::FetchBlock { height, .. } if height != self.engine.height() => {}
            Action::FetchBlock { id, from, .. } => {
                let holders = from.into_iter().filter_map(|index| self.peer_at(index)).collect();
                self.want_body(id, holders);
            }
            Action::CheckBlock { parent, id, block, .. } => self.check_block(parent, id, block),
            Action::BuildBlock(demand) => self.build_block(demand),
            Action::Decide { block, certificate } => self.decide(block, certificate, Source::Consensus),
            Action::Cosign(cosigned) => self.cosign(cosigned),
            Action::PeerBehind { who, height } => {
                if let Some(peer) = self.peer_at(who) {
                    self.answer_behind(peer, height);
                }
            }
            Action::Behind { .. } => self.ask_for_blocks(),
            Action::AdvertiseRecords => self.advertise(),
            Action::Evidence(evidence) => self.evidence_found(*evidence),
            Action::Accusation(accusation) => self.accusation_found(*accusation),
            // Seen when the message came, by its sender; what was kept for a later height has none any more.
            Action::Misbehaviour { .. } => {}
            Action::Halt { reason } => {
                let why = match &reason {
                    HaltReason::Diverged { block, .. } => self.invalid.get(block),
                    HaltReason::ContradictsCosigned { .. } => return self.halt(reason.to_string()),
                };
                self.diverged(format!("{reason}: {}", why.map_or("its check is lost", String::as_str)));
            }
        }
    }

    fn broadcast(&mut self, message: Vote) {
        let body = match &message {
            Vote::Proposal(proposal) => self.engine.block(&proposal.subject.block),
            _ => None,
        };
        self.effect(Effect::Broadcast(Message::Consensus(message)));
        if let Some(block) = body
            && self.proposed != Some(block.id())
        {
            self.proposed = Some(block.id());
            let leaves =
                block.records.iter().map(|record| executor::Candidate::new(record.clone(), None).leaf).collect();
            self.effect(Effect::Broadcast(Message::Compact(CompactBlock { header: block.header.clone(), leaves })));
        }
    }

    fn check_block(&mut self, parent: BlockId, id: BlockId, block: Arc<Block>) {
        if self.executed.contains_key(&id) {
            let height = block.header.height;
            self.engine(Input::BlockChecked { height, parent, id, verdict: Verdict::Valid });
        } else {
            self.execute(block);
        }
    }

    fn execute(&mut self, block: Arc<Block>) {
        if self.executing.insert(block.id(), block.header.height).is_none() {
            self.effect(Effect::Work(Work::Execute { view: self.view.clone(), block }));
        }
    }

    pub(super) fn executed(&mut self, parent: BlockId, block: Arc<Block>, result: Result<Arc<Executed>, String>) {
        let id = block.id();
        self.executing.remove(&id);
        if parent != self.view.head_id() {
            return;
        }
        let height = block.header.height;
        let deciding =
            self.deciding.as_ref().is_some_and(|deciding| deciding.id == id && deciding.stage == Stage::Executing);
        match result {
            Ok(executed) => {
                self.keep_executed(id, executed);
                self.engine(Input::BlockChecked { height, parent, id, verdict: Verdict::Valid });
                if deciding {
                    self.commit_decided();
                }
            }
            Err(why) if deciding => self.diverged(format!(
                "block {id} at height {height} is certified by a quorum but invalid here: {why}. This node has diverged: \
                 keep its data for inspection and compare versions with the other validators"
            )),
            Err(why) => {
                self.invalid.retain(|id, _| self.engine.block(id).is_some());
                self.invalid.insert(id, why);
                self.engine(Input::BlockChecked { height, parent, id, verdict: Verdict::Invalid });
            }
        }
    }

    /// Stops for good: a restart does not make this database one of the chain's again.
    fn diverged(&mut self, reason: String) {
        let mut batch = Batch::default();
        batch.put(CONSENSUS, DIVERGED_KEY, reason.clone().into_bytes());
        self.queue(Some(Persist::Batch(batch)), Vec::new());
        self.halt(reason);
    }

    fn build_block(&mut self, demand: BlockDemand) {
        let limits = self.parameters.limits;
        let bytes = limits.bytes_max.saturating_add(limits.attachment_bytes_max) as usize;
        let candidates = self.mempool.oldest(limits.records_max as usize, bytes);
        let Some(proposer) = self.department() else { return };
        self.effect(Effect::Work(Work::Build { view: self.view.clone(), demand, proposer, candidates }));
    }

    pub(super) fn built(&mut self, demand: BlockDemand, built: Built) {
        if demand.parent != self.view.head_id() {
            return;
        }
        // What was refused behind other records of the block may still apply if another block is decided.
        if built.executed.as_ref().is_none_or(|executed| executed.block.records.is_empty()) {
            for (leaf, rejection) in &built.dropped {
                self.drop_record(leaf, rejection);
            }
        }
        let block = built.executed.map(|executed| {
            let block = executed.block.clone();
            self.keep_executed(block.id(), Arc::new(executed));
            self.bodies.keep(block.clone());
            block
        });
        self.engine(Input::BlockBuilt { height: demand.height, round: demand.round, parent: demand.parent, block });
        self.say_pending();
    }

    /// Keeps a block's effects until the height is decided. Of many, those that consensus has dropped are forgotten; they
    /// can be had again by executing.
    fn keep_executed(&mut self, id: BlockId, executed: Arc<Executed>) {
        if self.executed.len() >= EXECUTED_MAX {
            let deciding = self.deciding.as_ref().map(|deciding| deciding.id);
            self.executed.retain(|id, _| self.engine.block(id).is_some() || deciding == Some(*id));
        }
        self.executed.insert(id, executed);
    }

    /// A certified block: execute it if that was not done, then write it.
    pub(super) fn decide(&mut self, block: Arc<Block>, certificate: Certificate, source: Source) {
        let height = block.header.height;
        if height != self.view.head().height + 1 || self.deciding.is_some() || self.snapshots.is_switching() {
            return;
        }
        let id = block.id();
        self.deciding = Some(Deciding { id, certificate, source, stage: Stage::Executing });
        if self.executed.contains_key(&id) {
            self.commit_decided();
        } else {
            self.execute(block);
        }
    }

    fn commit_decided(&mut self) {
        let Some(deciding) = self.deciding.as_mut() else { return };
        let Some(executed) = self.executed.get(&deciding.id).cloned() else { return };
        deciding.stage = Stage::Writing;
        let (certificate, source) = (Box::new(deciding.certificate.clone()), deciding.source);
        let mut also = Batch::default();
        for key in self.stored_bodies.drain(..) {
            also.delete(CONSENSUS, key);
        }
        let then = vec![Then::Committed { executed: executed.clone(), source }];
        self.queue(Some(Persist::Commit { executed, certificate, also }), then);
    }

    /// The block is durable: it is the new head.
    fn committed(&mut self, executed: &Arc<Executed>, source: Source) {
        if !self.open_version() {
            return;
        }
        let block = &executed.block;
        self.effect(Effect::Log(Notice::Committed {
            height: block.header.height,
            id: block.id(),
            records: block.records.len(),
            source,
        }));
        self.evidence_committed(executed);
        let recorded: Vec<_> = (block.header.first_entry..)
            .zip(&block.records)
            .map(|(index, record)| {
                let id = record.id();
                let (height, timestamp_ms) = (block.header.height, block.header.timestamp_ms);
                (id, Answer::Recorded { id, index, height, timestamp_ms })
            })
            .collect();
        self.enter_next_height(&recorded);
    }

    /// Takes up the version of the ledger that was just written.
    pub(super) fn open_version(&mut self) -> bool {
        self.deciding = None;
        self.executed.clear();
        self.invalid.clear();
        let opened = self.ledger.view().map_err(Into::into).and_then(|view| {
            let next = executor::next_validators(&view)?;
            if next != self.validators {
                self.former_validators = std::mem::replace(&mut self.validators, next);
            }
            self.view = view;
            self.open_head()
        });
        if let Err(error) = opened {
            self.halt(error.to_string());
            return false;
        }
        true
    }

    /// Goes on above the new head, which recorded `recorded`.
    pub(super) fn enter_next_height(&mut self, recorded: &[(Hash, Answer)]) {
        let height = self.view.head().height;
        self.sync.passed(height);
        self.bodies.prune(height + 1);
        let knowledge = self.next_knowledge();
        match height_context(&self.view, &self.validators, knowledge) {
            Ok(context) => self.engine(Input::NewHeight(context)),
            Err(error) => self.halt(error.to_string()),
        }
        self.settle_mempool(recorded);
        self.say_pending();
        self.note_pace();
        self.snapshot_passed();
        // What was fetched behind this block is taken, or found to be worthless.
        self.take_decided();
        self.ask_for_blocks();
    }
}
