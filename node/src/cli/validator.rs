//! `dalil validator`: who decides, and how departments change it. See docs/membership.md.
//!
//! A change is proposed by the first vote and approved by the others. The incoming member's home folder then signs
//! `ready`, and once it decides with the others `joined`; an officer of its department hands both in.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use dalil_contracts::authority::ballot::BallotId;
use dalil_contracts::authority::membership::{JoinedStatement, ReadyStatement};
use dalil_contracts::authority::{AuthorityCall, Choice, Matter, ValidatorChange};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::{DepartmentId, Height};
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::validators::Validator;
use serde::Deserialize;

use super::Format;
use super::client::Client;
use super::output::{fact, print};
use super::record::Signing;
use crate::shell::clock::now_ms;
use crate::shell::home::Home;
use crate::shell::http::{ShownBallot, ShownValidators};
use crate::time::{ist, parse_span};

/// How long a proposal may gather votes unless --open-for says otherwise, in milliseconds: seven days.
const OPEN_FOR_MS: u64 = 7 * 24 * 3_600_000;

#[derive(Subcommand)]
pub(crate) enum ValidatorCommand {
    /// Show the validators in force, changes that wait, and who is yet to join.
    Show(Show),
    /// Open a ballot on a change, with the own department's vote for it.
    Propose(Propose),
    /// Vote on a ballot that another department opened, for what it says.
    Vote(Vote),
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
    /// Show this ballot instead, and what became of its change.
    #[arg(long)]
    ballot: Option<BallotId>,
}

#[derive(Args)]
pub(crate) struct Propose {
    /// A name for the ballot, never used before.
    #[arg(long)]
    ballot: BallotId,
    #[command(flatten)]
    change: Change,
    /// The earliest height that the changed set decides.
    #[arg(long, default_value_t = 0)]
    from_height: Height,
    /// How long the ballot may gather votes; seven days if not given.
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    open_for: Option<u64>,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Give a department a validator: a file with its public keys, from `dalil key show --validator --json`.
    #[arg(long, value_name = "FILE")]
    add: Option<PathBuf>,
    /// Remove the validator of a department.
    #[arg(long, value_name = "DEPARTMENT")]
    remove: Option<DepartmentId>,
    /// Replace the validator of a department by the one of --by; of the same department: new keys.
    #[arg(long, value_name = "DEPARTMENT", requires = "by")]
    replace: Option<DepartmentId>,
}

#[derive(Args)]
pub(crate) struct Change {
    #[command(flatten)]
    which: Which,
    /// The public keys of the validator that comes in with --replace.
    #[arg(long, value_name = "FILE", requires = "replace")]
    by: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Vote {
    /// The ballot.
    #[arg(long)]
    ballot: BallotId,
    /// Vote against it.
    #[arg(long)]
    against: bool,
    #[command(flatten)]
    signing: Signing,
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
        ValidatorCommand::Propose(propose) => {
            let change = propose.change.read()?;
            let matter = Matter::Validators { change, from_height: propose.from_height };
            let open_for = propose.open_for.unwrap_or(OPEN_FOR_MS);
            let client = propose.signing.signer.client()?;
            let effective_from_ms = chain_of(&client).await?.head_time_ms.max(now_ms()).saturating_add(open_for);
            let ballot = propose.ballot;
            let call = AuthorityCall::Vote { ballot, matter, effective_from_ms, choice: Choice::Approve };
            hand_in(call, &propose.signing, format).await
        }
        ValidatorCommand::Vote(vote) => {
            let open = ballot(&vote.signing.signer.client()?, &vote.ballot).await?.ballot;
            if let Format::Text = format {
                print(&fact("matter", serde_json::to_string(&open.matter)?))?;
            }
            let choice = if vote.against { Choice::Reject } else { Choice::Approve };
            let (matter, effective_from_ms) = (open.matter, open.effective_from_ms);
            let call = AuthorityCall::Vote { ballot: vote.ballot, matter, effective_from_ms, choice };
            hand_in(call, &vote.signing, format).await
        }
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

async fn hand_in(call: AuthorityCall, signing: &Signing, format: Format) -> anyhow::Result<ExitCode> {
    let posting = signing.signer.posting.clone().context("say under which posting with --posting")?;
    let invocation = Invocation { posting, call: Call::Authority(call) };
    super::record::hand_in_call(&invocation, signing, format).await
}

impl Change {
    fn read(&self) -> anyhow::Result<ValidatorChange> {
        let Which { add, remove, replace } = &self.which;
        match (add, remove, replace, &self.by) {
            (Some(file), None, None, None) => Ok(ValidatorChange::Add(read_member(file)?)),
            (None, Some(department), None, None) => Ok(ValidatorChange::Remove(department.clone())),
            (None, None, Some(leaving), Some(file)) => {
                Ok(ValidatorChange::Replace { leaving: leaving.clone(), member: read_member(file)? })
            }
            _ => bail!("give one of --add, --remove, and --replace with --by"),
        }
    }
}

fn read_member(path: &Path) -> anyhow::Result<Validator> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is not a validator's public keys; `dalil key show … --validator … --json` prints them",
            path.display()
        )
    })
}

/// What of a node's status is needed here.
#[derive(Deserialize)]
struct ChainStatus {
    chain: Hash,
    head_time_ms: u64,
}

async fn chain_of(client: &Client) -> anyhow::Result<ChainStatus> {
    Ok(client.get_json("/v1/status", &[]).await?)
}

async fn validators(client: &Client) -> anyhow::Result<ShownValidators> {
    Ok(client.get_json("/v1/validators", &[]).await?)
}

async fn ballot(client: &Client, ballot: &BallotId) -> anyhow::Result<ShownBallot> {
    Ok(client.get_json("/v1/ballot", &[("ballot", ballot.to_string())]).await?)
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
    if let Some(id) = &show.ballot {
        print(&describe_ballot(&ballot(&client, id).await?, format)?)?;
    } else {
        print(&describe(&validators(&client).await?, format)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe_ballot(shown: &ShownBallot, format: Format) -> anyhow::Result<String> {
    if let Format::Json = format {
        return Ok(serde_json::to_string(shown)?);
    }
    let ballot = &shown.ballot;
    let mut lines = vec![fact("matter", serde_json::to_string(&ballot.matter)?)];
    lines.extend(ballot.votes.iter().map(|vote| fact("vote", format!("{} {:?}", vote.department, vote.choice))));
    lines.push(match ballot.carried_at_ms {
        Some(at_ms) => fact("carried", ist(at_ms)),
        None => fact("open", format!("until {}", ist(ballot.effective_from_ms))),
    });
    if let Some(outcome) = &shown.outcome {
        lines.push(fact("outcome", serde_json::to_string(outcome)?));
    }
    Ok(lines.join("\n"))
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
