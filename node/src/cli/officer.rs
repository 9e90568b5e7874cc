//! Officers' keys in a network's folder, and signing with them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dalil_contracts::Invocation;
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};

use super::testnet::NetworkFile;
use crate::shell::home::read_seed;

/// How long a record may wait for its block before it lapses, in milliseconds.
pub(crate) const EXPIRES_AFTER_MS: u64 = 10 * 60_000;

/// The key file of the officer who holds a posting in a network's folder.
pub(crate) fn key_file(folder: &Path, network: &NetworkFile, posting: &str) -> anyhow::Result<PathBuf> {
    let officer =
        network.postings.get(posting).with_context(|| format!("there is no posting {posting} in network.json"))?;
    Ok(folder.join("officers").join(format!("{officer}.seed")))
}

/// The key of the officer who holds a posting.
pub(crate) fn key_of(folder: &Path, network: &NetworkFile, posting: &str) -> anyhow::Result<SecretKey> {
    read_seed(&key_file(folder, network, posting)?)
}

/// Signs a call. `now_ms` is max(own clock, the head's time), so that a clock behind the chain's still signs well.
pub(crate) fn sign(
    invocation: &Invocation,
    key: &SecretKey,
    chain: Hash,
    now_ms: u64,
) -> anyhow::Result<SignedTransaction> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let body = TransactionBody {
        chain,
        signer: key.public(),
        expires_at_ms: now_ms.saturating_add(EXPIRES_AFTER_MS),
        salt,
        call: invocation.encode(),
    };
    Ok(body.sign(key))
}
