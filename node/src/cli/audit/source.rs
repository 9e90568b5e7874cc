//! A node as the auditor sees it: bytes behind a URL, bounded, and not believed.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use dalil_ledger::block::{Attachment, Height};
use dalil_ledger::checkpoint::NOTE_BYTES_MAX;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::Hash;
use dalil_ledger::genesis::{GENESIS_BYTES_MAX, Genesis};
use dalil_ledger::log::tile::{TILE_WIDTH, Tile};
use dalil_ledger::validators::Certificate;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::finding::{Finding, Kind};
use crate::shell::http::Problem;

/// How long a node may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a node may say that it is asked too often.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest bundle of entries, in bytes: as many as a tile is wide, each with its length.
const BUNDLE_BYTES_MAX: usize = TILE_WIDTH as usize * (65_535 + 2);
/// The longest tile of hashes, in bytes.
const HASH_TILE_BYTES_MAX: usize = TILE_WIDTH as usize * 32;
/// The longest JSON of a block, in bytes: its records' ids and a certificate.
const BLOCK_JSON_BYTES_MAX: usize = 4 << 20;
/// The longest problem document that is read, in bytes.
const PROBLEM_BYTES_MAX: usize = 16 << 10;

/// A node.
pub(super) struct Source {
    url: String,
    http: reqwest::Client,
}

/// What of a block's JSON is needed: what decided it.
#[derive(Deserialize)]
struct ShownBlock {
    certificate: Option<Certificate>,
}

impl Source {
    /// The node at `url`.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().context("HTTP client")?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), http })
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.url
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
        Finding::new(&self.url, Kind::Unreachable, format!("{path}: {what}"))
    }

    /// A node that says it is asked too often is asked again when it says so, for a while.
    async fn get(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, Finding> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let response = self.http.get(format!("{}{path}", self.url)).send().await;
            let response = response.map_err(|error| self.nonsense(path, &error.without_url()))?;
            let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let after = Duration::from_secs(after.unwrap_or(1).max(1));
            if response.status() == StatusCode::TOO_MANY_REQUESTS && Instant::now() + after < deadline {
                tokio::time::sleep(after).await;
                continue;
            }
            return self.read(path, response, bytes_max).await;
        }
    }

    async fn read(&self, path: &str, mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Finding> {
        let status = response.status();
        let bytes_max = if status.is_success() { bytes_max } else { PROBLEM_BYTES_MAX };
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.nonsense(path, &error.without_url()))? {
            if bytes.len() + chunk.len() > bytes_max {
                return Err(self.nonsense(path, &format!("more than {bytes_max} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(bytes);
        }
        Err(match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) if problem.code == "not_held" => Finding::new(&self.url, Kind::NotHeld, problem.detail),
            Ok(problem) => self.nonsense(path, &format!("{status}: {}", problem.detail)),
            Err(_) => self.nonsense(path, &status),
        })
    }
}
