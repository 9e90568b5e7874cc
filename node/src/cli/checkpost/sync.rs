//! `dalil checkpost sync`: brings the journal to the ledger, check by check in the order of the device's counter.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::mineral::check::CheckChallan;
use dalil_contracts::mineral::device::{Device, DeviceId};
use dalil_contracts::mineral::keys::device_key;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::Hash;
use serde_json::{Value, json};

use super::home::Post;
use super::journal::{PageJournal, Synced};
use crate::cli::Format;
use crate::cli::client::Client;
use crate::cli::officer::{Signer, sign};
use crate::cli::output::{bold, fact, print};
use crate::cli::record::{Fate, hand_in};
use crate::shell::clock::now_ms;
use crate::time::parse_span;

/// The codes with which the ledger refuses one check and may take the next.
const OF_THE_CHECK: [&str; 2] = ["O1", "M14"];

#[derive(Args)]
pub(crate) struct Sync {
    /// The checkpost's folder.
    #[arg(long, value_name = "FOLDER", required_unless_present = "journal")]
    home: Option<PathBuf>,
    /// Instead of a folder: the checks that a checkpost page saved as a file.
    #[arg(long, value_name = "FILE", conflicts_with = "home")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    signer: Signer,
    /// How long to wait until each record is final.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_span)]
    wait: u64,
}

/// The counter of the device's newest statement on record, by the node's word.
async fn counter_on_record(client: &Client, device: &DeviceId) -> anyhow::Result<u64> {
    let key = String::from_utf8_lossy(&device_key(device)).into_owned();
    let state: Value = client.get_json("/v1/state", &[("key", key)]).await?;
    let Some(value) = state.get("value").and_then(Value::as_str) else { return Ok(0) };
    let device: Device = codec::decode(&BASE64.decode(value)?, CANONICAL_BYTES_MAX)?;
    Ok(device.counter)
}

/// Whose checks are brought.
enum Checks {
    /// Those of a folder, which keeps their fates.
    Post(Box<Post>),
    /// Those of a page. What became of them, the ledger tells: nothing is kept here.
    Page(PageJournal),
}

impl Checks {
    fn open(sync: &Sync) -> anyhow::Result<Self> {
        match (&sync.home, &sync.journal) {
            (Some(home), _) => Ok(Self::Post(Box::new(Post::open(home)?))),
            (None, Some(journal)) => Ok(Self::Page(PageJournal::read(journal)?)),
            (None, None) => bail!("give --home or --journal"),
        }
    }

    fn chain(&self) -> Hash {
        match self {
            Self::Post(post) => post.pin.terms().chain,
            Self::Page(page) => page.chain,
        }
    }

    /// Checks whose fate is open, in the order of the counter.
    async fn waiting(&self, client: &Client) -> anyhow::Result<Vec<CheckChallan>> {
        match self {
            Self::Post(post) => post.journal().waiting(),
            Self::Page(page) => {
                let on_record = counter_on_record(client, &page.device).await?;
                let open = |check: &&CheckChallan| check.seal.is_some_and(|seal| seal.counter > on_record);
                Ok(page.checks.iter().filter(open).cloned().collect())
            }
        }
    }

    fn settle(&self, synced: &Synced) -> anyhow::Result<()> {
        match self {
            Self::Post(post) => post.journal().settle(synced),
            Self::Page(_) => Ok(()),
        }
    }
}

pub(super) async fn run(sync: &Sync, format: Format) -> anyhow::Result<ExitCode> {
    let checks = Checks::open(sync)?;
    let posting = sync.signer.posting.clone().context("say under which posting with --posting")?;
    let (key, client) = (sync.signer.key(&posting)?, sync.signer.client()?);
    let status = sync.signer.chain(&client).await?;
    anyhow::ensure!(status.chain == checks.chain(), "the node is of another chain than the checks");
    let open = checks.waiting(&client).await?;
    let (mut waiting, mut recorded, mut earlier) = (open.len(), 0, 0);
    let (mut refused, mut pending) = (Vec::new(), None);
    for check in open {
        let Some(seal) = check.seal else { continue };
        let (observed_at_ms, sent_at_ms) = (check.observed_at_ms, now_ms());
        let call = Call::Mineral(MineralCall::CheckChallan(check));
        let invocation = Invocation { posting: posting.clone(), call };
        let record = sign(&invocation, &key, status.chain, sent_at_ms.max(status.head_time_ms))?;
        let (id, counter) = (record.id(), seal.counter);
        match hand_in(&client, &record, None, sync.wait).await? {
            Fate::Recorded { index, .. } => {
                recorded += 1;
                checks.settle(&Synced { counter, id, index: Some(index) })?;
            }
            // An earlier attempt may have been recorded after its answer was given up; or another statement of the device
            // took the counter.
            Fate::Refused(_) if counter_on_record(&client, &seal.device).await? >= counter => {
                earlier += 1;
                checks.settle(&Synced { counter, id, index: None })?;
            }
            // Once a later one is on record, this one can never be.
            Fate::Refused(problem) if observed_at_ms > sent_at_ms => {
                pending = Some(format!("the device's clock is ahead, sync again later: {}", problem.detail));
                break;
            }
            // It stays in the journal: under the right posting it may still be taken.
            Fate::Refused(problem) if OF_THE_CHECK.contains(&problem.code.as_str()) => {
                refused.push(json!({ "counter": counter, "code": problem.code, "detail": problem.detail }));
            }
            Fate::Refused(problem) => {
                pending = Some(format!("{}: {}", problem.code, problem.detail));
                break;
            }
            Fate::Pending { why } => {
                pending = Some(why);
                break;
            }
        }
        waiting = waiting.saturating_sub(1);
    }
    let mut lines = vec![bold(&format!("{recorded} checks recorded, {waiting} waiting"))];
    if earlier > 0 {
        lines.push(fact(
            "earlier",
            format_args!("{earlier} are on record, or were refused before a later one was taken"),
        ));
    }
    lines.extend(refused.iter().map(|refusal| fact("refused", refusal)));
    lines.extend(pending.as_ref().map(|why| fact("stopped", why)));
    match format {
        Format::Text => print(&lines.join("\n"))?,
        Format::Json => print(
            &json!({
                "recorded": recorded, "earlier": earlier, "waiting": waiting, "refused": refused, "stopped": pending,
            })
            .to_string(),
        )?,
    }
    Ok(if waiting == 0 && refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
