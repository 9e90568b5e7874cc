//! `dalil checkpost`: check trucks where there is no network, and bring the checks to the ledger later.
//!
//! A checkpost's folder holds its place, the pin, the bundle that it last synced, and the journal of its checks. `bundle`
//! is made where there is a network; `check` needs none; `sync` brings the journal. The device's key seals each check and
//! the enforcement departments' key turns plates into vehicle ids; both stay in files of their own.

pub(crate) mod bundle;
mod check;
mod home;
mod journal;
mod sync;
mod words;

use std::process::ExitCode;

pub use bundle::{Bundle, BundleError};
use clap::Subcommand;
pub use journal::PageJournal;

use super::Format;

#[derive(Subcommand)]
pub(crate) enum CheckpostCommand {
    /// Make a checkpost's folder.
    Init(home::Init),
    /// Take along what the ledger says of challans and their issuers, proven against the pin.
    Bundle(bundle::Fetch),
    /// Check the truck in front of the barrier, without a network, and record the check.
    #[command(after_help = check::EXIT_CODES)]
    Check(check::Check),
    /// Bring the recorded checks to the ledger.
    Sync(sync::Sync),
}

pub(crate) async fn run(command: CheckpostCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        CheckpostCommand::Init(init) => home::init(&init, format),
        CheckpostCommand::Bundle(fetch) => bundle::run(&fetch, format).await,
        CheckpostCommand::Check(check) => Ok(check::run(&check, format).await),
        CheckpostCommand::Sync(sync) => sync::run(&sync, format).await,
    }
}
