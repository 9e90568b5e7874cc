//! Signing calls: what officers' tools and the gateway share.

use dalil_contracts::Invocation;
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};

/// Bytes of the operating system's randomness.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}

/// Signs a call for the chain `chain`, to lapse at `expires_at_ms` of block time. A random salt makes each signing a
/// transaction of its own.
pub fn sign(
    invocation: &Invocation,
    key: &SecretKey,
    chain: Hash,
    expires_at_ms: u64,
) -> anyhow::Result<SignedTransaction> {
    let body =
        TransactionBody { chain, signer: key.public(), expires_at_ms, salt: random()?, call: invocation.encode() };
    Ok(body.sign(key))
}
