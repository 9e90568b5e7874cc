//! Handing the records of a register in: mouzas side by side, the records of one mouza one after the other.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::land::LandCall;
use dalil_contracts::land::keys::mouza_key;
use dalil_contracts::land::types::Mouza;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::{Hash, SecretKey};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Land;
use super::batches::{Heading, cut};
use super::journal::{Journal, Known, Place};
use super::source::{Checked, Line, MouzaLines, Reader, Totals, check};
use crate::cli::Format;
use crate::cli::client::{Client, ClientError};
use crate::cli::officer::{EXPIRES_AFTER_MS, sign};
use crate::cli::output::{bold, fact, print};
use crate::cli::record::{Fate, hand_in};
use crate::shell::clock::now_ms;
use crate::shell::http::Problem;

/// How long a record may take to become final before the import stops, in milliseconds: as long as it may be recorded.
const FINAL_WITHIN_MS: u64 = EXPIRES_AFTER_MS;
/// Pause after "too many records are waiting".
const BACK_OFF: Duration = Duration::from_millis(250);
/// How many refusals are told in full.
const REFUSALS_SHOWN: usize = 10;

/// What all mouzas share.
struct Shared {
    client: Client,
    key: SecretKey,
    chain: Hash,
    heading: Heading,
    journal: Journal,
    bar: ProgressBar,
}

/// What came of a mouza.
#[derive(Default)]
struct Done {
    /// Rows put on record now, and by an earlier run.
    rows: u64,
    earlier: u64,
    records: u64,
    refused: Option<Refused>,
}

/// Where a mouza stopped: the rules refused a record, and what follows rests on it.
struct Refused {
    mouza: Mouza,
    problem: Problem,
    /// Calls that are not on record, the refused one first.
    left: Vec<Invocation>,
}

pub(super) async fn run(land: &Land, format: Format) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let posting = land.signer.posting.clone().context("say under which posting with --posting")?;
    let key = land.signer.key(&posting)?;
    let client = land.signer.client()?;
    let Checked { digest, totals } = check(&land.file)?;
    let chain = land.signer.chain(&client).await?.chain;
    let journal_path = Journal::path_of(&land.file);
    let journal = Journal::open(&journal_path, digest, chain, land.as_on)?;
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} khatians and plots, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(totals.khatians + totals.plots).with_style(style);
    let heading = Heading { posting, source: digest, as_on_ms: land.as_on };
    let shared = Arc::new(Shared { client, key, chain, heading, journal, bar });

    let mut reader = Reader::open(&land.file)?;
    let mut under_way = JoinSet::new();
    let (mut sum, mut refused) = (Done::default(), Vec::new());
    let mut take = |done: Done| {
        sum.rows += done.rows;
        sum.earlier += done.earlier;
        sum.records += done.records;
        refused.extend(done.refused);
    };
    while let Some(lines) = reader.mouza()? {
        if under_way.len() >= usize::from(land.mouzas)
            && let Some(done) = under_way.join_next().await
        {
            take(done??);
        }
        under_way.spawn(import_mouza(shared.clone(), lines));
    }
    while let Some(done) = under_way.join_next().await {
        take(done??);
    }
    shared.bar.finish_and_clear();
    let mended = if refused.is_empty() { None } else { Some(write_refused(&land.file, &refused)?) };
    show(&sum, &totals, &refused, mended.as_deref(), began.elapsed(), format)
}

async fn import_mouza(shared: Arc<Shared>, lines: MouzaLines) -> anyhow::Result<Done> {
    let id = lines.mouza.id.clone();
    let mut done = Done::default();
    let mut calls = cut(&lines, &shared.heading);
    if !is_registered(&shared.client, &lines.mouza).await? {
        let call = Call::Land(LandCall::RegisterMouza(lines.mouza.clone()));
        calls.insert(0, Invocation { posting: shared.heading.posting.clone(), call });
    }
    let total = calls.len();
    for at in 0..total {
        // Counted from the end: whether the mouza is registered by this run or was before makes no difference.
        let place: Place = (id.to_string(), total - at);
        let rows = rows_of(&calls[at]);
        match shared.put_on_record(&place, &calls[at]).await? {
            Put::Now => {
                done.records += 1;
                done.rows += rows;
            }
            Put::Earlier => done.earlier += rows,
            Put::Refused(problem) => {
                let left = calls.split_off(at);
                done.refused = Some(Refused { mouza: lines.mouza, problem, left });
                break;
            }
        }
        shared.bar.inc(rows);
    }
    Ok(done)
}

/// Whether the mouza is on record as the file has it.
async fn is_registered(client: &Client, mouza: &Mouza) -> anyhow::Result<bool> {
    let key = String::from_utf8(mouza_key(&mouza.id))?;
    let shown: Value = client.get_json("/v1/state", &[("key", key)]).await?;
    let Some(value) = shown.get("value").and_then(Value::as_str) else { return Ok(false) };
    let known: Mouza = codec::decode(&BASE64.decode(value)?, CANONICAL_BYTES_MAX)?;
    ensure!(known == *mouza, "mouza {} is on record otherwise than in the file: {known:?}", mouza.id);
    Ok(true)
}

fn rows_of(invocation: &Invocation) -> u64 {
    match &invocation.call {
        Call::Land(LandCall::Import(import)) => (import.khatians.len() + import.plots.len()) as u64,
        _ => 0,
    }
}

/// What came of one record.
enum Put {
    Now,
    Earlier,
    Refused(Problem),
}

impl Shared {
    async fn put_on_record(&self, place: &Place, invocation: &Invocation) -> anyhow::Result<Put> {
        let before = match self.journal.known(place) {
            Some(Known::Recorded) => return Ok(Put::Earlier),
            Some(Known::Sent(ids)) => ids.as_slice(),
            None => &[],
        };
        if let Some(index) = self.look_up(before).await? {
            self.journal.recorded(place, index)?;
            return Ok(Put::Earlier);
        }
        let record = sign(invocation, &self.key, self.chain, now_ms())?;
        self.journal.sent(place, record.id())?;
        loop {
            match hand_in(&self.client, &record, None, FINAL_WITHIN_MS).await? {
                Fate::Recorded { index, .. } => {
                    self.journal.recorded(place, index)?;
                    return Ok(Put::Now);
                }
                Fate::Refused(problem) if problem.status == 429 => sleep(BACK_OFF).await,
                Fate::Refused(problem) => {
                    // Refused because it stands already: handed in by an earlier run whose end nobody saw.
                    return match self.look_up(&[before, &[record.id()]].concat()).await? {
                        Some(index) => self.journal.recorded(place, index).map(|()| Put::Earlier),
                        None => Ok(Put::Refused(problem)),
                    };
                }
                Fate::Pending { why } => {
                    bail!("mouza {}: not known to be recorded ({why}). Run the same command again to go on", place.0)
                }
            }
        }
    }

    /// Log index of the one among these records that is on record, if one is.
    async fn look_up(&self, ids: &[Hash]) -> anyhow::Result<Option<u64>> {
        for id in ids {
            match self.client.get_json::<Value>(&format!("/v1/records/{id}"), &[]).await {
                Ok(entry) => return Ok(entry.get("index").and_then(Value::as_u64)),
                Err(ClientError::Problem(problem)) if problem.status == 404 => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// What was refused and what rests on it, as a register of its own: to be mended and imported by itself.
fn write_refused(file: &Path, refused: &[Refused]) -> anyhow::Result<PathBuf> {
    let mut name = file.as_os_str().to_owned();
    name.push(".refused.jsonl");
    let path = PathBuf::from(name);
    let mut out = BufWriter::new(std::fs::File::create(&path).with_context(|| path.display().to_string())?);
    let mut totals = Totals::default();
    let mut put = |line: &Line| -> anyhow::Result<()> {
        serde_json::to_writer(&mut out, line)?;
        Ok(out.write_all(b"\n")?)
    };
    for mouza in refused {
        totals.mouzas += 1;
        put(&Line::Mouza(mouza.mouza.clone()))?;
        for invocation in &mouza.left {
            let Call::Land(LandCall::Import(import)) = &invocation.call else { continue };
            for khatian in &import.khatians {
                totals.khatians += 1;
                put(&Line::Khatian(khatian.clone()))?;
            }
            for plot in &import.plots {
                totals.plots += 1;
                totals.area = totals.area.saturating_add(plot.area.0);
                put(&Line::Plot(plot.clone()))?;
            }
        }
    }
    put(&Line::Totals(totals))?;
    out.flush()?;
    Ok(path)
}

fn show(
    sum: &Done,
    totals: &Totals,
    refused: &[Refused],
    mended: Option<&Path>,
    took: Duration,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for mouza in refused {
        *codes.entry(mouza.problem.code.as_str()).or_default() += 1;
    }
    match format {
        Format::Json => print(
            &json!({
                "mouzas": totals.mouzas, "khatians": totals.khatians, "plots": totals.plots, "rows": sum.rows,
                "rows_of_earlier_runs": sum.earlier, "records": sum.records, "took_ms": took.as_millis() as u64,
                "refused_mouzas": refused.len(), "refusals": codes, "refused_file": mended,
            })
            .to_string(),
        )?,
        Format::Text => {
            let headline = if refused.is_empty() { "IMPORTED" } else { "IMPORTED IN PART" };
            let rate = u128::from(sum.rows) * 1_000 / took.as_millis().max(1);
            let seconds = took.as_secs();
            let mut lines = vec![
                bold(headline),
                fact(
                    "register",
                    format_args!("{} mouzas, {} khatians, {} plots", totals.mouzas, totals.khatians, totals.plots),
                ),
                fact(
                    "recorded",
                    format_args!(
                        "{} khatians and plots in {} records, {seconds} s, {rate} a second",
                        sum.rows, sum.records
                    ),
                ),
            ];
            if sum.earlier > 0 {
                lines.push(fact("before", format_args!("{} by an earlier run", sum.earlier)));
            }
            for mouza in refused.iter().take(REFUSALS_SHOWN) {
                let Problem { code, detail, .. } = &mouza.problem;
                lines.push(fact("refused", format_args!("mouza {}: {code}: {detail}", mouza.mouza.id)));
            }
            if let Some(path) = mended {
                let path = path.display();
                lines.push(fact(
                    "next",
                    format_args!(
                        "{} mouzas stopped there; what is left of them is in {path}: mend it, then import that file",
                        refused.len()
                    ),
                ));
            }
            print(&lines.join("\n"))?;
        }
    }
    Ok(if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
