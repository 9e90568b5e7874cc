//! `dalil digilocker`: the API key and the store of documents of the pull interface.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::{TypeCode, Uri};
use serde_json::json;

use super::Format;
use super::output::{fact, print};
use crate::digilocker::store::{FILE_BYTES_MAX, Line, Number, Store, name_commitment};
use crate::shell::home::{sync_folder, write_secret};
use crate::signing::random;

#[derive(Subcommand)]
pub(crate) enum DigiLockerCommand {
    /// Make a file with an API key, to be entered at DigiLocker too. Never replaces one.
    NewKey(NewKey),
    /// Put a document into the store, so that it can be pulled once it is on record.
    Add(Add),
}

#[derive(Args)]
pub(crate) struct NewKey {
    /// The file to make; only its owner can read it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Add {
    /// The store's folder; made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    /// The document's URI, as it is on record.
    #[arg(long)]
    uri: Uri,
    /// Its type, such as DOM.
    #[arg(long = "type", value_name = "TYPE")]
    kind: TypeCode,
    /// Its printed number.
    #[arg(long)]
    number: Number,
    /// A file with the holder's name, - for standard input: arguments are seen by every user of the machine.
    #[arg(long, value_name = "FILE")]
    name_file: PathBuf,
    /// The file as it was issued: its SHA-256 is the digest on record.
    #[arg(long)]
    file: PathBuf,
}

pub(crate) fn run(command: &DigiLockerCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        DigiLockerCommand::NewKey(new) => {
            let key = hex::encode(random::<32>()?);
            write_secret(&new.out, format!("{key}\n").as_bytes())
                .with_context(|| format!("cannot make {}", new.out.display()))?;
            match format {
                Format::Json => print(&json!({ "file": new.out }).to_string())?,
                Format::Text => print(&fact("file", new.out.display()))?,
            }
        }
        DigiLockerCommand::Add(add) => {
            let digest = add.run()?;
            match format {
                Format::Json => print(&json!({ "uri": add.uri, "digest": digest }).to_string())?,
                Format::Text => print(&[fact("uri", &add.uri), fact("digest", digest)].join("\n"))?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Add {
    /// The file first, then its line: what the index lists is there. Returns the file's digest.
    fn run(&self) -> anyhow::Result<Hash> {
        let name = if self.name_file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin()).context("cannot read stdin")?
        } else {
            std::fs::read_to_string(&self.name_file).with_context(|| self.name_file.display().to_string())?
        };
        if name.trim().is_empty() {
            bail!("the holder's name is empty");
        }
        let bytes = std::fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            bail!("{} has {} bytes, at most {FILE_BYTES_MAX} are served", self.file.display(), bytes.len());
        }
        let documents = self.store.join("documents");
        std::fs::create_dir_all(&documents).with_context(|| documents.display().to_string())?;
        let mut index = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.store.join("index.jsonl"))
            .context("the store's index")?;
        let path = Store::open(&self.store)?.path_of(&self.uri);
        let path = path.with_context(|| format!("{} cannot be a file's name", self.uri))?;
        std::fs::write(&path, &bytes).with_context(|| path.display().to_string())?;
        std::fs::File::open(&path)?.sync_all()?;
        sync_folder(&documents)?;
        let salt = Hash(random()?);
        let line = Line {
            uri: self.uri.clone(),
            kind: self.kind.clone(),
            number: self.number.clone(),
            salt,
            name: name_commitment(&salt, &name),
        };
        // One write, so that a reader never sees half of it.
        index.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes())?;
        index.sync_all()?;
        Ok(sha256(&bytes))
    }
}
