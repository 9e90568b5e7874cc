//! `dalil node evidence`: what a node can prove against validators.

use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Format;
use super::client::Client;
use super::output::print;

#[derive(Args)]
pub(crate) struct EvidenceOptions {
    /// The node's address.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Of this department or consensus key alone.
    #[arg(long)]
    validator: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    evidence: Vec<Value>,
    accusations: Vec<Value>,
    next: Option<String>,
}

pub(super) async fn run(options: &EvidenceOptions, format: Format) -> anyhow::Result<ExitCode> {
    let client = Client::new(&options.url)?;
    let (mut evidence, mut accusations) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let validator = options.validator.clone().map(|validator| ("validator", validator));
        let query: Vec<_> = validator.into_iter().chain(after.clone().map(|after| ("after", after))).collect();
        let page: Page = client.get_json("/v1/evidence", &query).await?;
        evidence.extend(page.evidence);
        accusations.extend(page.accusations);
        // A node that does not go on must not keep us here.
        if page.next.is_none() || page.next <= after {
            break;
        }
        after = page.next;
    }
    match format {
        Format::Json => print(&json!({ "evidence": evidence, "accusations": accusations }).to_string())?,
        Format::Text => print(&in_words(&evidence, &accusations))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(evidence: &[Value], accusations: &[Value]) -> String {
    let mut lines: Vec<String> = evidence.iter().map(row).collect();
    if evidence.is_empty() {
        lines.push("no validator is proven to have contradicted itself".to_owned());
    }
    for accusation in accusations {
        let accused = accusation["accused"].as_array().into_iter().flatten();
        let names: Vec<_> = accused.map(|it| text(&it["department"])).collect();
        let height = &accusation["height"];
        lines.push(format!("height {height}: certificates contradict each other; accused: {}", names.join(", ")));
    }
    lines.join("\n")
}

fn row(piece: &Value) -> String {
    let recorded = piece["recorded"].as_u64();
    let recorded = recorded.map_or("not on record yet".to_owned(), |index| format!("on record at log index {index}"));
    format!(
        "height {:>8}  round {:<3} {:<9}  {:<16} {}  {recorded}",
        text(&piece["height"]),
        text(&piece["round"]),
        text(&piece["phase"]),
        text(&piece["department"]),
        text(&piece["evidence"]["key"]),
    )
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
