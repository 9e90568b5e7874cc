//! How the validators agree on the next block: Tendermint as a sans-IO state machine.
//!
//! The node's driver calls this crate; it calls nobody. It reads no clock, opens no file, holds no thread and draws no
//! random number: time comes in with each event, writes and messages go out as [`Output`]s. What the driver must do
//! stands in *The contract with the driver* below.
//!
//! The algorithm is Algorithm 1 of "The latest gossip on BFT consensus" (arXiv 1807.04938; L22 is its line 22), one
//! instance a height. ★ marks what goes beyond the paper.
//!
//! # Numbers
//!
//! n validators of weight 1, f = ⌊(n−1)/3⌋, quorum q = n − f (never 2f+1: for n = 50 two quorums of 33 may meet in
//! faulty members only). proposer(h, r) = set(h)[(h + r) mod n].
//!
//! # Messages
//!
//! [`Proposal`]`(h, r, id, vr)` with a polka if vr ≥ 0, prevote and precommit `(h, r, id | nil)`, three certificates
//! (polka: q prevotes for one id; commit: q precommits for one id; nil: q nil precommits) and an unsigned [`Status`].
//! A block's body is no message: the driver moves it, and the engine asks for it by id.
//!
//! # Two kinds of validity
//!
//! *valid(b)* is the driver's verdict ([`Action::CheckBlock`]); it depends on neither clock nor round, so it is the same
//! on every honest node for ever. *timely(b)* is judged here, once, for a fresh proposal: right proposer, a time within
//! [now − (T_propose(r) + drift), now + drift] of the receipt or parent's + 1 ms while the parent's time is ahead of now,
//! and not empty in round 0. A block invalid under a polka or commit certificate means that this node has diverged: it
//! halts ([`HaltReason::Diverged`]) and never votes again.
//!
//! # Rules
//!
//! Rules are conditions, evaluated again after every change until none fires (`engine/rules.rs`).
//!
//! 1. **StartRound** (L11). The proposer proposes `valid` again with its polka ★, or asks for a block. T_propose is
//!    armed; ★ it counts as fired at once where nothing authenticated came from this proposer in the last n heights
//!    while a quorum was heard. Safe: a nil prevote always is.
//! 2. **Fresh proposal** (L22): prevote id if valid, timely, and unlocked or locked on it; else nil.
//! 3. **Re-proposal** (L28): prevote id if valid and locked.r ≤ vr or locked on it; else nil.
//! 4. **q prevotes of any kind** (L34) in step prevote: arm T_prevote.
//! 5. **Polka for a valid block at r** (L36): up to step prevote set locked and valid, persist, broadcast the polka ★,
//!    precommit; in step precommit set valid only.
//! 6. ★ **Polka of a round between valid.r and r for a valid block:** set valid, never locked. Closes the hidden lock.
//! 7. **q nil prevotes** (L44): precommit nil.
//! 8. **q precommits of any kind** (L47): arm T_precommit. ★ A nil certificate of r is broadcast and starts r + 1, at
//!    once, or after T_precommit where r − 1 ended by one too.
//! 9. **Commit certificate and valid block** of any round (L49): decide.
//! 10. **Round catch-up** (L55): r' = the (f+1)-th highest round over validators; r' > r starts it.
//! 11. **Timeouts** (L57, L61, L65), linear with a cap.
//! 12. ★ **Rebroadcast**, idle too: votes of r and r − 1, own proposal, certificates, a status.
//! 13. **Evidence:** two statements of one key at one (kind, h, r), also of a height just left (`engine/past.rs`); and two
//!     certificates that only a broken lock rule can have brought about accuse those who signed both.
//! 14. ★ **Idle:** in round 0 nothing is armed or fired until a record is pending, a valid proposal is here, or f+1
//!     validators voted at this height. A proposer of a round ≥ 1 may propose an empty block, so a height that started
//!     can end.
//!
//! A height that ended is listened to for evidence a little longer: at most one of two contradictory statements is for the
//! decided block, so each node says once more what it heard against it, and whoever holds the other half reports. Such
//! messages count for nothing else.
//!
//! A verified certificate counts for its signers as their votes, even where a different vote of a signer is held (the
//! pair is evidence). Of round r' > r it starts r' first.
//!
//! ## Deviations from the paper, and why they are safe
//!
//! - *Rule 5 fires in step propose too* (the paper: step prevote). A polka may come before the proposal. A lock and a
//!   precommit rest on the polka, not on the own prevote, and after its precommit a node no longer prevotes in that round:
//!   the sign record refuses a lower position. Nobody misses the prevote, since the polka is broadcast and counts for its
//!   signers. Rule 7 keeps the paper's step: there is no certificate of nil prevotes, and a node that skipped its own
//!   could leave the others one short for ever.
//! - *Rule 5 needs the polka and the valid block, not the proposal message.* The polka names the id; the proposal adds
//!   nothing that a lock depends on.
//! - *Rule 6.* `valid` decides only what a proposer proposes, which may be anything.
//! - *Nil certificate.* q nil precommits at r leave n − q = f validators that could have precommitted a block at r, and
//!   q − f > f honest ones that did not: nothing can be decided at r, so leaving it early loses nothing.
//! - *Own votes count once durable.* A vote is a message from oneself that arrives a little later.
//! - *While a signature is being made durable no rule fires.* Asynchrony allows any delay.
//! - *Signing may be off* ([`Standing`]): a silent validator is a crashed one, of which the algorithm bears f.
//!
//! # Persist, then send
//!
//! A vote leaves after two writes: first one database batch ([`Batch`]: locked, valid, polka, the blocks' bodies and
//! {counter, statement} of the coming signature), then the [`SignRecord`], then it is sent; one signature at a time. A
//! crash between the two leaves a lock without its precommit, which is harmless; the other order could leave a precommit
//! without its lock, which forks the chain.
//!
//! # Cosigning
//!
//! Entering height h, the engine records (size, root, time) of head h − 1 in the sign record and emits
//! [`Action::Cosign`]; a non-nil precommit at h is held back until that is done. [`Engine::cosign`] does it again, only
//! while neither a lock nor a non-nil precommit at h is held. So a quorum that decided h and a quorum that says "h − 1 is
//! my head now" share an honest node that said them in that order.
//!
//! # The contract with the driver
//!
//! - Outputs of all calls form one FIFO in the order returned, numbered by [`Output::seq`]. Carry out the persists in
//!   order; release `then` of output k only when the persists of outputs 1…k are durable. After each durable persist
//!   hand in [`Event::Persisted`] with its seq. A failed write ends the process.
//! - A persisted batch replaces the consensus record; its bodies are added by id. They may be dropped once their height
//!   is decided and committed.
//! - Deliver a block's body ([`Event::Block`]) only if it matches its header's commitments (records root, ids,
//!   attachments). A wrong body under a right header is missing data, not an invalid block. Hand in the proposal message
//!   before its body.
//! - After [`Event::NewHeight`] say again with [`Event::RecordsPending`] whether a record is held that still applies.
//!   Records of a received block count as held.
//! - Feed no message before [`Engine::start`] returned (replay comes first), and answer [`Action::BuildBlock`] and
//!   [`Action::CheckBlock`] with the same height and parent.
//! - [`Action::Halt`] is final: log both roots, keep serving reads, sign nothing.

mod engine;
mod event;
mod evidence;
mod message;
mod output;
mod record;
mod sign_record;
mod tally;
mod timeouts;

pub use dalil_ledger::evidence::{Evidence, EvidenceError};
pub use dalil_ledger::statement::{Phase, Position, ProposalSubject, SignedStatement, Statement};
pub use engine::{Config, Engine, Signer, Standing};
pub use event::{Event, HeightContext, HeightKnowledge, TimerId, TimerKind, Verdict};
pub use evidence::{Accusation, accused_of_amnesia};
pub use message::{MESSAGE_BYTES_MAX, Message, Proposal, Status, Vote};
pub use output::{Action, Batch, BlockDemand, CosignRefused, EmptyBlocks, HaltReason, Output, PeerFault, Persist};
pub use record::{CONSENSUS_RECORD_BYTES_MAX, ConsensusRecord, Lock, PendingSignature, Restored, ValidBlock};
pub use sign_record::{
    Cosigned, Quarantine, SIGN_RECORD_BYTES_MAX, SignRecord, SignRecordError, SignRefused, StartError,
};
