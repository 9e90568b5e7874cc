//! `dalil audit`: follows nodes from the outside, believes none of them, and rebuilds the ledger for itself.
//!
//! The auditor begins at genesis, which the pin's chain id names, reads the log by tiles, cuts it into blocks, and runs every
//! record: signatures, certificates, rules, and each commitment of each header ([`replay`]). What comes out is a ledger of its
//! own, kept in its folder and only ever extended. Everything that any node publishes is held against that ledger
//! ([`auditor`]): a quorum's checkpoint that does not fit it is a fork, and is kept as evidence.

mod auditor;
mod finding;
mod replay;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use dalil_ledger::checkpoint::Pin;
use serde_json::json;

use self::auditor::{Asked, Auditor, Round};
use self::source::Source;
use super::Format;
use super::output::{bold, print};
use super::testnet::told_to_end;
use crate::shell::clock::now_ms;
use crate::time::{ist, parse_span};

const EXIT_CODES: &str = "Exit codes: 0 clean; 1 a finding against a node or the chain; 2 usage; \
                          4 nothing was found, but a node could not be checked.";

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Audit {
    /// The nodes to follow, such as https://ledger.land.example.
    #[arg(required = true)]
    urls: Vec<String>,
    /// Whom to believe: a pin, from a source that you trust, never from the nodes that are audited.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The auditor's folder: its own ledger, what it has seen, and the evidence of what it found.
    #[arg(long, value_name = "FOLDER", default_value = "dalil-audit")]
    dir: PathBuf,
    /// The oldest checkpoint that passes, such as 20s, 10m or 1d, in place of the pin's limit for absences.
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    max_age: Option<u64>,
    /// Read and compare everything again, not only what is new.
    #[arg(long)]
    again: bool,
    /// Go on: look again so often, until Ctrl-C.
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    every: Option<u64>,
}

pub(crate) async fn run(audit: &Audit, format: Format) -> anyhow::Result<ExitCode> {
    let bytes =
        std::fs::read(&audit.policy).with_context(|| format!("cannot read the pin {}", audit.policy.display()))?;
    let pin = Pin::from_json(&bytes).with_context(|| format!("the pin {}", audit.policy.display()))?;
    let sources = audit.urls.iter().map(|url| Source::new(url)).collect::<anyhow::Result<Vec<_>>>()?;
    let asked = Asked { age_max_ms: audit.max_age, again: audit.again };
    let mut auditor = Auditor::open(&audit.dir, pin, &sources, asked).await?;
    let mut end = std::pin::pin!(told_to_end());
    let mut worst = ExitCode::SUCCESS;
    loop {
        let round = tokio::select! {
            round = auditor.round(&sources, format) => round?,
            told = &mut end => return told.map(|()| worst),
        };
        worst = report(&round, format)?;
        let Some(every_ms) = audit.every else { return Ok(worst) };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(every_ms)) => {}
            told = &mut end => return told.map(|()| worst),
        }
    }
}

/// Prints what a round came to, and gives its exit code.
fn report(round: &Round, format: Format) -> anyhow::Result<ExitCode> {
    if format == Format::Json {
        print(&json!(round).to_string())?;
    } else {
        print(&format!(
            "{}  {} entries of {} blocks hold together, from genesis to {}; {} new",
            ist(now_ms()),
            round.size,
            round.height + 1,
            ist(round.head_time_ms),
            round.new_entries
        ))?;
        for node in &round.clean {
            print(&format!("  ✓ {} shows {} entries, cosigned {}", node.url, node.size, ist(node.freshness_ms)))?;
        }
        for finding in &round.findings {
            let shown = format!("  ✗ {}: {}: {}", finding.url, finding.kind.words(), finding.detail);
            print(&if finding.kind.is_grave() { bold(&shown) } else { shown })?;
            if let Some(evidence) = &finding.evidence {
                print(&format!("    evidence: {}", evidence.display()))?;
            }
        }
    }
    Ok(ExitCode::from(round.exit_code()))
}
