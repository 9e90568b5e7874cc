//! `dalil node`: make, start and look at one node.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use dalil_ledger::block::DepartmentId;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Format;
use super::client::{Client, ClientError};
use super::evidence::EvidenceOptions;
use crate::core::SyncSettings;
use crate::core::progress::Progress;
use crate::shell::home::{Config, Home, NodeRole, read_genesis};
use crate::shell::node::{dial_address, run as run_node};
use crate::shell::outbound::Failing;
use crate::shell::webhooks::WebhookStatus;
use crate::shell::witnesses::WitnessStatus;
use crate::time::ist;

#[derive(Subcommand)]
pub(crate) enum NodeCommand {
    /// Make a home folder with keys, sign record and configuration.
    Init(Init),
    /// Run the node of a home folder until it is told to end.
    Start(Start),
    /// Ask a running node where it stands; fails if it is not ready.
    Status(Status),
    /// Ask a running node what it can prove against validators.
    Evidence(EvidenceOptions),
}

#[derive(Args)]
pub(crate) struct Init {
    /// The folder to make.
    #[arg(long)]
    home: PathBuf,
    /// The chain's genesis file. Without it only keys are made, to be put into a genesis.
    #[arg(long)]
    genesis: Option<PathBuf>,
    /// The department whose validator this is; without it the node is an observer.
    #[arg(long)]
    department: Option<DepartmentId>,
    /// Where peers connect.
    #[arg(long, default_value = "0.0.0.0:26600")]
    p2p_listen: SocketAddr,
    /// Where clients connect.
    #[arg(long, default_value = "127.0.0.1:8080")]
    http_listen: SocketAddr,
    /// A peer to dial: /ip4/…/tcp/…/p2p/…; may be given again.
    #[arg(long = "peer")]
    peers: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Start {
    /// The home folder.
    #[arg(long)]
    home: PathBuf,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Args)]
pub(crate) struct Status {
    /// The node's address.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

pub(crate) async fn run(command: NodeCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        NodeCommand::Init(init) => make(&init, format),
        NodeCommand::Start(start) => start_node(start).await,
        NodeCommand::Status(status) => show_status(&status, format).await,
        NodeCommand::Evidence(options) => super::evidence::run(&options, format).await,
    }
}

fn make(init: &Init, format: Format) -> anyhow::Result<ExitCode> {
    let home = Home::at(&init.home);
    if init.home.join("keys").exists() {
        bail!("{} holds a node already; choose another folder", init.home.display());
    }
    let role = if init.department.is_some() { NodeRole::Validator } else { NodeRole::Observer };
    let keys = home.make_keys(role)?;
    home.write_config(&Config {
        p2p_listen: init.p2p_listen,
        http_listen: init.http_listen,
        peers: init.peers.clone(),
        observers: Vec::new(),
        sync: SyncSettings::default(),
        gateway: None,
        digilocker: None,
        http: crate::shell::http::config::HttpConfig::default(),
        webhooks: Vec::new(),
        witnesses: Vec::new(),
    })?;
    if let Some(path) = &init.genesis {
        let genesis = read_genesis(path)?;
        home.write_genesis(&genesis)?;
        home.make_sign_record(&keys, &genesis)?;
    }
    let validator = init.department.clone().and_then(|department| keys.validator(department));
    match format {
        Format::Json => println!(
            "{}",
            serde_json::json!({ "home": init.home, "network": keys.network.public(), "validator": validator })
        ),
        Format::Text => {
            println!("home     {}", init.home.display());
            println!("network  {}", keys.network.public());
            println!("dial     {}", dial_address("ADDRESS", init.p2p_listen.port(), &keys)?);
            if let Some(validator) = validator {
                println!("validator\n{}", serde_json::to_string_pretty(&validator)?);
            }
            if init.genesis.is_none() {
                println!("next     put the keys into a genesis, then copy it here as genesis.bin");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn start_node(start: Start) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_env("DALIL_LOG").unwrap_or_else(|_| EnvFilter::new("info,libp2p=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match start.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("asked to end");
    };
    let home = Home::at(start.home);
    // On a worker and not on the main thread: what wakes the core is mostly on the same workers, and waking another
    // thread costs more than most events.
    tokio::spawn(async move { run_node(&home, stop).await }).await??;
    Ok(ExitCode::SUCCESS)
}

fn since_when_and_why(failing: Option<Failing>) -> String {
    failing.map_or_else(String::new, |failing| {
        format!(", failing since {} ({} attempts): {}", ist(failing.since_ms), failing.attempts, failing.error)
    })
}

fn show_webhooks(value: &serde_json::Value) {
    let webhooks: Vec<WebhookStatus> = serde_json::from_value(value.clone()).unwrap_or_default();
    for WebhookStatus { name, lag, failing, .. } in webhooks {
        println!("{:<14} {name}: {lag} entries behind{}", "webhook", since_when_and_why(failing));
    }
}

fn show_witnesses(value: &serde_json::Value) {
    let witnesses: Vec<WitnessStatus> = serde_json::from_value(value.clone()).unwrap_or_default();
    for WitnessStatus { name, cosigned, failing, .. } in witnesses {
        let last = cosigned.map_or_else(
            || "has cosigned nothing since the node started".to_owned(),
            |last| format!("cosigned {} entries, {}", last.size, ist(last.at_ms)),
        );
        println!("{:<14} {name}: {last}{}", "witness", since_when_and_why(failing));
    }
}

async fn show_status(status: &Status, format: Format) -> anyhow::Result<ExitCode> {
    let client = Client::new(&status.url)?;
    let standing: serde_json::Value = client.get_json("/v1/status", &[]).await?;
    let ready = client.get("/health/ready").await;
    match format {
        Format::Json => println!("{standing}"),
        Format::Text => {
            if let Some(fields) = standing.as_object() {
                for (name, value) in fields {
                    match serde_json::from_value::<Progress>(value.clone()) {
                        Ok(progress) => println!("{name:<14} {progress}"),
                        Err(_) if name == "webhooks" => show_webhooks(value),
                        Err(_) if name == "witnesses" => show_witnesses(value),
                        Err(_) => println!("{name:<14} {value}"),
                    }
                }
            }
        }
    }
    match ready {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(ClientError::Problem(_)) => {
            eprintln!("dalil: the node is up but not ready");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}
