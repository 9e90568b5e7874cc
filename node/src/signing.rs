//! Signing calls: what officers' tools and the gateway share.

use dalil_contracts::Invocation;
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};

/// Signs a call for the chain `chain`, to lapse at `expires_at_ms` of block time. A random salt makes each signing a
/// transaction of its own.
pub fn sign(
    invocation: &Invocation,
    key: &SecretKey,
    chain: Hash,
    expires_at_ms: u64,
) -> anyhow::Result<SignedTransaction> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let body = TransactionBody { chain, signer: key.public(), expires_at_ms, salt, call: invocation.encode() };
    Ok(body.sign(key))
}
