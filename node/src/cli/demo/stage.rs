//! The stage: the running network, what officers hand in, what verifiers ask.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Attachment;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, Canonical};
use dalil_ledger::crypto::Hash;
use dalil_ledger::receipt::{Answer, Inclusion, Question, StatusReceipt};
use dalil_ledger::state::StateProof;
use serde::Deserialize;
use serde_json::json;

use super::check::{Checked, Verifier, in_short};
use super::papers::Papers;
use super::sample::{Mark, Sample, expand};
use super::summary::{Summary, clock};
use crate::cli::client::{Client, ClientError};
use crate::cli::officer;
use crate::cli::testnet::NetworkFile;
use crate::shell::clock::now_ms;
use crate::shell::http::Submitted;

/// How long a record may take to become final, and a checkpoint to cover it, in milliseconds.
const WAIT_MS: u64 = 30_000;
/// Pause between two looks at a checkpoint.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// What an officer who handed in a record was told.
pub(super) enum Said {
    /// Final.
    Recorded {
        /// Log index.
        index: u64,
        /// Height of its block.
        height: u64,
        /// Block time, UTC milliseconds.
        time_ms: u64,
    },
    /// A rule said no.
    Refused {
        /// Code of the rule.
        code: String,
        /// In plain words.
        why: String,
    },
    /// Neither.
    Unclear(String),
}

impl Said {
    /// As a summary says it.
    pub(super) fn in_short(&self) -> String {
        match self {
            Self::Recorded { .. } => "recorded".to_owned(),
            Self::Refused { code, .. } => format!("refused {code}"),
            Self::Unclear(what) => what.clone(),
        }
    }

    /// As the story says it.
    fn in_words(&self) -> String {
        match self {
            Self::Recorded { index, height, .. } => format!("recorded: entry {index} of the log, block {height}"),
            Self::Refused { code, why } => format!("refused {code}: {why}"),
            Self::Unclear(what) => what.clone(),
        }
    }
}

/// A record that a node acknowledged.
pub(super) struct Acknowledged {
    /// Log index.
    pub(super) index: u64,
    /// Transaction id.
    pub(super) id: Hash,
}

/// A state value as a node serves it.
#[derive(Deserialize)]
struct ShownState {
    value: Option<String>,
    state_root: Hash,
    proof: StateProof,
}

/// The stage.
pub(super) struct Stage<'a> {
    /// The story so far.
    pub(super) summary: &'a mut Summary,
    /// What offices keep.
    pub(super) papers: Papers,
    /// Who checks what nodes say.
    pub(super) verifier: Verifier,
    /// Everything that a node acknowledged.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Start of the story, UTC milliseconds.
    pub(super) start_ms: u64,
    folder: PathBuf,
    network: NetworkFile,
    pin: Pin,
    nodes: Vec<Client>,
    /// Log index of each step's record, by the step's name.
    indexes: BTreeMap<String, u64>,
    /// The node that is asked next.
    turn: usize,
}

impl<'a> Stage<'a> {
    /// The stage over a running network.
    pub(super) fn open(folder: &Path, network: &NetworkFile, summary: &'a mut Summary) -> anyhow::Result<Self> {
        let verifier = Verifier::with_pin(folder.join("pin.json"));
        let pin = verifier.pin()?;
        std::fs::create_dir_all(folder.join("receipts").join("all"))?;
        std::fs::write(folder.join("policy"), pin.policy().to_string())?;
        Ok(Self {
            summary,
            papers: Papers::open(&folder.join("documents"))?,
            verifier,
            acknowledged: Vec::new(),
            start_ms: now_ms(),
            folder: folder.to_owned(),
            network: network.clone(),
            pin,
            nodes: network.nodes.iter().map(|node| Client::new(&node.url)).collect::<anyhow::Result<_>>()?,
            indexes: BTreeMap::new(),
            turn: 0,
        })
    }

    /// Says who plays.
    pub(super) fn introduce(&self) {
        let Self { summary, network, pin, .. } = self;
        summary.tell(&format!("chain {}", network.chain));
        for node in &network.nodes {
            summary.tell(&format!("  validator of {:<14} {}", node.department.as_str(), node.url));
        }
        summary.tell(&format!(
            "A verifier's pin, made with the network and believed until {}: {} validators, of whom {} must cosign.",
            clock(pin.terms().expires_at_ms),
            pin.validators().iter().count(),
            pin.policy().quorum()
        ));
    }

    /// Keeps what outlives the story.
    pub(super) fn close(&self) -> anyhow::Result<()> {
        self.papers.keep_salts()
    }

    /// Where a receipt lies.
    pub(super) fn receipt(&self, name: &str) -> PathBuf {
        self.folder.join("receipts").join(name)
    }

    /// The node of the officer's department; a department without one uses that of information technology.
    fn node_of(&self, posting: &str) -> &Client {
        let place =
            |department: &str| self.network.nodes.iter().position(|node| node.department.as_str() == department);
        let department = posting.split('/').next().unwrap_or_default();
        &self.nodes[place(department).or_else(|| place("it")).unwrap_or(0)]
    }

    /// An officer signs a call and hands it in.
    async fn hand_in(
        &self,
        posting: String,
        call: Call,
        attachment: Option<&Attachment>,
    ) -> anyhow::Result<(Said, Option<Acknowledged>)> {
        let key = officer::key_of(&self.folder, &self.network, &posting)?;
        let node = self.node_of(&posting);
        // A node behind would judge the call by a state in which the step before is not yet recorded.
        self.caught_up(node).await?;
        let invocation = Invocation { posting: posting.parse()?, call };
        let record = officer::sign(&invocation, &key, self.network.chain, now_ms())?;
        Ok(match node.submit(&record, attachment, WAIT_MS).await {
            Ok(Submitted::Recorded { id, index, height, timestamp_ms }) => {
                (Said::Recorded { index, height, time_ms: timestamp_ms }, Some(Acknowledged { index, id }))
            }
            Ok(Submitted::Pending { .. }) => (Said::Unclear("pending".to_owned()), None),
            Err(ClientError::Problem(problem)) => (Said::Refused { code: problem.code, why: problem.detail }, None),
            Err(error) => (Said::Unclear(error.to_string()), None),
        })
    }

    /// As [`Self::hand_in`], and takes note of what was acknowledged.
    pub(super) async fn submit(
        &mut self,
        posting: &str,
        call: Call,
        attachment: Option<&Attachment>,
    ) -> anyhow::Result<Said> {
        let (said, acknowledged) = self.hand_in(posting.to_owned(), call, attachment).await?;
        self.acknowledged.extend(acknowledged);
        Ok(said)
    }

    /// A step of a sample, with its marks replaced, as posting and call.
    fn prepare(&mut self, sample: &Sample, name: &str) -> anyhow::Result<(String, Call)> {
        let step = sample.step(name)?;
        let (start_ms, papers, indexes) = (self.start_ms, &mut self.papers, &self.indexes);
        let call = expand(&step.call, &mut |mark| {
            Ok(match mark {
                Mark::MinutesFromStart(minutes) => {
                    json!(start_ms.saturating_add_signed(minutes.saturating_mul(60_000)))
                }
                Mark::DigestOf(name) => json!(papers.digest_of(name)?),
                // A step that was not recorded has no index; the call is then refused, and the story shows it.
                Mark::IndexOf(step) => json!(indexes.get(step).copied().unwrap_or(u64::MAX)),
            })
        })?;
        let call = serde_json::from_value(call).with_context(|| format!("step {name:?} of a sample"))?;
        Ok((step.posting.clone(), call))
    }

    /// Plays a step of a sample and holds it against what the sample expects.
    pub(super) async fn play(&mut self, sample: &Sample, name: &str, words: &str) -> anyhow::Result<Said> {
        let (posting, call) = self.prepare(sample, name)?;
        let said = self.submit(&posting, call, None).await?;
        if let Said::Recorded { index, .. } = said {
            self.indexes.insert(name.to_owned(), index);
        }
        self.summary.step(name, &sample.step(name)?.expected(), &said.in_short(), words);
        self.summary.detail(&said.in_words());
        Ok(said)
    }

    /// Plays steps that only prepare the story, and counts them as one. The steps of a group do not rest on each other and
    /// are handed in together.
    pub(super) async fn prepare_all(
        &mut self,
        sample: &Sample,
        groups: &[&[&str]],
        (step, words): (&str, &str),
    ) -> anyhow::Result<()> {
        let mut got = "recorded".to_owned();
        for group in groups {
            let calls: Vec<_> = group.iter().map(|name| self.prepare(sample, name)).collect::<anyhow::Result<_>>()?;
            let stage = &*self;
            let all = calls.into_iter().map(|(posting, call)| stage.hand_in(posting, call, None));
            for (name, told) in group.iter().zip(futures::future::join_all(all).await) {
                let (said, acknowledged) = told?;
                self.acknowledged.extend(acknowledged);
                if !matches!(said, Said::Recorded { .. }) {
                    got = format!("{name}: {}", said.in_words());
                }
            }
        }
        self.summary.step(step, "recorded", &got, words);
        Ok(())
    }

    /// The next node in turn, once it has caught up: whoever asks for a receipt sooner gets an honest one of the past.
    pub(super) async fn node_that_knows(&mut self) -> anyhow::Result<Client> {
        let node = self.nodes[self.turn % self.nodes.len()].clone();
        self.turn += 1;
        self.caught_up(&node).await?;
        Ok(node)
    }

    /// Waits until a node's published checkpoint covers everything acknowledged so far.
    async fn caught_up(&self, node: &Client) -> anyhow::Result<()> {
        let newest = self.acknowledged.iter().map(|record| record.index).max();
        let deadline_ms = now_ms().saturating_add(WAIT_MS);
        loop {
            let note = node.get("/checkpoint").await.unwrap_or_default();
            let skew_ms = self.pin.terms().cosignature_skew_ms;
            let endorsed = self.pin.policy().verify(&note, now_ms(), skew_ms);
            if endorsed.is_ok_and(|endorsed| newest.is_none_or(|index| index < endorsed.checkpoint.size)) {
                return Ok(());
            }
            if now_ms() >= deadline_ms {
                bail!("{} published no checkpoint over entry {newest:?} within {WAIT_MS} ms", node.base());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Asks a node for a status receipt, keeps it as `<name>.dalil-status`, and lets the verifier read the file.
    pub(super) async fn ask(
        &mut self,
        name: &str,
        asked: &Question,
        as_of_ms: Option<u64>,
    ) -> anyhow::Result<Checked<Answer>> {
        let node = self.node_that_knows().await?;
        let query = match asked {
            Question::Uri(uri) => ("uri", uri.to_string()),
            Question::Digest(digest) => ("digest", digest.to_string()),
            Question::Slot(key) => anyhow::bail!("the demo does not ask by {key}"),
        };
        let bytes = node.get_query("/v1/receipts/status", &[query]).await?;
        let path = self.receipt(&format!("{name}.dalil-status"));
        std::fs::write(&path, bytes)?;
        self.verifier.status(&path, asked, as_of_ms)
    }

    /// As [`Self::ask`], as a step of the story.
    pub(super) async fn expect_status(
        &mut self,
        (name, step): (&str, &str),
        (asked, as_of_ms): (&Question, Option<u64>),
        expected: &str,
        words: &str,
    ) -> anyhow::Result<Option<Answer>> {
        let checked = self.ask(name, asked, as_of_ms).await?;
        let short = in_short(&checked);
        self.summary.step(step, expected, &short, words);
        self.summary.detail(&match &checked {
            Ok(answer) => format!(
                "{short}, proven by {} validators at {} (receipts/{name}.dalil-status)",
                answer.quorum,
                clock(answer.freshness_ms)
            ),
            Err(why) => format!("{short}: {why}"),
        });
        Ok(checked.ok())
    }

    /// Asks a node for an inclusion receipt, keeps it as `<name>.tlog-proof`, and lets the verifier read the file.
    pub(super) async fn ask_inclusion(
        &mut self,
        name: &str,
        query: (&str, String),
    ) -> anyhow::Result<Checked<Inclusion>> {
        let node = self.node_that_knows().await?;
        let bytes = node.get_query("/v1/receipts/inclusion", &[query]).await?;
        let path = self.receipt(&format!("{name}.tlog-proof"));
        std::fs::write(&path, bytes)?;
        self.verifier.inclusion(&path)
    }

    /// A value of the state, proven: the node's proof must lead to the state root of a header that the pin's validators
    /// cosigned.
    pub(super) async fn proven<T: Canonical>(&mut self, key: &[u8]) -> anyhow::Result<Option<T>> {
        let key = String::from_utf8(key.to_vec())?;
        let deadline_ms = now_ms().saturating_add(WAIT_MS);
        loop {
            let node = self.node_that_knows().await?;
            let shown: ShownState = node.get_json("/v1/state", &[("key", key.clone())]).await?;
            // Any status receipt carries the head; that of a digest nobody has is the shortest.
            let receipt = node.get_query("/v1/receipts/status", &[("digest", Hash::ZERO.to_string())]).await?;
            let head = StatusReceipt::parse(&receipt)?.head;
            self.pin.verify_head(&head, now_ms())?;
            if head.header.state_root == shown.state_root {
                let value = shown.value.map(|text| BASE64.decode(text)).transpose()?;
                shown.proof.verify(&shown.state_root, key.as_bytes(), value.as_deref())?;
                return Ok(value.map(|bytes| codec::decode(&bytes, CANONICAL_BYTES_MAX)).transpose()?);
            }
            if now_ms() >= deadline_ms {
                bail!("{} gave no proof of {key} that fits a cosigned head", node.base());
            }
        }
    }
}
