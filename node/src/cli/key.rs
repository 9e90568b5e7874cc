//! `dalil key`: make a key file, and show what may be shown of one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use dalil_ledger::block::DepartmentId;
use dalil_ledger::checkpoint::{KeyKind, KeyName, VerifierKey, cosigner_name};
use dalil_ledger::validators::Validator;
use serde_json::json;

use super::Format;
use super::output::{fact, print};
use crate::shell::home::{Home, NodeKeys, make_seed, read_seed, write_secret};
use crate::shell::webhooks::Secret;

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key file that only its owner can read. Never replaces one.
    New(New),
    /// Show the public half of a key file.
    Show(Show),
    /// Make the secret that a webhook's sender and receiver share. Never replaces a file.
    Webhook(New),
    /// Declare that a validator's key came to this machine without its sign record.
    ///
    /// The node then signs nothing until two heights beyond the highest that a quorum of its peers reports are decided, so
    /// that it cannot contradict what the key signed elsewhere. Never leave the same key running on two machines.
    Move(Move),
    /// Let a moved key sign at once: an operator's override of its quarantine, which the node says at every start.
    ///
    /// Needed where a faulty peer reports a height out of reach, or no quorum of peers is left. If the key signed elsewhere
    /// at the present height, or signs there still, the chain can fork.
    Lift(Lift),
}

#[derive(Args)]
pub(crate) struct Move {
    /// The node's home folder.
    #[arg(long)]
    home: PathBuf,
}

#[derive(Args)]
pub(crate) struct Lift {
    /// The node's home folder. The node must not run.
    #[arg(long)]
    home: PathBuf,
    /// Declares that this key is on no other machine.
    #[arg(long, required = true)]
    no_other_copy: bool,
}

#[derive(Args)]
pub(crate) struct New {
    /// The file to make, which only its owner can read.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The key file.
    file: PathBuf,
    /// Show the four public keys of this department's validator, whose seed the file holds.
    #[arg(long, value_name = "DEPARTMENT")]
    validator: Option<DepartmentId>,
    /// The validator's network key; `network.seed` beside the file if not given.
    #[arg(long, value_name = "FILE", requires = "validator")]
    network: Option<PathBuf>,
    /// The log's origin, such as `ledger.example/wb`: shows the proof keys as vkeys too.
    #[arg(long, requires = "validator")]
    origin: Option<KeyName>,
}

pub(crate) fn run(command: &KeyCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        KeyCommand::New(new) => {
            let public = make_seed(&new.out)?.public();
            match format {
                Format::Json => print(&json!({ "file": new.out, "public": public }).to_string())?,
                Format::Text => print(&[fact("file", new.out.display()), fact("public", public)].join("\n"))?,
            }
        }
        KeyCommand::Webhook(new) => {
            write_secret(&new.out, format!("{}\n", Secret::generate()?).as_bytes())
                .with_context(|| format!("cannot make {}", new.out.display()))?;
            match format {
                Format::Json => print(&json!({ "file": new.out }).to_string())?,
                Format::Text => print(&fact("file", new.out.display()))?,
            }
        }
        KeyCommand::Move(moved) => {
            let home = Home::at(&moved.home);
            let _lock = home.lock()?;
            home.adopt_key(&home.keys()?, &home.genesis()?)?;
            match format {
                Format::Json => print(&json!({ "sign_record": home.sign_record_path() }).to_string())?,
                Format::Text => print(&fact("made", home.sign_record_path().display()))?,
            }
        }
        KeyCommand::Lift(lift) => {
            let home = Home::at(&lift.home);
            let _lock = home.lock()?;
            home.lift_quarantine()?;
            match format {
                Format::Json => print(&json!({ "lifted": lift.no_other_copy }).to_string())?,
                Format::Text => print(&fact("lifted", home.sign_record_path().display()))?,
            }
        }
        KeyCommand::Show(show) => match &show.validator {
            Some(department) => show_validator(show, department, format)?,
            None => {
                let public = read_seed(&show.file)?.public();
                match format {
                    Format::Json => print(&json!({ "public": public }).to_string())?,
                    Format::Text => print(&public.to_string())?,
                }
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn show_validator(show: &Show, department: &DepartmentId, format: Format) -> anyhow::Result<()> {
    let beside = show.file.parent().unwrap_or(Path::new(".")).join("network.seed");
    let network = read_seed(show.network.as_deref().unwrap_or(&beside)).context("the validator's network key")?;
    let keys = NodeKeys { network, validator: Some(read_seed(&show.file)?) };
    let validator = keys.validator(department.clone()).context("the file holds no validator's seed")?;
    let vkeys = show.origin.as_ref().map(|origin| vkeys_of(&validator, origin)).transpose()?;
    match format {
        Format::Json => {
            let mut object = serde_json::to_value(&validator)?;
            if let (Some(object), Some((log, cosigner))) = (object.as_object_mut(), &vkeys) {
                object.insert("log_vkey".to_owned(), json!(log.to_string()));
                object.insert("cosigner_vkey".to_owned(), json!(cosigner.to_string()));
            }
            print(&object.to_string())?;
        }
        Format::Text => {
            let mut lines = vec![
                fact("department", &validator.department),
                fact("consensus", validator.consensus),
                fact("cosigner", validator.cosigner),
                fact("log", validator.log),
                fact("network", validator.network),
            ];
            if let Some((log, cosigner)) = vkeys {
                lines.extend([fact("log", log), fact("witness", cosigner)]);
            }
            print(&lines.join("\n"))?;
        }
    }
    Ok(())
}

/// The proof keys as a policy names them: the log's, then the cosigner's.
fn vkeys_of(validator: &Validator, origin: &KeyName) -> anyhow::Result<(VerifierKey, VerifierKey)> {
    let log = VerifierKey { name: origin.clone(), kind: KeyKind::Log, key: validator.log };
    let name = cosigner_name(origin, &validator.department)?;
    Ok((log, VerifierKey { name, kind: KeyKind::Cosigner, key: validator.cosigner }))
}
