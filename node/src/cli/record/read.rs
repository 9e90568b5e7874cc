//! `dalil record show` and `dalil record history`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use dalil_contracts::call::name_in;
use indicatif::{ProgressBar, ProgressFinish};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli::client::Client;
use crate::cli::client::URL_DEFAULT;
use crate::cli::output::{fact, print};
use crate::time::ist;

#[derive(Args)]
pub(crate) struct Show {
    /// Log index, or transaction id of 64 hexadecimal digits.
    which: String,
    /// The node to ask.
    #[arg(long, default_value = URL_DEFAULT)]
    url: String,
}

#[derive(Args)]
pub(crate) struct History {
    /// The subject: a plot, a khatian, a vehicle…
    subject: String,
    /// The node to ask.
    #[arg(long, default_value = URL_DEFAULT)]
    url: String,
    /// The first log index of interest.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Every record, not only the first hundred.
    #[arg(long)]
    all: bool,
}

/// One page of a history.
#[derive(Deserialize)]
struct Page {
    records: Vec<Value>,
    next: Option<u64>,
}

pub(super) async fn show(show: &Show, format: Format) -> anyhow::Result<ExitCode> {
    let safe = show.which.bytes().all(|byte| byte.is_ascii_alphanumeric());
    anyhow::ensure!(safe && !show.which.is_empty(), "expected a log index or a transaction id");
    let entry: Value = Client::new(&show.url)?.get_json(&format!("/v1/records/{}", show.which), &[]).await?;
    match format {
        Format::Json => print(&entry.to_string())?,
        Format::Text => print(&in_words(&entry)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(entry: &Value) -> anyhow::Result<String> {
    let text = |name: &str| match &entry[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut lines = vec![fact("index", text("index")), fact("kind", text("kind")), fact("id", text("id"))];
    if let Some(header) = entry.get("header") {
        lines.push(fact("header", serde_json::to_string_pretty(header)?));
        return Ok(lines.join("\n"));
    }
    lines.push(fact("signer", text("signer")));
    if let Some(expires_at_ms) = entry["expires_at_ms"].as_u64() {
        lines.push(fact("valid until", format_args!("{} (to be recorded)", ist(expires_at_ms))));
    }
    if let Some(invocation) = entry.get("invocation").filter(|invocation| !invocation.is_null()) {
        lines.push(fact("posting", invocation["posting"].as_str().unwrap_or("unknown")));
        lines.push(fact("call", serde_json::to_string_pretty(&invocation["call"])?));
    }
    Ok(lines.join("\n"))
}

pub(super) async fn history(history: &History, format: Format) -> anyhow::Result<ExitCode> {
    let client = Client::new(&history.url)?;
    let spinner = ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear);
    spinner.enable_steady_tick(Duration::from_millis(120));
    let (mut records, mut from) = (Vec::new(), history.from);
    let next = loop {
        let query = [("subject", history.subject.clone()), ("from", from.to_string())];
        let page: Page = client.get_json("/v1/history", &query).await?;
        records.extend(page.records);
        spinner.set_message(format!("{} records", records.len()));
        match page.next {
            // A node that does not go on must not keep us here.
            Some(next) if history.all && next > from => from = next,
            next => break next,
        }
    };
    spinner.finish_and_clear();
    match format {
        Format::Json => {
            print(&json!({ "subject": history.subject, "records": records, "next": next }).to_string())?;
        }
        Format::Text => {
            let mut lines = records.iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
            if records.is_empty() {
                lines.push(format!("no record is about {} from index {} on", history.subject, history.from));
            }
            if let Some(next) = next {
                lines.push(format!("there may be more: --from {next}, or --all"));
            }
            print(&lines.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &Value) -> anyhow::Result<String> {
    let index = entry["index"].as_u64().context("the node gave an entry without a log index")?;
    let invocation = &entry["invocation"];
    let call = name_in(&invocation["call"]);
    Ok(format!("{index:>8}  {call:<32} {}", invocation["posting"].as_str().unwrap_or("")))
}
