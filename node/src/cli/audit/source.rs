//! A node as the auditor sees it: bytes behind a URL, bounded, and not believed.

use dalil_ledger::block::{Attachment, Height};
use dalil_ledger::checkpoint::NOTE_BYTES_MAX;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::Hash;
use dalil_ledger::genesis::{GENESIS_BYTES_MAX, Genesis};
use dalil_ledger::log::tile::{TILE_WIDTH, Tile};
use dalil_ledger::validators::Certificate;
use serde::Deserialize;

use super::finding::{Finding, Kind};
use crate::cli::client::{Client, ClientError};

/// The longest bundle of entries, in bytes: as many as a tile is wide, each with its length.
const BUNDLE_BYTES_MAX: usize = TILE_WIDTH as usize * (65_535 + 2);
/// The longest tile of hashes, in bytes.
const HASH_TILE_BYTES_MAX: usize = TILE_WIDTH as usize * 32;
/// The longest JSON of a block, in bytes: its records' ids and a certificate.
const BLOCK_JSON_BYTES_MAX: usize = 4 << 20;

/// A node.
pub(super) struct Source {
    client: Client,
}

/// What of a block's JSON is needed: what decided it.
#[derive(Deserialize)]
struct ShownBlock {
    certificate: Option<Certificate>,
}

impl Source {
    /// The node at `url`.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { client: Client::new(url)? })
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        self.client.base()
    }

    /// The published checkpoint.
    pub(super) async fn checkpoint(&self) -> Result<Vec<u8>, Finding> {
        self.get("/checkpoint", NOTE_BYTES_MAX).await
    }

    /// The genesis of its chain.
    pub(super) async fn genesis(&self) -> Result<Genesis, Finding> {
        let bytes = self.get("/genesis", GENESIS_BYTES_MAX).await?;
        codec::decode(&bytes, GENESIS_BYTES_MAX).map_err(|error| self.nonsense("/genesis", &error))
    }

    /// The bytes of a tile.
    pub(super) async fn tile(&self, tile: &Tile) -> Result<Vec<u8>, Finding> {
        self.get(&format!("/{tile}"), BUNDLE_BYTES_MAX.max(HASH_TILE_BYTES_MAX)).await
    }

    /// The leaf list with this root.
    pub(super) async fn attachment(&self, root: &Hash) -> Result<Attachment, Finding> {
        let path = format!("/v1/attachments/{root}");
        let bytes = self.get(&path, CANONICAL_BYTES_MAX).await?;
        let list: Attachment =
            codec::decode(&bytes, CANONICAL_BYTES_MAX).map_err(|error| self.nonsense(&path, &error))?;
        if list.root() == *root { Ok(list) } else { Err(self.nonsense(&path, &"a leaf list of another root")) }
    }

    /// What decided the block at `height`.
    pub(super) async fn certificate(&self, height: Height) -> Result<Certificate, Finding> {
        let path = format!("/v1/blocks/{height}");
        let bytes = self.get(&path, BLOCK_JSON_BYTES_MAX).await?;
        let shown: ShownBlock = serde_json::from_slice(&bytes).map_err(|error| self.nonsense(&path, &error))?;
        shown.certificate.ok_or_else(|| self.nonsense(&path, &"a block without a certificate"))
    }

    fn nonsense(&self, path: &str, what: &dyn std::fmt::Display) -> Finding {
        Finding::new(self.url(), Kind::Unreachable, format!("{path}: {what}"))
    }

    async fn get(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, Finding> {
        self.client.get_patiently(path, bytes_max).await.map_err(|error| match error {
            ClientError::Problem(problem) if problem.code == "not_held" => {
                Finding::new(self.url(), Kind::NotHeld, problem.detail)
            }
            ClientError::Problem(problem) => self.nonsense(path, &format!("{}: {}", problem.status, problem.detail)),
            ClientError::Unreachable(_, why) => self.nonsense(path, &why),
            ClientError::TooLong(_, bytes_max) => self.nonsense(path, &format!("more than {bytes_max} bytes")),
        })
    }
}
