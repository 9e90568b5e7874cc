//! What happened last, in one line each: kept only when a run is repeated to be read.

use std::collections::VecDeque;

use dalil_consensus::Message as Vote;
use dalil_ledger::block::BlockId;
use dalil_ledger::validators::VoteKind;
use dalil_node::core::{Message, Persist};

/// How much is shown of a message without words of its own.
const DEBUG_CHARACTERS_MAX: usize = 60;

pub struct Trace {
    lines: VecDeque<String>,
    lines_max: usize,
}

impl Trace {
    /// Keeps the last so many lines.
    pub fn keeping(lines_max: usize) -> Self {
        Self { lines: VecDeque::new(), lines_max }
    }

    pub fn line(&mut self, at_ms: u64, what: &str) {
        if self.lines.len() == self.lines_max {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{:>7}.{:03} {what}", at_ms / 1_000, at_ms % 1_000));
    }

    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

fn short(id: &BlockId) -> String {
    id.to_string()[..6].to_owned()
}

fn of(block: &Option<BlockId>) -> String {
    block.as_ref().map_or("nil".to_owned(), short)
}

pub fn message(message: &Message) -> String {
    let vote = |kind| match kind {
        VoteKind::Prevote => "prevote",
        VoteKind::Precommit => "precommit",
    };
    match message {
        Message::Consensus(Vote::Proposal(it)) => {
            let subject = &it.subject;
            let again = subject.valid_round.map_or(String::new(), |round| format!(" again, of round {round}"));
            format!("proposal h{} r{} {} by {}{again}", subject.height, subject.round, short(&subject.block), it.signer)
        }
        Message::Consensus(Vote::Vote(it)) => {
            let subject = &it.subject;
            format!("{} h{} r{} {} by {}", vote(it.kind), subject.height, subject.round, of(&subject.block), it.signer)
        }
        Message::Consensus(Vote::Certificate(it)) => {
            let subject = &it.subject;
            let (kind, block) = (vote(it.kind), of(&subject.block));
            format!("certificate {kind} h{} r{} {block} by {:b}", subject.height, subject.round, it.signers)
        }
        Message::Consensus(Vote::Status(it)) => format!("status h{} r{}", it.height, it.round),
        Message::Cosignature(it) => format!("cosignature of {} by {} at {}", it.size, it.signer, it.time_s),
        Message::Advertise(leaves) => format!("has {} records", leaves.len()),
        Message::FetchRecords(leaves) => format!("asks for {} records", leaves.len()),
        Message::Records(records) => format!("{} records", records.len()),
        Message::Compact(it) => format!("compact h{} {}", it.header.height, short(&it.header.id())),
        Message::Block(it) => format!("block h{} {}", it.header.height, short(&it.id())),
        Message::Decided(blocks) => format!("{} decided blocks", blocks.len()),
        other => format!("{other:?}").chars().take(DEBUG_CHARACTERS_MAX).collect(),
    }
}

pub fn persist(persist: &Persist) -> String {
    match persist {
        Persist::SignRecord(_) => "writes the sign record".to_owned(),
        Persist::Batch(_) => "writes a batch".to_owned(),
        Persist::Commit { executed, .. } => {
            format!("writes block h{} {}", executed.block.header.height, short(&executed.block.id()))
        }
    }
}
