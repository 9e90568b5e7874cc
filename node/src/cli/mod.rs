//! The program `dalil`, one file a command. Every command that answers a question takes `--json`.

mod audit;
mod ballot;
mod bench;
mod checkpost;
mod claims;
mod client;
mod commit;
mod completions;
mod court;
mod demo;
mod digilocker;
mod disclose;
mod document;
mod events;
mod evidence;
mod gateway;
mod https;
mod import;
mod key;
mod land;
mod node;
mod officer;
mod output;
mod parameter;
mod pin;
mod plate;
mod portal;
mod qr;
mod record;
mod testnet;
mod validator;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

pub use checkpost::{Bundle, BundleError, PageJournal};
use clap::{Parser, Subcommand};
pub use import::calls_of_register;
pub use record::{parse_attachment, parse_invocation};
pub use verify::{ReadQuestion, read_questions};

/// A permissioned ledger node for public records: land mutations, mineral e-challans, certificates.
#[derive(Parser)]
#[command(name = "dalil", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    /// Trust the certificates of a PEM file, beside the system's, when a node is asked by https.
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make, start and look at one node.
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Make and run a network of validators for development.
    #[command(subcommand)]
    Testnet(testnet::TestnetCommand),
    /// Make and show key files.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Hand in signed records and read the log.
    #[command(subcommand)]
    Record(record::RecordCommand),
    /// Make and show a holder's file: what a document says, claim by claim.
    #[command(subcommand)]
    Claims(claims::ClaimsCommand),
    /// Show chosen claims of a holder's file to somebody.
    Disclose(disclose::Disclose),
    /// Commit to a person or a reason with a random salt, or open a commitment.
    Commit(commit::Commit),
    /// Put a nonce into a document's file, and take its digest.
    #[command(subcommand)]
    Document(document::DocumentCommand),
    /// Listen to what happens on the chain.
    Events(events::Events),
    /// Check whether a document is genuine and in force.
    Verify(Box<verify::Verify>),
    /// Draw the QR codes of documents, and show what a code says.
    #[command(subcommand)]
    Qr(qr::QrCommand),
    /// Check trucks where there is no network, and bring the checks to the ledger later.
    #[command(subcommand)]
    Checkpost(checkpost::CheckpostCommand),
    /// Look at the land registers: chain of title, encumbrances, pendency.
    #[command(subcommand)]
    Land(land::LandCommand),
    /// Follow nodes from the outside: replay the log, compare nodes, shout about a fork.
    Audit(audit::Audit),
    /// Gather what a court is handed: records, receipts, hashes, and the certificate to complete.
    Evidence(court::Evidence),
    /// Look at a verifier's pin, and renew it.
    #[command(subcommand)]
    Pin(pin::PinCommand),
    /// Bring older registers onto the chain.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Vote on what departments decide together: parameters, certificate types, departments, validators, upgrades.
    #[command(subcommand)]
    Ballot(ballot::BallotCommand),
    /// Look at the dated parameters: rates, fees, limits.
    #[command(subcommand)]
    Parameter(parameter::ParameterCommand),
    /// Look at the validators, and prove that a new one holds its keys.
    #[command(subcommand)]
    Validator(validator::ValidatorCommand),
    /// Let a department's own system hand in plain JSON.
    #[command(subcommand)]
    Gateway(gateway::GatewayCommand),
    /// Keep the store of documents that DigiLocker pulls from.
    #[command(subcommand)]
    Digilocker(digilocker::DigiLockerCommand),
    /// Get the verifier for people who trust no page.
    #[command(subcommand)]
    Portal(portal::PortalCommand),
    /// Print the completion script of a shell.
    Completions(completions::Completions),
    /// Drive a network with records of all kinds and say what a record costs.
    Bench(bench::Bench),
    /// Play the showpiece on four validators, and check every answer offline.
    Demo(demo::Demo),
}

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Whether the program takes these arguments, the first being its own name. Does nothing else.
pub fn takes<'a>(arguments: impl IntoIterator<Item = &'a str>) -> bool {
    Cli::try_parse_from(arguments).is_ok()
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = if cli.json { Format::Json } else { Format::Text };
    if let Some(ca) = cli.ca {
        client::trust(ca);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("dalil: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Node(command) => node::run(command, format).await,
            Command::Testnet(command) => testnet::run(command, format).await,
            Command::Key(command) => key::run(&command, format),
            Command::Record(command) => record::run(command, format).await,
            Command::Claims(command) => claims::run(command, format).await,
            Command::Disclose(disclose) => disclose::run(&disclose, format),
            Command::Commit(commit) => commit::run(&commit, format),
            Command::Document(command) => document::run(&command, format),
            Command::Events(events) => events::run(&events, format).await,
            Command::Verify(verify) => Ok(verify::run(&verify, format).await),
            Command::Qr(command) => qr::run(command, format).await,
            Command::Checkpost(command) => checkpost::run(command, format).await,
            Command::Land(command) => land::run(command, format).await,
            Command::Audit(audit) => audit::run(&audit, format).await,
            Command::Evidence(evidence) => court::run(&evidence, format).await,
            Command::Pin(command) => pin::run(command, format).await,
            Command::Import(command) => import::run(command, format).await,
            Command::Ballot(command) => ballot::run(command, format).await,
            Command::Parameter(command) => parameter::run(command, format).await,
            Command::Validator(command) => validator::run(command, format).await,
            Command::Gateway(command) => gateway::run(&command, format),
            Command::Digilocker(command) => digilocker::run(&command, format),
            Command::Portal(command) => portal::run(&command, format),
            Command::Completions(completions) => completions::run(&completions),
            Command::Bench(options) => bench::run(options, format).await,
            Command::Demo(demo) => demo::run(demo, format).await,
        }
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            match format {
                Format::Text => eprintln!("dalil: {error:#}"),
                Format::Json => println!("{}", serde_json::json!({ "error": format!("{error:#}") })),
            }
            ExitCode::FAILURE
        }
    }
}
