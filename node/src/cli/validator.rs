//! `dalil validator`: who decides. See docs/membership.md.
//!
//! A change is voted on by `dalil ballot`. The incoming member's home folder then signs `ready`, and once it decides with
//! the others `joined`; an officer of its department hands both in.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use dalil_contracts::authority::AuthorityCall;
use dalil_contracts::authority::ballot::BallotId;
use dalil_contracts::authority::membership::{JoinedStatement, ReadyStatement};
use dalil_ledger::block::DepartmentId;
use dalil_ledger::crypto::SecretKey;
use dalil_ledger::validators::Validator;

use super::Format;
use super::ballot::{chain_of, hand_in};
use super::client::Client;
use super::output::{fact, print};
use super::record::Signing;
use crate::shell::home::Home;
use crate::shell::http::ShownValidators;

#[derive(Subcommand)]
pub(crate) enum ValidatorCommand {
    /// Show the validators in force, changes that wait, and who is yet to join.
    Show(Show),
    /// Hand in the proof that the incoming member of a carried change holds its keys and follows the chain.
    Ready(Ready),
    /// Hand in the word of a new member that it follows the chain it decides.
    Joined(Joined),
}

#[derive(Args)]
pub(crate) struct Show {
    /// The node to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

#[derive(Args)]
pub(crate) struct Ready {
    /// The ballot that carried the change.
    #[arg(long)]
    ballot: BallotId,
    /// The home folder of the incoming validator.
    #[arg(long)]
    home: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Args)]
pub(crate) struct Joined {
    /// The home folder of the new validator.
    #[arg(long)]
    home: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) async fn run(command: ValidatorCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        ValidatorCommand::Show(show) => self::show(&show, format).await,
        ValidatorCommand::Ready(ready) => {
            let call = self::ready(&ready).await?;
            hand_in(call, &ready.signing, format).await
        }
        ValidatorCommand::Joined(joined) => {
            let call = self::joined(&joined).await?;
            hand_in(call, &joined.signing, format).await
        }
    }
}

async fn validators(client: &Client) -> anyhow::Result<ShownValidators> {
    Ok(client.get_json("/v1/validators", &[]).await?)
}

/// The secret keys of a home folder, for one department.
struct Member {
    public: Validator,
    keys: [SecretKey; 4],
}

fn member_of(home: &Path, department: &DepartmentId) -> anyhow::Result<Member> {
    let keys = Home::at(home).keys()?;
    let no_validator = || format!("{} is an observer's home: it has no validator's key", home.display());
    let public = keys.validator(department.clone()).with_context(no_validator)?;
    let secret = [keys.consensus(), keys.cosigner(), keys.log(), Some(keys.network.clone())];
    let [Some(consensus), Some(cosigner), Some(log), Some(network)] = secret else { bail!(no_validator()) };
    Ok(Member { public, keys: [consensus, cosigner, log, network] })
}

async fn ready(ready: &Ready) -> anyhow::Result<AuthorityCall> {
    let client = ready.signing.signer.client()?;
    let shown = validators(&client).await?;
    let waits = shown.pending.iter().find(|change| change.pending.ballot == ready.ballot);
    let waits = waits.with_context(|| format!("no change of ballot {} waits; is it carried?", ready.ballot))?;
    let incoming = waits.pending.change.incoming();
    let incoming = incoming.with_context(|| format!("the change of {} brings no member", ready.ballot))?;
    let member = member_of(&ready.home, &incoming.department)?;
    if member.public != *incoming {
        bail!("{} holds other keys than those that were voted in", ready.home.display());
    }
    let head = shown.recent.context("the next block is needed first; try again when one is decided")?;
    let statement = ReadyStatement { ballot: ready.ballot.clone(), member: member.public, head };
    let signatures = statement.sign(&chain_of(&client).await?.chain, member.keys.each_ref());
    Ok(AuthorityCall::Ready { ballot: ready.ballot.clone(), head, signatures })
}

async fn joined(joined: &Joined) -> anyhow::Result<AuthorityCall> {
    let client = joined.signing.signer.client()?;
    let shown = validators(&client).await?;
    let keys = Home::at(&joined.home).keys()?;
    let consensus = keys.consensus().context("an observer's home has no consensus key")?;
    let member = shown.validators.iter().find(|member| member.consensus == consensus.public());
    let member = member.context("the home's key is not in the set in force yet")?;
    let absent = shown.absent.iter().find(|absent| absent.department == member.department);
    let absent = absent.with_context(|| format!("the validator of {} has joined already", member.department))?;
    let head = shown.recent.filter(|head| head.height >= absent.from_height);
    let head = head.with_context(|| {
        format!("blocks {} and {} are to be decided first", absent.from_height, absent.from_height + 1)
    })?;
    let statement = JoinedStatement { department: member.department.clone(), consensus: member.consensus, head };
    let signature = statement.sign(&chain_of(&client).await?.chain, &consensus);
    Ok(AuthorityCall::Joined { head, signature })
}

async fn show(show: &Show, format: Format) -> anyhow::Result<ExitCode> {
    let client = Client::new(&show.url)?;
    print(&describe(&validators(&client).await?, format)?)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(shown: &ShownValidators, format: Format) -> anyhow::Result<String> {
    if let Format::Json = format {
        return Ok(serde_json::to_string(shown)?);
    }
    let (n, quorum) = (shown.validators.len(), shown.validators.quorum());
    let mut lines = vec![
        fact("height", shown.height),
        fact("quorum", format!("{quorum} of {n}, from height {} on", shown.from_height)),
    ];
    for member in shown.validators.iter() {
        let absent = shown.absent.iter().any(|absent| absent.department == member.department);
        let joined = if absent { ", has not joined yet" } else { "" };
        lines.push(fact("validator", format!("{} {}{joined}", member.department, member.consensus)));
    }
    for change in &shown.pending {
        let due = match change.due_height {
            Some(height) => format!("from height {height} on"),
            None => "waits for its ready".to_owned(),
        };
        let what = serde_json::to_string(&change.pending.change)?;
        lines.push(fact("pending", format!("{}: {what}, {due}", change.pending.ballot)));
    }
    Ok(lines.join("\n"))
}
