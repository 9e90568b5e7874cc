//! Officers' keys, in files of their own or in a network's folder, and signing with them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use dalil_contracts::Invocation;
use dalil_contracts::authority::PostingId;
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::transaction::SignedTransaction;
use serde::Deserialize;

use super::client::{Client, URL_DEFAULT};
use super::testnet::NetworkFile;
use crate::shell::home::read_seed;

/// Who signs, and which node it goes to.
#[derive(Args)]
pub(crate) struct Signer {
    /// The posting under which the officer acts.
    #[arg(long)]
    pub(crate) posting: Option<PostingId>,
    /// The officer's key file.
    #[arg(long, value_name = "FILE", required_unless_present = "testnet", conflicts_with = "testnet")]
    key: Option<PathBuf>,
    /// A network's folder made by `dalil testnet generate`, which has the keys of all officers.
    #[arg(long, value_name = "FOLDER")]
    testnet: Option<PathBuf>,
    /// The node to hand it to; with --testnet the network's first, else http://127.0.0.1:8080.
    #[arg(long)]
    url: Option<String>,
}

/// What of a node's status a signer needs.
#[derive(Deserialize)]
pub(crate) struct ChainStatus {
    pub(crate) chain: Hash,
    pub(crate) head_time_ms: u64,
}

impl Signer {
    fn network(&self) -> anyhow::Result<Option<NetworkFile>> {
        self.testnet.as_deref().map(NetworkFile::read).transpose()
    }

    /// The node that records go to.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let network = self.network()?;
        let of_network = network.as_ref().and_then(|network| network.nodes.first()).map(|node| node.url.as_str());
        Client::new(self.url.as_deref().or(of_network).unwrap_or(URL_DEFAULT))
    }

    /// The key of the officer who holds `posting`.
    pub(crate) fn key(&self, posting: &PostingId) -> anyhow::Result<SecretKey> {
        match (&self.key, &self.testnet, self.network()?) {
            (Some(file), _, _) => read_seed(file),
            (None, Some(folder), Some(network)) => key_of(folder, &network, posting.as_str()),
            _ => bail!("give the officer's key with --key, or a network's folder with --testnet"),
        }
    }

    /// The chain of the node, which must be the one of the network's folder.
    pub(crate) async fn chain(&self, client: &Client) -> anyhow::Result<ChainStatus> {
        let status: ChainStatus = client.get_json("/v1/status", &[]).await?;
        if let Some(network) = self.network()?.filter(|network| network.chain != status.chain) {
            bail!("the node is of chain {}, the network's folder is of {}", status.chain, network.chain);
        }
        Ok(status)
    }
}

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
    crate::signing::sign(invocation, key, chain, now_ms.saturating_add(EXPIRES_AFTER_MS))
}
