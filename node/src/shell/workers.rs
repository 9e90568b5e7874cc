//! Slow work on threads: signatures and execution, on immutable views.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use dalil_ledger::crypto::Hash;
use dalil_ledger::genesis::Parameters;
use dalil_ledger::snapshot::{ChunkError, OfferError, sweep};
use dalil_ledger::state::ReadCache;
use dalil_ledger::store::LedgerView;
use dalil_ledger::transaction::SignedTransaction;

use crate::core::event::{Claim, Proven};
use crate::core::executor::{self, Candidate, ExecutionError, Rejection, Signatures};
use crate::core::snapshot::SWEPT_AT_ONCE;
use crate::core::{Done, Peer, Work, serve};

/// Entries in one generation of one shard of the cache.
const GENERATION_MAX: usize = 8_192;
/// Shards of the cache, so that workers seldom wait for one another.
const SHARDS: usize = 16;
/// Fewer records than this are checked on one thread.
const PARALLEL_MIN: usize = 32;

/// Remembers which entries had a good signature, by leaf hash. Positive only and bounded: two generations, the older one
/// forgotten whole.
pub struct SignatureCache {
    shards: [Mutex<Generations>; SHARDS],
    threads: usize,
}

impl Default for SignatureCache {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { shards: Default::default(), threads }
    }
}

#[derive(Default)]
struct Generations {
    young: HashSet<Hash>,
    old: HashSet<Hash>,
}

impl SignatureCache {
    fn shard(&self, leaf: &Hash) -> std::sync::MutexGuard<'_, Generations> {
        let shard = usize::from(leaf.0[0]) % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn knows(&self, leaf: &Hash) -> bool {
        let shard = self.shard(leaf);
        shard.young.contains(leaf) || shard.old.contains(leaf)
    }

    fn learn(&self, leaf: Hash) {
        let mut shard = self.shard(&leaf);
        if shard.young.len() >= GENERATION_MAX {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(leaf);
    }
}

impl Signatures for SignatureCache {
    fn verify(&self, leaf: &Hash, record: &SignedTransaction) -> bool {
        if self.knows(leaf) {
            return true;
        }
        let good = record.verify_signature().is_ok();
        if good {
            self.learn(*leaf);
        }
        good
    }

    /// Fills the cache on all cores; the verdicts are asked for later, one by one.
    fn prepare(&self, candidates: &[Candidate]) {
        if candidates.len() < PARALLEL_MIN || self.threads < 2 {
            return;
        }
        let share = candidates.len().div_ceil(self.threads);
        std::thread::scope(|scope| {
            for part in candidates.chunks(share) {
                scope.spawn(move || {
                    for candidate in part {
                        self.verify(&candidate.leaf, &candidate.record);
                    }
                });
            }
        });
    }
}

/// Does the core's work.
pub struct Workers {
    parameters: Parameters,
    signatures: SignatureCache,
}

impl Workers {
    /// Workers for a chain with these parameters.
    pub fn new(parameters: Parameters) -> Arc<Self> {
        Arc::new(Self { parameters, signatures: SignatureCache::default() })
    }

    /// Does one piece of work; blocks the calling thread.
    pub fn run(&self, work: Work) -> Done {
        self.try_run(work).unwrap_or_else(Done::Failed)
    }

    fn try_run(&self, work: Work) -> Result<Done, ExecutionError> {
        match work {
            Work::Admit { view, time_ms, candidates } => {
                self.signatures.prepare(&candidates);
                let reads = ReadCache::new(&view);
                let judge = |candidate: Candidate| {
                    let verdict = self.judge(&view, &reads, time_ms, &candidate)?;
                    Ok((candidate, verdict))
                };
                Ok(Done::Admitted(candidates.into_iter().map(judge).collect::<Result<_, ExecutionError>>()?))
            }
            Work::Recheck { view, time_ms, candidates } => {
                let mut dropped = Vec::new();
                let reads = ReadCache::new(&view);
                for candidate in candidates {
                    if let Err(rejection) = self.judge(&view, &reads, time_ms, &candidate)? {
                        dropped.push((candidate.leaf, rejection));
                    }
                }
                Ok(Done::Rechecked { parent: view.head_id(), dropped })
            }
            Work::Build { view, demand, proposer, candidates } => {
                let built = executor::build(
                    &view,
                    self.parameters,
                    demand.timestamp_ms,
                    proposer,
                    &candidates,
                    &self.signatures,
                    demand.empty,
                )?;
                Ok(Done::Built { demand, built })
            }
            Work::Execute { view, block } => {
                let parent = view.head_id();
                let result = match executor::execute(&view, self.parameters, &block, &self.signatures) {
                    Ok(executed) => Ok(Arc::new(executed)),
                    Err(ExecutionError::Invalid(why)) => Err(why),
                    Err(other) => return Err(other),
                };
                Ok(Done::Executed { parent, block, result })
            }
            Work::Serve { to, view, request } => {
                Ok(Done::Served { to, message: serve::answer(&view, &request)?.map(Box::new) })
            }
            Work::Check { from, claim } => check(from, *claim),
            Work::Sweep { view, restoring } => Ok(Done::Swept(sweep(&view, restoring, SWEPT_AT_ONCE)?)),
        }
    }

    fn judge(
        &self,
        view: &LedgerView,
        reads: &ReadCache<'_>,
        time_ms: u64,
        candidate: &Candidate,
    ) -> Result<Result<(), Rejection>, ExecutionError> {
        let verdict = executor::dry_run(view, reads, self.parameters, time_ms, candidate, &self.signatures)?;
        Ok(verdict.map(|_outcome| ()))
    }
}

/// Checks something of a snapshot. What is wrong with it is the sender's fault, unless this node cannot tell.
fn check(from: Peer, claim: Claim) -> Result<Done, ExecutionError> {
    let (snapshot, result) = match claim {
        Claim::Offer(offer, known) => {
            let result = match offer.verify(&known) {
                Ok(_) => Ok(Some(Proven::Offer(offer))),
                // The sets between may have changed in a way that this node did not hear of.
                Err(OfferError::Validators { .. }) => Ok(None),
                Err(error) => Err(format!("snapshot: {error}")),
            };
            (None, result)
        }
        Claim::Chunk { snapshot, prefix, chunk, expected } => {
            let result = match chunk.check(&prefix, &expected) {
                Ok(checked) => Ok(Some(Proven::Chunk(prefix, checked))),
                Err(ChunkError::State(error)) => return Err(error.into()),
                Err(error) => Err(format!("chunk of a snapshot: {error}")),
            };
            (Some(snapshot), result)
        }
        Claim::Window { snapshot, blocks, above } => {
            let result = above.check(&blocks).map(|known| Some(Proven::Window(blocks, known)));
            (Some(snapshot), result.map_err(|error| format!("window of a snapshot: {error}")))
        }
    };
    Ok(Done::Checked { from, snapshot, result: result.map(|proven| proven.map(Box::new)) })
}
