//! One round of an audit: the ledger is extended by what nodes serve, and everything they publish is held against it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use dalil_ledger::block::{Entry, Header, Height};
use dalil_ledger::checkpoint::{Checkpoint, Note, Pin, Policy};
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::log::tile::{TILE_LEVEL_MAX, TILE_WIDTH, Tile, TileKind};
use dalil_ledger::store::LedgerView;
use dalil_ledger::validators::{Certificate, ValidatorSet};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::Format;
use super::finding::{Finding, Kind};
use super::replay::{Replay, Stopped};
use super::source::Source;
use crate::core::executor::next_validators;
use crate::shell::clock::now_ms;
use crate::shell::database::open_ledger;
use crate::shell::home::{Home, HomeLock};
use crate::shell::workers::SignatureCache;

/// What a node showed last, kept from run to run.
const SEEN: &str = "seen.json";
/// Where the proofs of findings go.
const EVIDENCE: &str = "evidence";
/// Handovers read at once.
const HANDOVERS_AT_ONCE: usize = 64;

/// How an audit is to be made.
pub(super) struct Asked {
    /// The oldest checkpoint that passes, in milliseconds; none for the pin's limit.
    pub(super) age_max_ms: Option<u64>,
    /// Everything is compared again.
    pub(super) again: bool,
}

/// The auditor.
pub(super) struct Auditor {
    home: Home,
    _lock: HomeLock,
    genesis: Genesis,
    replay: Replay,
    pin: Pin,
    age_max_ms: u64,
    again: bool,
    seen: BTreeMap<String, Shown>,
}

/// A checkpoint that a node showed and that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) url: String,
    /// Entries.
    pub(super) size: u64,
    pub(super) root: Hash,
    /// The oldest time among its cosignatures, UTC milliseconds.
    pub(super) freshness_ms: u64,
    /// The note itself: two that contradict one another prove a fork to anybody.
    pub(super) note: String,
}

/// What a round came to.
#[derive(Debug, Serialize)]
pub(super) struct Round {
    /// Entries of the auditor's ledger.
    pub(super) size: u64,
    pub(super) height: Height,
    pub(super) head_time_ms: u64,
    /// Entries that were not known before the round.
    pub(super) new_entries: u64,
    /// What the nodes showed against which nothing was found.
    pub(super) clean: Vec<Shown>,
    pub(super) findings: Vec<Finding>,
}

impl Round {
    pub(super) fn exit_code(&self) -> u8 {
        match self.findings.iter().map(|finding| finding.kind.is_grave()).max() {
            None => 0,
            Some(true) => 1,
            Some(false) => 4,
        }
    }
}

impl Auditor {
    /// The auditor of the pin's chain, who keeps its ledger in `folder`. Genesis comes from any of the nodes: its id is the
    /// chain's.
    pub(super) async fn open(folder: &Path, pin: Pin, sources: &[Source], asked: Asked) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let home = Home::at(folder);
        let lock = home.lock()?;
        if !folder.join("genesis.bin").exists() {
            home.write_genesis(&find_genesis(sources, &pin.terms().chain).await?)?;
        }
        let genesis = home.genesis()?;
        if genesis.chain_id() != pin.terms().chain {
            bail!("{} holds an audit of chain {}, the pin is of another", folder.display(), genesis.chain_id());
        }
        let ledger = open_ledger(&home, &genesis)?;
        let seen = match std::fs::read(folder.join(SEEN)) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{SEEN} is damaged"))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).context(SEEN),
        };
        let replay = Replay { ledger, parameters: genesis.parameters, signatures: SignatureCache::default() };
        let age_max_ms = asked.age_max_ms.unwrap_or(pin.terms().absence_age_max_ms);
        Ok(Self { home, _lock: lock, genesis, replay, pin, age_max_ms, again: asked.again, seen })
    }

    /// Looks at every node once.
    pub(super) async fn round(&mut self, sources: &[Source], format: Format) -> anyhow::Result<Round> {
        let before = self.replay.ledger.view()?.log_size();
        let mut findings = Vec::new();
        let mut shown = Vec::new();
        for source in sources {
            match checkpoint_of(source).await {
                Ok((checkpoint, note)) => shown.push((source, checkpoint, note)),
                Err(finding) => findings.push(finding),
            }
        }
        // Whoever shows the longest log is followed first; the others are then held against it.
        shown.sort_by_key(|(_, checkpoint, _)| std::cmp::Reverse(checkpoint.size));
        for (source, checkpoint, _) in &shown {
            let progress = progress_of(source, format)?;
            match self.replay.extend(source, checkpoint.size, &progress).await {
                Ok(()) => {}
                Err(Stopped::Found(finding)) => findings.push(finding),
                Err(Stopped::Forked(finding, proof)) => {
                    let (header, certificate) = *proof;
                    let evidence = Some(self.keep_fork(&header, &certificate)?);
                    findings.push(Finding { evidence, ..finding });
                }
                Err(Stopped::Own(error)) => return Err(error.context("the auditor's own ledger")),
            }
            progress.finish_and_clear();
        }
        let view = self.replay.ledger.view()?;
        findings.extend(self.check_pin(&view)?);
        let mut clean = Vec::new();
        for (source, checkpoint, note) in &shown {
            match self.check(&view, source, checkpoint, note).await? {
                Ok(held) if findings.iter().all(|finding| finding.url != source.url()) => clean.push(held),
                Ok(_) => {}
                Err(finding) => findings.push(finding),
            }
        }
        for held in &clean {
            self.seen.insert(held.url.clone(), held.clone());
        }
        self.keep_seen()?;
        let head = view.head();
        Ok(Round {
            size: view.log_size(),
            height: head.height,
            head_time_ms: head.timestamp_ms,
            new_entries: view.log_size() - before,
            clean,
            findings,
        })
    }

    /// Holds what a node published against the ledger.
    async fn check(
        &self,
        view: &LedgerView,
        source: &Source,
        checkpoint: &Checkpoint,
        note: &str,
    ) -> anyhow::Result<Result<Shown, Finding>> {
        let found = |kind, what: String| Ok(Err(Finding::new(source.url(), kind, what)));
        let size = checkpoint.size;
        if size > view.log_size() {
            let what = format!("it shows {size} entries, of which {} could be followed", view.log_size());
            return found(Kind::Unreachable, what);
        }
        let Some(set) = self.cosigners_at(view, size)? else {
            return found(Kind::Invalid, format!("its checkpoint of {size} entries does not end with a header"));
        };
        let policy = Policy::of_set(self.pin.policy().origin(), &set)?;
        let endorsed = match policy.verify(note.as_bytes(), now_ms(), self.pin.terms().cosignature_skew_ms) {
            Ok(endorsed) => endorsed,
            Err(error) => return found(Kind::NotEndorsed, error.to_string()),
        };
        let root = view.log_root_at(size)?;
        if root != checkpoint.root {
            let what = format!("at {size} entries a quorum cosigned root {}, the log's is {root}", checkpoint.root);
            let evidence = Some(self.keep_note(note)?);
            return Ok(Err(Finding { evidence, ..Finding::new(source.url(), Kind::Fork, what) }));
        }
        let before = self.seen.get(source.url());
        if let Some(before) = before.filter(|before| before.size > size) {
            return found(Kind::WentBack, format!("{size} entries after {}", before.size));
        }
        let age_ms = now_ms().saturating_sub(endorsed.freshness_ms);
        if age_ms > self.age_max_ms {
            let what =
                format!("its checkpoint is {} s old, at most {} s pass", age_ms / 1_000, self.age_max_ms / 1_000);
            return found(Kind::Stale, what);
        }
        let compared = before.filter(|_| !self.again).map_or(0, |before| before.size);
        if let Err(finding) = check_tiles(view, source, compared, size).await? {
            return Ok(Err(finding));
        }
        let (url, freshness_ms) = (source.url().to_owned(), endorsed.freshness_ms);
        Ok(Ok(Shown { url, size, root, freshness_ms, note: note.to_owned() }))
    }

    /// The set that cosigns the log when it has `size` entries; none if that is no head.
    fn cosigners_at(&self, view: &LedgerView, size: u64) -> anyhow::Result<Option<ValidatorSet>> {
        let last = size.checked_sub(1).map(|last| view.entry(last)).transpose()?.flatten();
        let Some(Entry::Header(header)) = last else { return Ok(None) };
        let hash = header.next_validators_hash;
        let today = next_validators(view)?;
        for set in [today, self.genesis.validators.clone()] {
            if set.hash() == hash {
                return Ok(Some(set));
            }
        }
        let mut from = 0;
        loop {
            let handovers = view.handovers(from, HANDOVERS_AT_ONCE)?;
            let Some(last) = handovers.last() else { bail!("no handover leads to the validators {hash}") };
            from = last.header.height + 1;
            if let Some(handover) = handovers.into_iter().find(|handover| handover.next.hash() == hash) {
                return Ok(Some(handover.next));
            }
        }
    }

    /// The pin must name the validators that the chain itself names. Otherwise this is the history of others, however well
    /// it hangs together: keys of the past may have been stolen.
    fn check_pin(&self, view: &LedgerView) -> anyhow::Result<Option<Finding>> {
        let (from_height, expected) = (self.pin.terms().from_height, self.pin.validators().hash());
        let got = view.header(from_height.saturating_sub(1))?.map(|header| header.next_validators_hash);
        let what = match got {
            Some(got) if got == expected => return Ok(None),
            Some(got) => format!("from height {from_height} on the chain has {got}, the pin {expected}"),
            None => {
                format!("its validators decide from height {from_height} on, the nodes show {}", view.head().height)
            }
        };
        Ok(Some(Finding::new("the pin", Kind::OtherValidators, what)))
    }

    /// Keeps a note that contradicts the ledger, beside those that fit it.
    fn keep_note(&self, note: &str) -> anyhow::Result<PathBuf> {
        let fitting = self.seen.values().enumerate();
        let fitting = fitting.map(|(number, held)| (format!("fits-{number}.note"), held.note.clone().into_bytes()));
        self.keep_evidence(std::iter::once(("contradicts.note".to_owned(), note.into())).chain(fitting).collect())
    }

    /// Keeps a block that was decided and does not follow the ledger, and the decision on the ledger's own head.
    fn keep_fork(&self, header: &Header, certificate: &Certificate) -> anyhow::Result<PathBuf> {
        let view = self.replay.ledger.view()?;
        let mut files = vec![
            ("contradicts.header".to_owned(), codec::encode(header)),
            ("contradicts.certificate".to_owned(), codec::encode(certificate)),
            ("fits.header".to_owned(), codec::encode(view.head())),
        ];
        if let Some(own) = view.commit(view.head().height)? {
            files.push(("fits.certificate".to_owned(), codec::encode(&own)));
        }
        self.keep_evidence(files)
    }

    /// Writes files into a folder that is named by the first.
    fn keep_evidence(&self, files: Vec<(String, Vec<u8>)>) -> anyhow::Result<PathBuf> {
        let name = files.first().map(|(_, bytes)| sha256(bytes).to_string()).unwrap_or_default();
        let folder = self.home.path().join(EVIDENCE).join(name);
        std::fs::create_dir_all(&folder)?;
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes)?;
        }
        Ok(folder)
    }

    fn keep_seen(&self) -> anyhow::Result<()> {
        let (path, beside) = (self.home.path().join(SEEN), self.home.path().join("seen.new"));
        std::fs::write(&beside, serde_json::to_vec_pretty(&self.seen)?)?;
        Ok(std::fs::rename(beside, path)?)
    }
}

async fn find_genesis(sources: &[Source], chain: &Hash) -> anyhow::Result<Genesis> {
    let mut why = Vec::new();
    for source in sources {
        match source.genesis().await {
            Ok(genesis) if genesis.chain_id() == *chain => return Ok(genesis),
            Ok(genesis) => {
                why.push(format!("{} is of chain {}, the pin of {chain}", source.url(), genesis.chain_id()));
            }
            Err(finding) => why.push(format!("{}: {}", finding.url, finding.detail)),
        }
    }
    bail!("no node gave the genesis of the pin's chain: {}", why.join("; "))
}

/// A node's published checkpoint, and the note that carries it.
async fn checkpoint_of(source: &Source) -> Result<(Checkpoint, String), Finding> {
    let bytes = source.checkpoint().await?;
    let found = |error: &dyn std::fmt::Display| Finding::new(source.url(), Kind::NotEndorsed, error.to_string());
    let note = Note::parse(&bytes).map_err(|error| found(&error))?;
    let checkpoint = note.text.parse().map_err(|error| found(&error))?;
    Ok((checkpoint, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Compares the tiles that changed from `before` to `size` entries: the entries, and the hashes of which every proof that
/// others compute is made.
async fn check_tiles(
    view: &LedgerView,
    source: &Source,
    before: u64,
    size: u64,
) -> anyhow::Result<Result<(), Finding>> {
    let levels = (0..=TILE_LEVEL_MAX).map(|level| (TileKind::Hashes { level }, 8 * u32::from(level)));
    for (kind, height) in std::iter::once((TileKind::Entries, 0)).chain(levels) {
        let items_before = before.checked_shr(height).unwrap_or(0);
        let mut index = items_before / u64::from(TILE_WIDTH);
        while let Some(tile) = Tile::at_size(kind, index, size) {
            match source.tile(&tile).await {
                Ok(served) if served == view.tile_bytes(&tile)? => index += 1,
                Ok(_) => return Ok(Err(Finding::new(source.url(), Kind::OtherTile, tile.to_string()))),
                // What a node never held it need not show.
                Err(finding) if finding.kind == Kind::NotHeld => index += 1,
                Err(finding) => return Ok(Err(finding)),
            }
        }
    }
    Ok(Ok(()))
}

fn progress_of(source: &Source, format: Format) -> anyhow::Result<ProgressBar> {
    if format == Format::Json {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len} entries {eta}")?;
    Ok(ProgressBar::new(0).with_style(style).with_message(source.url().to_owned()))
}
