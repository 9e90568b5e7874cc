//! The log cut into blocks, and every block run as a validator runs it.

use std::sync::Arc;

use anyhow::anyhow;
use dalil_contracts::Invocation;
use dalil_ledger::block::{Block, Entry, Header};
use dalil_ledger::genesis::Parameters;
use dalil_ledger::log::tile::{TILE_WIDTH, Tile, TileKind, parse_bundle};
use dalil_ledger::store::{Batch, Ledger, StoreError};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::Certificate;
use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;

use super::finding::{Finding, Kind};
use super::source::Source;
use crate::core::executor::{self, ExecutionError};
use crate::shell::workers::SignatureCache;

/// How many blocks' certificates and leaf lists are asked for at once.
const ASKED_AT_ONCE: usize = 8;

/// Why the log was not followed to its end.
pub(super) enum Stopped {
    /// The node's doing.
    Found(Finding),
    /// A quorum decided a block that does not follow the ledger: the block's header and certificate prove it.
    Forked(Finding, Box<(Header, Certificate)>),
    /// The auditor's own trouble: no verdict.
    Own(anyhow::Error),
}

impl From<Finding> for Stopped {
    fn from(finding: Finding) -> Self {
        Self::Found(finding)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Own(error.into())
    }
}

/// The auditor's own ledger.
pub(super) struct Replay {
    pub(super) ledger: Ledger,
    pub(super) parameters: Parameters,
    pub(super) signatures: SignatureCache,
}

/// A block as it stands in the log.
struct Cut {
    header: Header,
    records: Vec<SignedTransaction>,
}

impl Replay {
    /// Extends the ledger to `size` entries as `source` serves them. Each block that holds is kept, whatever comes later.
    pub(super) async fn extend(&self, source: &Source, size: u64, progress: &ProgressBar) -> Result<(), Stopped> {
        let mut next = self.ledger.view()?.log_size();
        let mut records = Vec::new();
        progress.set_length(size.saturating_sub(next));
        while next < size {
            let entries = self.entries(source, next, size).await?;
            next += entries.len() as u64;
            let blocks = self.cut(source, entries, &mut records)?;
            let mut whole = stream::iter(blocks).map(|cut| fetch_parts(source, cut)).buffered(ASKED_AT_ONCE);
            while let Some(parts) = whole.next().await {
                let (block, certificate) = parts?;
                let count = u64::from(block.header.record_count) + 1;
                tokio::task::block_in_place(|| self.run(source, block, &certificate))?;
                progress.inc(count);
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        let what = format!("the log of {size} entries ends within a block, {} records after a header", records.len());
        Err(Finding::new(source.url(), Kind::Invalid, what).into())
    }

    /// The entries from `next` on that lie in one bundle of a log of `size` entries.
    async fn entries(&self, source: &Source, next: u64, size: u64) -> Result<Vec<Entry>, Stopped> {
        let width = u64::from(TILE_WIDTH);
        let tile = Tile::at_size(TileKind::Entries, next / width, size);
        let tile = tile.ok_or_else(|| Stopped::Own(anyhow!("no bundle has entry {next} of {size}")))?;
        let bytes = source.tile(&tile).await?;
        let invalid = |index: u64, error: &dyn std::fmt::Display| {
            Finding::new(source.url(), Kind::Invalid, format!("entry {index}: {error}"))
        };
        let entries = parse_bundle(&bytes, tile.width()).map_err(|error| invalid(tile.first(), &error))?;
        let numbered = (tile.first()..).zip(entries).skip((next - tile.first()) as usize);
        let decode = |(index, bytes)| Entry::decode(bytes).map_err(|error| invalid(index, &error).into());
        numbered.map(decode).collect()
    }

    /// The blocks that these entries complete. Records of a block that goes on are left in `records`.
    fn cut(
        &self,
        source: &Source,
        entries: Vec<Entry>,
        records: &mut Vec<SignedTransaction>,
    ) -> Result<Vec<Cut>, Finding> {
        let records_max = self.parameters.limits.records_max as usize;
        let mut blocks = Vec::new();
        for entry in entries {
            match entry {
                Entry::Record(record) if records.len() < records_max => records.push(record),
                Entry::Record(_) => {
                    let what = format!("more than {records_max} records without a header");
                    return Err(Finding::new(source.url(), Kind::Invalid, what));
                }
                Entry::Header(header) => blocks.push(Cut { header, records: std::mem::take(records) }),
            }
        }
        Ok(blocks)
    }

    /// Checks who decided the block, runs it, and keeps it.
    fn run(&self, source: &Source, block: Block, certificate: &Certificate) -> Result<(), Stopped> {
        let view = self.ledger.view()?;
        let (height, id) = (block.header.height, block.id());
        let found =
            |kind, what: &dyn std::fmt::Display| Finding::new(source.url(), kind, format!("block {height}: {what}"));
        let deciders = executor::next_validators(&view)?;
        if !certificate.commits(height, &id) {
            return Err(found(Kind::Invalid, &"its certificate is of another block").into());
        }
        certificate.verify(&deciders, &view.head().chain).map_err(|error| found(Kind::Invalid, &error))?;
        if block.header.parent != view.head_id() {
            let what = format!("a quorum decided {id}, which does not follow {}", view.head_id());
            let proof = Box::new((block.header, certificate.clone()));
            return Err(Stopped::Forked(found(Kind::Fork, &what), proof));
        }
        match executor::execute(&view, self.parameters, &Arc::new(block), &self.signatures) {
            Ok(executed) => Ok(self.ledger.commit(&executed, Some(certificate), Batch::default())?),
            Err(ExecutionError::Invalid(what)) => Err(found(Kind::Invalid, &what).into()),
            Err(error @ (ExecutionError::Protocol { .. } | ExecutionError::Store(_) | ExecutionError::State(_))) => {
                Err(Stopped::Own(error.into()))
            }
        }
    }
}

/// What belongs to a block and does not stand in the log: its leaf lists, and the votes that decided it.
async fn fetch_parts(source: &Source, cut: Cut) -> Result<(Block, Certificate), Finding> {
    let Cut { header, records } = cut;
    let certificate = source.certificate(header.height).await?;
    let mut attachments = Vec::new();
    for record in &records {
        let named = Invocation::decode(&record.body.call).ok().and_then(|invocation| invocation.attachment_root());
        if let Some(root) = named {
            attachments.push(source.attachment(&root).await?);
        }
    }
    Ok((Block { header, records, attachments }, certificate))
}
