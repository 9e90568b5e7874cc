//! `dalil land`: the land registers, checked here against a pin that the caller trusts.
//!
//! The node's receipt holds a proof of every value that the register reads; this program runs the register over those
//! values itself. Without a pin it shows what the node says, and says that it is the node's word alone.

mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::registers::{Register, RegisterQuestion};
use dalil_contracts::refusal::Reject;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::document::OfficeId;
use dalil_ledger::receipt::{Exit, ProvenRegister, verify_register};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::words::encumbrance_lines;
use super::Format;
use super::client::Client;
use super::output::print;
use crate::shell::clock::now_ms;
use crate::time::parse_span;

const EXIT_CODES: &str = "Exit codes: 0 proven; 1 the command failed; 2 usage; 3 proven that there is no such plot or office; \
                          4 could not check, or a proof is wrong; 5 shown, but not proven (no pin given).";

#[derive(Subcommand)]
pub(crate) enum LandCommand {
    /// Who held a plot, by which deeds, successions and orders, through splits, mergers and set-asides.
    #[command(after_help = EXIT_CODES)]
    Title(OfPlot),
    /// What lies on a plot, by rank, and how what lay on it was satisfied.
    #[command(after_help = EXIT_CODES)]
    Encumbrances(OfPlot),
    /// Which mutation cases wait for an office, by stage, oldest first, against the clock.
    #[command(after_help = EXIT_CODES)]
    Pendency(OfOffice),
}

#[derive(Args)]
pub(crate) struct OfPlot {
    /// The plot, such as 2795-51/257 or 2795-51/257/1.
    plot: PlotId,
    #[command(flatten)]
    source: Source,
}

#[derive(Args)]
pub(crate) struct OfOffice {
    /// The office, such as land/blro-2795.
    office: OfficeId,
    #[command(flatten)]
    source: Source,
}

/// Where the answer comes from, and whom to believe.
#[derive(Args)]
struct Source {
    /// The node to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A receipt that was kept, in place of a node.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "save"], requires = "policy")]
    receipt: Option<PathBuf>,
    /// Whom to believe: a pin, from a source that you trust, never from the node that is asked.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The oldest proof that counts, such as 20s, 10m or 1d, in place of the pin's limit.
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    max_age: Option<u64>,
    /// Keep the receipt in this file, to be shown to others.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// What a node answers.
#[derive(Deserialize)]
struct Said {
    register: Value,
    refused: Value,
    receipt: Value,
}

type Checked = ProvenRegister<Result<Register, Reject>>;

pub(super) async fn run(command: LandCommand, format: Format) -> anyhow::Result<ExitCode> {
    let (path, query, question, source) = match command {
        LandCommand::Title(of) => {
            ("/v1/land/title", ("plot", of.plot.to_string()), RegisterQuestion::Title(of.plot), of.source)
        }
        LandCommand::Encumbrances(of) => {
            ("/v1/land/encumbrances", ("plot", of.plot.to_string()), RegisterQuestion::Encumbrances(of.plot), of.source)
        }
        LandCommand::Pendency(of) => {
            ("/v1/land/pendency", ("office", of.office.to_string()), RegisterQuestion::Pendency(of.office), of.source)
        }
    };
    let pin = source.policy.as_ref().map(|path| pin(path)).transpose()?;
    let (receipt, said) = match &source.receipt {
        Some(path) => (std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?, None),
        None => {
            let said: Said = Client::new(&source.url)?.get_json(path, &[query]).await?;
            (serde_json::to_vec(&said.receipt)?, Some(said))
        }
    };
    if let Some(path) = &source.save {
        std::fs::write(path, &receipt).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let Some(pin) = pin else { return node_says(said, format) };
    let at_ms = now_ms();
    let checked = verify_register(&receipt, &pin, at_ms, source.max_age, |state| question.answer(state, at_ms));
    let (exit, text, json) = match checked {
        Ok(proven) => (exit_of(&proven), words::proven(&proven, at_ms), as_json(&proven)?),
        Err(why) => {
            let json = json!({ "proven": false, "could_not_check": why.code(), "detail": why.to_string() });
            (Exit::CouldNotCheck, format!("could not check ({}): {why}", why.code()), json)
        }
    };
    answer(format, &text, &json, exit)
}

fn pin(path: &std::path::Path) -> anyhow::Result<Pin> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the pin {}", path.display()))?;
    Pin::from_json(&bytes).with_context(|| format!("the pin {}", path.display()))
}

fn exit_of(proven: &Checked) -> Exit {
    if proven.answer.is_ok() { Exit::Valid } else { Exit::NotOnRecord }
}

fn as_json(proven: &Checked) -> anyhow::Result<Value> {
    let (register, refused) = match &proven.answer {
        Ok(register) => (serde_json::to_value(register)?, Value::Null),
        Err(reject) => (Value::Null, serde_json::to_value(reject)?),
    };
    Ok(json!({
        "proven": true, "register": register, "refused": refused, "freshness_ms": proven.freshness_ms,
        "quorum": proven.quorum, "height": proven.height, "log_size": proven.log_size,
    }))
}

/// Without a pin: the node's word, and said so.
fn node_says(said: Option<Said>, format: Format) -> anyhow::Result<ExitCode> {
    let said = said.context("a receipt is checked against a pin: give --policy")?;
    let json = json!({ "proven": false, "register": said.register, "refused": said.refused });
    let shown = if said.refused.is_null() { &said.register } else { &said.refused };
    let text = format!(
        "{}\nnot proven: this is the node's word; with --policy PIN it is checked here",
        serde_json::to_string_pretty(shown)?
    );
    answer(format, &text, &json, Exit::RecordedOnly)
}

fn answer(format: Format, text: &str, json: &Value, exit: Exit) -> anyhow::Result<ExitCode> {
    match format {
        Format::Text => print(text)?,
        Format::Json => print(&json.to_string())?,
    }
    Ok(ExitCode::from(exit.code()))
}
