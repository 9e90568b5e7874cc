//! `dalil gateway`: API keys of the systems that a gateway signs for.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use dalil_ledger::codec::Token;
use serde::Serialize;
use serde_json::json;

use super::Format;
use super::output::{fact, print};
use crate::gateway::clients::new_api_key;
use crate::gateway::config::{ClientConfig, ClientName, PostingPattern};

#[derive(Subcommand)]
pub(crate) enum GatewayCommand {
    /// Make an API key. It is shown once and kept nowhere: the node's configuration holds its digest.
    NewKey(NewKey),
}

#[derive(Args)]
pub(crate) struct NewKey {
    /// The system that will use it.
    #[arg(long, default_value = "department")]
    client: ClientName,
    /// A posting for which it may ask, or the beginning of several with a final *; may be given again.
    #[arg(long = "posting", required = true)]
    postings: Vec<Token<49>>,
    /// How many requests a second.
    #[arg(long, default_value_t = 20)]
    per_second: u32,
}

/// What goes into `config.toml`.
#[derive(Serialize)]
struct Section {
    gateway: Clients,
}

#[derive(Serialize)]
struct Clients {
    clients: Vec<ClientConfig>,
}

pub(crate) fn run(command: &GatewayCommand, format: Format) -> anyhow::Result<ExitCode> {
    let GatewayCommand::NewKey(new) = command;
    let (key, key_sha256) = new_api_key()?;
    let client = ClientConfig {
        name: new.client.clone(),
        key_sha256,
        postings: new.postings.iter().cloned().map(PostingPattern).collect(),
        per_second: new.per_second,
    };
    match format {
        Format::Json => print(&json!({ "key": key, "client": client }).to_string())?,
        Format::Text => {
            let config = toml::to_string(&Section { gateway: Clients { clients: vec![client] } }).context("TOML")?;
            print(
                &[fact("key", key), fact("sha256", key_sha256), format!("\n# for config.toml\n{config}")].join("\n"),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
