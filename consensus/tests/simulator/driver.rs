//! The nodes' driver: carries outputs out, writes before it sends, and crashes between any two writes.

use std::sync::Arc;

use dalil_consensus::{Action, BlockDemand, EmptyBlocks, Event, HeightKnowledge, Message, Output, Verdict};
use dalil_ledger::block::Block;
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{Certificate, VoteKind};

use super::chain::{CHAIN, Head, build, decides, judge, records_of};
use super::world::{Happening, World};

impl World {
    pub fn clock_ms(&self, node: usize) -> u64 {
        self.now_ms + self.nodes[node].clock_offset_ms
    }

    pub fn start(&mut self, node: usize) {
        if self.nodes[node].engine.is_some() || Some(node) == self.equivocator {
            return;
        }
        let (set, now_ms) = (self.set.clone(), self.clock_ms(node));
        match self.nodes[node].start(&set, now_ms) {
            Ok(outputs) => {
                self.carry_out(node, outputs);
                self.feed_pending(node);
            }
            Err(error) => self.check(Err(format!("node {node} cannot start: {error}"))),
        }
    }

    pub fn crash(&mut self, node: usize) {
        self.nodes[node].crash();
    }

    pub fn feed(&mut self, node: usize, event: Event) {
        let now_ms = self.clock_ms(node);
        if let Some(engine) = &mut self.nodes[node].engine {
            let outputs = engine.handle(event, now_ms);
            self.carry_out(node, outputs);
        }
    }

    pub fn feed_pending(&mut self, node: usize) {
        let pending = !self.nodes[node].pool.is_empty();
        self.feed(node, Event::RecordsPending(pending));
    }

    pub fn carry_out(&mut self, node: usize, outputs: Vec<Output>) {
        self.nodes[node].fifo.extend(outputs);
        self.pump(node);
    }

    pub fn pump(&mut self, node: usize) {
        let (actions, write) = self.nodes[node].released(self.order);
        let life = self.nodes[node].life;
        if write.is_some() {
            let delay_ms = self.rng.between(0, self.weather.write_max_ms);
            self.at(delay_ms, Happening::Written { node, life });
        }
        self.act_all(node, life, actions);
    }

    pub fn act_all(&mut self, node: usize, life: u64, actions: Vec<Action>) {
        for action in actions {
            if self.is_alive(node, life) {
                self.act(node, action);
            }
        }
    }

    pub fn on_written(&mut self, node: usize) {
        let next = self.nodes[node].fifo.front().and_then(|output| output.persist.as_ref());
        if let (Some(crash), Some(persist)) = (&self.crash_before_write, next)
            && crash(node, persist)
        {
            return self.crash(node);
        }
        let crash = self.is_honest(node) && self.rng.chance(self.weather.crash_per_mille);
        if crash && self.rng.chance(500) {
            return self.crash_for_a_while(node);
        }
        let (actions, seq) = self.nodes[node].written();
        if crash {
            return self.crash_for_a_while(node);
        }
        let life = self.nodes[node].life;
        self.act_all(node, life, actions);
        if self.is_alive(node, life) {
            self.feed(node, Event::Persisted(seq));
            self.pump(node);
        }
    }

    pub fn crash_for_a_while(&mut self, node: usize) {
        self.crash(node);
        if Some(node) == self.rewound && self.rng.chance(500) {
            self.rewind(node);
        }
        let down_ms = self.rng.between(20, 1_500);
        self.at(down_ms, Happening::Start { node });
    }

    pub fn act(&mut self, node: usize, action: Action) {
        let life = self.nodes[node].life;
        match action {
            Action::Broadcast(message) => self.broadcast(node, &message),
            Action::SendTo(to, message) => {
                for to in self.nodes_of(to.0) {
                    self.send_message(node, to, &message);
                }
            }
            Action::ArmTimer { id, after_ms } => self.at(after_ms, Happening::Timer { node, life, id }),
            Action::FetchBlock { id, from, .. } => {
                let holder = self.rng.pick(&from).copied();
                for to in holder.map(|holder| self.nodes_of(holder.0)).unwrap_or_default() {
                    self.send(node, to, || Happening::Fetch { to, asker: node, id });
                }
            }
            Action::CheckBlock { height, parent, id, block } => {
                let head = self.nodes[node].disk.head();
                let verdict = match self.nodes[node].diverges {
                    true => Verdict::Invalid,
                    false => judge(&head, &self.nodes[node].disk.recorded(), &block),
                };
                let took_ms = self.rng.between(1, 10);
                self.at(took_ms, Happening::Checked { node, life, height, parent, id, verdict });
            }
            Action::BuildBlock(demand) => {
                let took_ms = self.rng.between(1, 10);
                self.at(took_ms, Happening::Built { node, life, demand });
            }
            Action::Decide { block, certificate } => {
                let height = block.header.height;
                let round = self.nodes[node].engine.as_ref().map_or(0, |engine| engine.round());
                if self.is_honest(node) {
                    let decided = self.oracle.decide(node, height, round, block.id(), certificate.subject.round);
                    self.check(decided);
                }
                self.nodes[node].committing = Some((block, certificate));
                let took_ms = self.rng.below(8);
                self.at(took_ms, Happening::Committed { node, life });
            }
            Action::Cosign(cosigned) => {
                let disk = &self.nodes[node].disk;
                let below = disk.chain.iter().position(|(block, _)| block.header.log_size() == cosigned.size);
                let height = below.map_or(1, |at| at as u64 + 2);
                if self.is_honest(node) {
                    let result = self.oracle.cosign(self.nodes[node].validator, height, cosigned);
                    self.check(result);
                }
            }
            Action::PeerBehind { who, height } => {
                if let Some(entry) = self.nodes[node].disk.block(height).cloned() {
                    for to in self.nodes_of(who.0) {
                        self.send(node, to, || Happening::Blocks { to, blocks: vec![entry.clone()] });
                    }
                }
            }
            Action::Behind { from, .. } => {
                let height = self.height(node) + 1;
                let helper = self.rng.pick(&from).copied();
                for to in helper.map(|helper| self.nodes_of(helper.0)).unwrap_or_default() {
                    self.send(node, to, || Happening::SyncAsk { to, asker: node, height });
                }
            }
            Action::AdvertiseRecords => {
                let numbers: Vec<_> = self.nodes[node].pool.iter().take(8).copied().collect();
                for to in 0..self.nodes.len() {
                    for number in numbers.iter().copied() {
                        self.send(node, to, || Happening::Record { to, number });
                    }
                }
            }
            Action::Evidence(evidence) => {
                let proven = evidence.verify(&CHAIN).map_err(|error| error.to_string());
                self.check(proven);
                let member = self.set.iter().position(|member| member.consensus == evidence.key);
                let signer = member.unwrap_or(usize::MAX);
                self.oracle.evidence.insert(signer);
                if !self.oracle.byzantine.contains(&signer) {
                    self.check(Err(format!("evidence against honest validator {signer}: {evidence:?}")));
                }
            }
            Action::Accusation(accusation) => {
                self.check(Err(format!("the lock rule was broken with one faulty validator: {accusation:?}")));
            }
            Action::Misbehaviour { from: Some(from), fault } if !self.oracle.byzantine.contains(&from.0) => {
                self.check(Err(format!("node {node} blames honest validator {}: {fault}", from.0)));
            }
            Action::Misbehaviour { .. } => {}
            Action::Halt { reason } if self.is_honest(node) => self.check(Err(format!("node {node} halts: {reason}"))),
            Action::Halt { .. } => drop(self.halted.insert(node)),
        }
    }

    pub fn broadcast(&mut self, node: usize, message: &Message) {
        let signer = match message {
            Message::Proposal(proposal) => Some(usize::from(proposal.signer)),
            Message::Vote(vote) => Some(usize::from(vote.signer)),
            _ => None,
        };
        if signer == Some(self.nodes[node].validator) {
            self.note_own(node, message);
        }
        for to in 0..self.nodes.len() {
            self.send_message(node, to, message);
        }
        if self.crash_after.as_ref().is_some_and(|crash| crash(node, message)) {
            self.crash(node);
        }
    }

    /// Shows the oracle what a key signed.
    pub fn note_own(&mut self, node: usize, message: &Message) {
        let sent = self.oracle.sent(message);
        self.check(sent);
        if let Message::Vote(vote) = message
            && vote.kind == VoteKind::Precommit
            && vote.subject.block.is_some()
        {
            let cosigned = self.oracle.head_was_cosigned(self.nodes[node].validator, vote.subject.height);
            self.check(cosigned);
        }
    }

    pub fn on_built(&mut self, node: usize, demand: BlockDemand) {
        let it = &self.nodes[node];
        let head = it.disk.head();
        let may = !it.pool.is_empty() || demand.empty == EmptyBlocks::Allowed;
        let block = (may && head.id == demand.parent)
            .then(|| build(&head, it.validator, demand.timestamp_ms, &it.pool, Hash::ZERO));
        let (height, round, parent) = (demand.height, demand.round, demand.parent);
        self.feed(node, Event::BlockBuilt { height, round, parent, block });
    }

    pub fn on_committed(&mut self, node: usize) {
        if let Some((block, certificate)) = self.nodes[node].committing.take() {
            self.commit(node, block, certificate, HeightKnowledge::Open);
        }
    }

    pub fn commit(&mut self, node: usize, block: Arc<Block>, certificate: Certificate, knowledge: HeightKnowledge) {
        let head = self.nodes[node].disk.head();
        if !decides(&self.set, &head, &block, &certificate) {
            return;
        }
        let crash = self.is_honest(node) && self.rng.chance(self.weather.crash_per_mille);
        if crash && self.rng.chance(500) {
            return self.crash_for_a_while(node);
        }
        for number in records_of(&block) {
            self.nodes[node].pool.remove(&number);
        }
        self.nodes[node].disk.commit(Arc::clone(&block), certificate);
        if crash {
            return self.crash_for_a_while(node);
        }
        let context = Head::of(&block).context(&self.set, knowledge);
        self.feed(node, Event::NewHeight(context));
        self.feed_pending(node);
    }

    pub fn on_blocks(&mut self, node: usize, blocks: &[(Arc<Block>, Certificate)]) {
        for (at, (block, certificate)) in blocks.iter().enumerate() {
            let head = self.nodes[node].disk.head();
            let valid = judge(&head, &self.nodes[node].disk.recorded(), block) == Verdict::Valid;
            if self.nodes[node].engine.is_none() || !valid || !decides(&self.set, &head, block, certificate) {
                continue;
            }
            if self.is_honest(node) {
                let round = certificate.subject.round;
                let decided = self.oracle.decide(node, block.header.height, round, block.id(), round);
                self.check(decided);
            }
            let last = at + 1 == blocks.len();
            let knowledge = if last { HeightKnowledge::Open } else { HeightKnowledge::Decided };
            self.commit(node, Arc::clone(block), certificate.clone(), knowledge);
        }
    }
}
