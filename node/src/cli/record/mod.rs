//! `dalil record`: hand in signed records and read the log back.

mod read;
mod submit;

use std::process::ExitCode;

use clap::Subcommand;
pub use submit::{parse_attachment, parse_invocation};

use super::Format;
use super::output::print;

pub(crate) use submit::{Fate, Signing, hand_in, hand_in_call};

#[derive(Subcommand)]
pub(crate) enum RecordCommand {
    /// Sign a call, hand it in and wait until it is final.
    Submit(submit::Submit),
    /// Show one entry of the log, by log index or transaction id.
    Show(read::Show),
    /// List the records about a subject, such as khatian/2795-51/101.
    History(read::History),
    /// Print the JSON Schema of calls.
    Schema,
}

pub(crate) async fn run(command: RecordCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        RecordCommand::Submit(submit) => submit::run(&submit, format).await,
        RecordCommand::Show(show) => read::show(&show, format).await,
        RecordCommand::History(history) => read::history(&history, format).await,
        RecordCommand::Schema => {
            print(&serde_json::to_string_pretty(&dalil_contracts::schema())?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
