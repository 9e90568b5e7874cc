//! `dalil record submit`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use dalil_contracts::authority::PostingId;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Attachment;
use dalil_ledger::codec;
use dalil_ledger::crypto::Hash;
use dalil_ledger::transaction::SignedTransaction;
use indicatif::{ProgressBar, ProgressFinish};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cli::Format;
use crate::cli::client::{Client, ClientError};
use crate::cli::officer::{Signer, sign};
use crate::cli::output::{bold, fact, print};
use crate::shell::clock::now_ms;
use crate::shell::http::{Problem, Submitted, SubmittedRecord};
use crate::time::{ist, parse_span};

/// The longest time that one request waits for finality, in milliseconds; nodes allow no more than 50 s.
const REQUEST_WAIT_MS_MAX: u64 = 45_000;
/// How often a pending record is asked for.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// The longest call file that is read, in bytes; a record has at most 32 KiB, its JSON is longer.
const CALL_BYTES_MAX: u64 = 1 << 20;

#[derive(Args)]
pub(crate) struct Submit {
    /// A file with the call as JSON ({"land": {…}}), or with posting and call ({"posting": …, "call": …}); - reads stdin.
    call: PathBuf,
    /// A batch's leaves: a JSON list of canonical leaves in base64.
    #[arg(long, value_name = "FILE")]
    attachment: Option<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

/// Who signs a call, where it goes, and what is waited for.
#[derive(Args)]
pub(crate) struct Signing {
    #[command(flatten)]
    pub(crate) signer: Signer,
    /// How long to wait until the record is final.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_span)]
    wait: u64,
    /// Sign, but do not hand in: print the body for POST /v1/records. It lapses in ten minutes.
    #[arg(long)]
    print_only: bool,
    /// With --print-only: write to this file instead.
    #[arg(long, value_name = "FILE", requires = "print_only")]
    out: Option<PathBuf>,
}

/// What came of it.
pub(crate) enum Fate {
    /// Final, with height and block time unless it was found by asking again.
    Recorded { index: u64, block: Option<(u64, u64)> },
    /// Not known to be final.
    Pending { why: String },
    /// Refused; it will never be recorded as it is.
    Refused(Problem),
}

pub(super) async fn run(submit: &Submit, format: Format) -> anyhow::Result<ExitCode> {
    let invocation = read_invocation(&submit.call, submit.signing.signer.posting.as_ref())?;
    let attachment = submit.attachment.as_deref().map(read_attachment).transpose()?;
    if invocation.attachment_root().is_some() && attachment.is_none() {
        bail!("the call issues a batch: give its leaves with --attachment");
    }
    send(&invocation, attachment.as_ref(), &submit.signing, format).await
}

/// Signs a call that takes no attachment, hands it in and waits until it is final.
pub(crate) async fn hand_in_call(
    invocation: &Invocation,
    signing: &Signing,
    format: Format,
) -> anyhow::Result<ExitCode> {
    send(invocation, None, signing, format).await
}

async fn send(
    invocation: &Invocation,
    attachment: Option<&Attachment>,
    signing: &Signing,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let key = signing.signer.key(&invocation.posting)?;
    let client = signing.signer.client()?;
    let status = signing.signer.chain(&client).await?;
    let record = sign(invocation, &key, status.chain, now_ms().max(status.head_time_ms))?;
    if signing.print_only {
        return print_signed(&record, attachment, signing.out.as_deref());
    }
    let spinner = ProgressBar::new_spinner().with_message("waiting until it is final");
    let spinner = spinner.with_finish(ProgressFinish::AndClear);
    spinner.enable_steady_tick(Duration::from_millis(120));
    let fate = hand_in(&client, &record, attachment, signing.wait).await?;
    drop(spinner);
    show_fate(&fate, record.id(), client.base(), format)
}

/// A call from a file, and the posting from the file or the command line.
fn read_invocation(path: &Path, posting: Option<&PostingId>) -> anyhow::Result<Invocation> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(CALL_BYTES_MAX).read_to_string(&mut text).context("cannot read stdin")?;
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        file.take(CALL_BYTES_MAX).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    }
    parse_invocation(&text, posting)
}

/// Reads the JSON of a call, with or without the posting it is made under.
pub fn parse_invocation(text: &str, posting: Option<&PostingId>) -> anyhow::Result<Invocation> {
    const SHAPE: &str = "not a call; `dalil record schema` prints what is expected";
    let value: Value = serde_json::from_str(text).context(SHAPE)?;
    if value.get("call").is_none() {
        let call: Call = serde_json::from_str(text).context(SHAPE)?;
        let posting = posting.cloned().context("say under which posting with --posting")?;
        return Ok(Invocation { posting, call });
    }
    let invocation: Invocation = serde_json::from_str(text).context(SHAPE)?;
    match posting {
        Some(posting) if *posting != invocation.posting => {
            bail!("the file says posting {}, the command line {posting}", invocation.posting)
        }
        _ => Ok(invocation),
    }
}

fn read_attachment(path: &Path) -> anyhow::Result<Attachment> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_attachment(&text).with_context(|| path.display().to_string())
}

/// Reads the JSON of a batch's leaves.
pub fn parse_attachment(text: &str) -> anyhow::Result<Attachment> {
    let leaves: Vec<String> = serde_json::from_str(text).context("expected a JSON list of base64 texts")?;
    let leaves = leaves.iter().map(|leaf| BASE64.decode(leaf)).collect::<Result<_, _>>();
    Ok(Attachment { leaves: leaves.context("expected base64")? })
}

fn print_signed(
    record: &SignedTransaction,
    attachment: Option<&Attachment>,
    out: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let body = serde_json::to_string(&SubmittedRecord {
        record: BASE64.encode(codec::encode(record)),
        attachment: attachment.map(|list| list.leaves.iter().map(|leaf| BASE64.encode(leaf)).collect()),
    })?;
    match out {
        Some(path) => std::fs::write(path, body).with_context(|| format!("cannot write {}", path.display()))?,
        None => print(&body)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands the record in once. It is never handed in again: while its fate is open, only asking is safe to repeat.
pub(crate) async fn hand_in(
    client: &Client,
    record: &SignedTransaction,
    attachment: Option<&Attachment>,
    wait_ms: u64,
) -> anyhow::Result<Fate> {
    let deadline = Instant::now() + Duration::from_millis(wait_ms);
    let mut why = match client.submit(record, attachment, wait_ms.min(REQUEST_WAIT_MS_MAX)).await {
        Ok(Submitted::Recorded { index, height, timestamp_ms, .. }) => {
            return Ok(Fate::Recorded { index, block: Some((height, timestamp_ms)) });
        }
        Ok(Submitted::Pending { .. }) => "the node took it, but it is not final yet".to_owned(),
        Err(ClientError::Problem(problem)) if is_refusal(&problem) => return Ok(Fate::Refused(problem)),
        Err(error) => error.to_string(),
    };
    while Instant::now() < deadline {
        sleep(POLL_EVERY).await;
        match client.get_json::<Value>(&format!("/v1/records/{}", record.id()), &[]).await {
            Ok(entry) => {
                let index = entry.get("index").and_then(Value::as_u64).context("the node shows no log index")?;
                return Ok(Fate::Recorded { index, block: None });
            }
            Err(ClientError::Problem(_)) => {}
            Err(error) => why = error.to_string(),
        }
    }
    Ok(Fate::Pending { why })
}

/// A node's own troubles, among them a request that took too long (408), say nothing about the record.
fn is_refusal(problem: &Problem) -> bool {
    problem.status < 500 && problem.status != 408
}

fn show_fate(fate: &Fate, id: Hash, url: &str, format: Format) -> anyhow::Result<ExitCode> {
    let (object, text) = match fate {
        Fate::Recorded { index, block } => {
            let (height, time_ms) = (block.map(|(height, _)| height), block.map(|(_, time_ms)| time_ms));
            let mut lines = vec![bold("RECORDED"), fact("index", index), fact("id", id)];
            if let Some((height, time_ms)) = block {
                lines.extend([fact("height", height), fact("time", ist(*time_ms))]);
            }
            let object =
                json!({ "outcome": "recorded", "id": id, "index": index, "height": height, "timestamp_ms": time_ms });
            (object, lines.join("\n"))
        }
        Fate::Pending { why } => {
            let next = format!("dalil record show {id} --url {url}");
            let lines = [
                bold("PENDING: not known to be recorded"),
                fact("why", why),
                fact("id", id),
                fact("next", format_args!("ask again: {next}")),
            ];
            (json!({ "outcome": "pending", "id": id, "detail": why, "next": next }), lines.join("\n"))
        }
        Fate::Refused(problem) => {
            let lines = [bold(&format!("REFUSED {}", problem.code)), problem.detail.clone()];
            (
                json!({ "outcome": "refused", "id": id, "code": problem.code, "detail": problem.detail }),
                lines.join("\n"),
            )
        }
    };
    match format {
        Format::Json => print(&object.to_string())?,
        Format::Text => print(&text)?,
    }
    Ok(if matches!(fate, Fate::Recorded { .. }) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
