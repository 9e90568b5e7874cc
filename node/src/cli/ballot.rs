//! `dalil ballot`: what departments decide together, one vote a department that runs a validator.
//!
//! The first vote opens a ballot with its matter; every later one repeats what the ballot says, so that each officer signs
//! what is decided.

mod matter;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use dalil_contracts::authority::ballot::BallotId;
use dalil_contracts::authority::{AuthorityCall, Choice};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::crypto::Hash;
use serde::Deserialize;

use self::matter::MatterArgs;
use super::Format;
use super::client::Client;
use super::output::{fact, print};
use super::record::Signing;
use crate::shell::clock::now_ms;
use crate::shell::http::{Page, ShownBallot};
use crate::time::{ist, parse_moment, parse_span};

/// When a matter takes effect unless the command says otherwise, in milliseconds from now: seven days.
const OPEN_FOR_MS: u64 = 7 * 24 * 3_600_000;

#[derive(Subcommand)]
pub(crate) enum BallotCommand {
    /// List the ballots, oldest first.
    List(List),
    /// Show a ballot with its votes, and what became of the change that it carried.
    Show(Show),
    /// Open a ballot, with the own department's vote for it.
    Propose(Box<Propose>),
    /// Vote on a ballot that another department opened, for what it says.
    Vote(Vote),
}

#[derive(Args)]
pub(crate) struct List {
    /// The node to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Only those that still gather votes.
    #[arg(long)]
    open: bool,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The ballot.
    ballot: BallotId,
    /// The node to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

#[derive(Args)]
pub(crate) struct Propose {
    /// A name for the ballot, never used before.
    #[arg(long)]
    ballot: BallotId,
    #[command(flatten)]
    matter: MatterArgs,
    /// From when on it holds, if it is carried before: a date (its first moment in IST), an RFC 3339 time, or UTC
    /// milliseconds. What is bound to a height may be carried until then.
    #[arg(long, value_name = "MOMENT", value_parser = parse_moment)]
    effective: Option<u64>,
    /// The same as a time from now on; seven days if neither is given.
    #[arg(long, value_name = "DURATION", value_parser = parse_span, conflicts_with = "effective")]
    open_for: Option<u64>,
    #[command(flatten)]
    signing: Signing,
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

pub(crate) async fn run(command: BallotCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        BallotCommand::List(list) => self::list(&list, format).await,
        BallotCommand::Show(show) => {
            print(&describe(&fetch(&Client::new(&show.url)?, &show.ballot).await?, format)?)?;
            Ok(ExitCode::SUCCESS)
        }
        BallotCommand::Propose(propose) => {
            let matter = propose.matter.read()?;
            let head_time_ms = chain_of(&propose.signing.signer.client()?).await?.head_time_ms;
            let open_until_ms = || head_time_ms.max(now_ms()).saturating_add(propose.open_for.unwrap_or(OPEN_FOR_MS));
            let effective_from_ms = propose.effective.unwrap_or_else(open_until_ms);
            let ballot = propose.ballot.clone();
            let call = AuthorityCall::Vote { ballot, matter, effective_from_ms, choice: Choice::Approve };
            hand_in(call, &propose.signing, format).await
        }
        BallotCommand::Vote(vote) => {
            let open = fetch(&vote.signing.signer.client()?, &vote.ballot).await?.ballot;
            if let Format::Text = format {
                print(&fact("matter", serde_json::to_string(&open.matter)?))?;
            }
            let choice = if vote.against { Choice::Reject } else { Choice::Approve };
            let (matter, effective_from_ms) = (open.matter, open.effective_from_ms);
            let call = AuthorityCall::Vote { ballot: vote.ballot, matter, effective_from_ms, choice };
            hand_in(call, &vote.signing, format).await
        }
    }
}

/// Signs a call of an administrator or a voter, and hands it in.
pub(super) async fn hand_in(call: AuthorityCall, signing: &Signing, format: Format) -> anyhow::Result<ExitCode> {
    let posting = signing.signer.posting.clone().context("say under which posting with --posting")?;
    let invocation = Invocation { posting, call: Call::Authority(call) };
    super::record::hand_in_call(&invocation, signing, format).await
}

/// What of a node's status is needed here.
#[derive(Deserialize)]
pub(super) struct ChainStatus {
    pub(super) chain: Hash,
    pub(super) head_time_ms: u64,
}

pub(super) async fn chain_of(client: &Client) -> anyhow::Result<ChainStatus> {
    Ok(client.get_json("/v1/status", &[]).await?)
}

async fn fetch(client: &Client, ballot: &BallotId) -> anyhow::Result<ShownBallot> {
    Ok(client.get_json("/v1/ballot", &[("ballot", ballot.to_string())]).await?)
}

async fn list(list: &List, format: Format) -> anyhow::Result<ExitCode> {
    let client = Client::new(&list.url)?;
    let head_time_ms = chain_of(&client).await?.head_time_ms;
    let mut ballots: Vec<ShownBallot> = Vec::new();
    let mut from = Some(0_u64);
    while let Some(number) = from {
        let page: Page<ShownBallot> = client.get_json("/v1/ballots", &[("from", number.to_string())]).await?;
        ballots.extend(page.items);
        from = page.next;
    }
    ballots.retain(|shown| !list.open || shown.is_open(head_time_ms));
    match format {
        Format::Json => print(&serde_json::to_string(&ballots)?)?,
        Format::Text => {
            for shown in &ballots {
                print(&format!("{}\n{}\n", shown.id, describe(shown, format)?))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl ShownBallot {
    /// Whether it still gathers votes at the head's time.
    fn is_open(&self, head_time_ms: u64) -> bool {
        self.ballot.carried_at_ms.is_none() && head_time_ms < self.ballot.effective_from_ms
    }
}

fn describe(shown: &ShownBallot, format: Format) -> anyhow::Result<String> {
    if let Format::Json = format {
        return Ok(serde_json::to_string(shown)?);
    }
    let ballot = &shown.ballot;
    let mut lines = vec![fact("matter", serde_json::to_string(&ballot.matter)?)];
    lines.extend(ballot.votes.iter().map(|vote| fact("vote", format!("{} {:?}", vote.department, vote.choice))));
    lines.push(fact("effective", format!("from {}", ist(ballot.effective_from_ms))));
    lines.push(match ballot.carried_at_ms {
        Some(at_ms) => fact("carried", ist(at_ms)),
        None => fact("open", format!("until {}", ist(ballot.effective_from_ms))),
    });
    if let Some(outcome) = &shown.outcome {
        lines.push(fact("outcome", serde_json::to_string(outcome)?));
    }
    Ok(lines.join("\n"))
}
