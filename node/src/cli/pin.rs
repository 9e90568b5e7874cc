//! `dalil pin`: look at a verifier's pin, and renew it through the handovers from its validators to today's.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, Subcommand};
use dalil_ledger::checkpoint::{Handover, HandoverError, Pin, PinnedHeadError, RenewError};
use serde_json::json;

use super::Format;
use super::client::Client;
use super::output::{fact, print};
use crate::shell::clock::now_ms;
use crate::shell::http::ShownHandovers;
use crate::time::{ist, parse_span};
use crate::verification::PIN_LIFETIME_MS;

/// The most handovers that one renewal follows.
const HANDOVERS_MAX: usize = 4_096;

#[derive(Subcommand)]
pub(crate) enum PinCommand {
    /// Follow the validators from those of the pin to today's, and write a pin that is believed longer.
    ///
    /// Every handover is checked against the set before it, so the node that gives them need not be trusted. An expired
    /// pin is not renewed: get a new one from a source that you trust.
    Renew(Renew),
    /// Show whom a pin believes, and until when.
    Show(Show),
}

#[derive(Args)]
pub(crate) struct Renew {
    /// The pin; it is replaced unless --out names another file.
    pin: PathBuf,
    /// The node that gives the handovers.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Where the renewed pin goes.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How long the validators are believed after they were last seen to be the current ones; 180 days if not given.
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    lifetime: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The pin.
    pin: PathBuf,
}

pub(crate) async fn run(command: PinCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        PinCommand::Renew(renew) => self::renew(&renew, format).await,
        PinCommand::Show(show) => {
            let pin = read(&show.pin)?;
            print(&describe(&pin, format, None))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Pin> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the pin {}", path.display()))?;
    Pin::from_json(&bytes).with_context(|| format!("{} is not a pin", path.display()))
}

async fn renew(options: &Renew, format: Format) -> anyhow::Result<ExitCode> {
    let old = read(&options.pin)?;
    let lifetime_ms = options.lifetime.unwrap_or(PIN_LIFETIME_MS);
    if !old.is_live(now_ms()) {
        bail!("{}", expired(old.terms().expires_at_ms));
    }
    let client = Client::new(&options.url)?;
    let (mut pin, mut followed) = (old.clone(), 0);
    let head = loop {
        let from = pin.terms().from_height.to_string();
        let given: ShownHandovers = client.get_json("/v1/handovers", &[("from", from)]).await?;
        let handovers = given.handovers.iter().map(|text| decode(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let renewed = pin.renew(&handovers, now_ms(), lifetime_ms);
        pin = renewed.map_err(|error| anyhow::anyhow!("the pin is not renewed: {}", refusal(&error, followed)))?;
        followed += handovers.len();
        if followed > HANDOVERS_MAX {
            bail!("the node gives no end of handovers; ask another one");
        }
        if given.more_from.is_none() || handovers.is_empty() {
            break given.head;
        }
    };
    let head = head.read().context("the node's head is none; ask another one")?;
    // Without this, a node could keep back the newest handovers.
    let pin = pin.prolong(&head, now_ms(), lifetime_ms).map_err(|error| match error {
        PinnedHeadError::OtherValidators { .. } => {
            anyhow::anyhow!(
                "the pin is not renewed: the node keeps back a handover to its own validators; ask another one"
            )
        }
        PinnedHeadError::Expired { expires_at_ms, .. } => anyhow::anyhow!("{}", expired(expires_at_ms)),
        other => anyhow::anyhow!("the pin is not renewed: the node's head: {other}"),
    })?;
    let out = options.out.as_ref().unwrap_or(&options.pin);
    write(out, &pin.to_json()).with_context(|| format!("cannot write {}", out.display()))?;
    print(&describe(&pin, format, Some((followed, out))))?;
    Ok(ExitCode::SUCCESS)
}

/// A pin that is half written would be no pin.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

fn decode(text: &str) -> anyhow::Result<Handover> {
    let bytes = BASE64.decode(text).context("the node gave a handover that is no base64")?;
    Handover::decode(&bytes).context("the node gave bytes that are no handover")
}

fn expired(expires_at_ms: u64) -> String {
    format!("the pin expired on {}: get a new one from a source that you trust", ist(expires_at_ms))
}

/// A refusal for people; `before` handovers were followed before those that it counts.
fn refusal(error: &RenewError, before: usize) -> String {
    let (number, error) = match error {
        RenewError::Expired(expires_at_ms, _) => return expired(*expires_at_ms),
        RenewError::Policy(error) => return format!("the new set makes no policy: {error}"),
        RenewError::Handover(number, error) => (before + number + 1, error),
    };
    let words = match error {
        HandoverError::DecidedBy { .. } => {
            "other validators decided it than those handed over to before: one is missing in between, or it is made up"
        }
        HandoverError::Next { .. } => "a key of the next set was swapped: it is not the set that the block names",
        HandoverError::Certificate(_) => "the set that hands over did not sign it with a quorum",
        HandoverError::NotCommitted(_) => "its certificate is of another block",
        HandoverError::Chain { .. } => "it is of another chain",
        HandoverError::Height { .. } => "it is an old one, replayed",
        HandoverError::Version(_) | HandoverError::NextSet(_) => "it is of no form that is known here",
    };
    format!("handover {number}: {words} ({error})")
}

fn describe(pin: &Pin, format: Format, renewed: Option<(usize, &PathBuf)>) -> String {
    let terms = pin.terms();
    let members: Vec<_> = pin.validators().iter().map(|member| member.department.to_string()).collect();
    let quorum = pin.policy().quorum();
    match format {
        Format::Json => json!({
            "chain": terms.chain,
            "validators": members,
            "quorum": quorum,
            "from_height": terms.from_height,
            "expires_at_ms": terms.expires_at_ms,
            "handovers": renewed.map(|(followed, _)| followed),
            "file": renewed.map(|(_, file)| file),
        })
        .to_string(),
        Format::Text => {
            let mut lines = vec![
                fact("chain", terms.chain),
                fact("validators", format!("{quorum} of {}: {}", members.len(), members.join(", "))),
                fact("from height", terms.from_height),
                fact("believed", format!("until {}", ist(terms.expires_at_ms))),
            ];
            if let Some((followed, file)) = renewed {
                lines.insert(0, fact("renewed", format!("{}, {followed} handovers", file.display())));
            }
            lines.join("\n")
        }
    }
}
