//! `dalil demo`: four validators on this machine play the showpiece, and every answer of theirs is checked.
//!
//! [`stage`] runs the network, hands in what officers sign and asks questions; the stories are [`land`] with its
//! [`registers`], [`minerals`], [`certificates`], [`vote`] and [`genuine`] (what a verifier sees); their calls are the sample files in `testnet/sample`, which the
//! contracts' tests play too. [`papers`] keeps the documents, [`check`] verifies receipts from files alone, and
//! [`summary`] holds each step against what was expected. No node's word is believed: an answer counts only if the
//! ledger's own verifier finds it in a receipt under the pin, which is made with the network.

mod certificates;
mod check;
mod genuine;
mod land;
mod minerals;
mod papers;
mod registers;
mod sample;
mod stage;
mod summary;
mod vote;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use self::stage::Stage;
use self::summary::{Summary, clock};
use super::Format;
use super::testnet::{self, Generate, NetworkFile, Running, free_ports, told_to_end};
use crate::shell::clock::now_ms;

/// Validators of the demo.
const VALIDATORS: u16 = 4;
/// Where the first validator serves peers and clients, if these ports are free.
const P2P_PORT: u16 = 26_600;
const HTTP_PORT: u16 = 8_080;
/// Marks a folder as the demo's own, which the next run empties; locked while a demo plays there.
const LOCK: &str = ".demo";
/// What a program that was told to end by Ctrl-C gives back.
const INTERRUPTED: u8 = 130;

#[derive(Args)]
pub(crate) struct Demo {
    /// The folder for network, documents, receipts and summary; emptied at each run.
    #[arg(long, default_value = "target/demo")]
    dir: PathBuf,
    /// End after the story instead of staying up until Ctrl-C.
    #[arg(long)]
    exit: bool,
}

pub(crate) async fn run(demo: Demo, format: Format) -> anyhow::Result<ExitCode> {
    let begun_ms = now_ms();
    let mut summary = Summary::new(format);
    let _lock = fresh_folder(&demo.dir)?;
    summary.tell(&format!("{} — Dalil: a story in three departments, told by four validators", clock(begun_ms)));
    let network = testnet::generate(&Generate {
        dir: demo.dir.clone(),
        validators: usize::from(VALIDATORS),
        hosts: Vec::new(),
        p2p_port: free_ports(P2P_PORT, VALIDATORS)?,
        http_port: free_ports(HTTP_PORT, VALIDATORS)?,
        establishment: None,
    })?;
    let mut running = Running::start(&demo.dir, &network)?;
    let played = tokio::select! {
        played = play(&demo.dir, &network, &mut running, &mut summary) => Some(played),
        told = told_to_end() => told.map(|()| None)?,
    };
    let end = match &played {
        Some(Ok(())) => "played".to_owned(),
        Some(Err(error)) => format!("{error:#}"),
        None => "told to end".to_owned(),
    };
    if end != "played" {
        summary.step("the story is played to its end", "played", &end, "");
    }
    summary.write(&demo.dir.join("summary.json"))?;
    summary.tell(&format!("\nMade and played in {} s.", now_ms().saturating_sub(begun_ms).div_ceil(1_000)));
    let code = match played {
        None => ExitCode::from(INTERRUPTED),
        Some(played) => {
            let processes: Vec<_> = running.children.iter().map(tokio::process::Child::id).collect();
            summary.show(&demo.dir, &network, &processes);
            if !demo.exit && played.is_ok() {
                summary.tell("The validators stay up. Ctrl-C ends them.");
                told_to_end().await?;
            }
            if summary.all_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    };
    running.stop().await;
    Ok(code)
}

/// The whole showpiece.
async fn play(
    folder: &Path,
    network: &NetworkFile,
    running: &mut Running,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    running.ready(folder, network).await?;
    let mut stage = Stage::open(folder, network, summary)?;
    stage.introduce();
    land::play(&mut stage).await?;
    minerals::play(&mut stage).await?;
    certificates::play(&mut stage).await?;
    vote::play(&mut stage).await?;
    genuine::play(&mut stage).await?;
    stage.close()
}

/// An empty folder, locked. Whatever an earlier demo left is removed; a folder that is not a demo's is left alone.
fn fresh_folder(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK);
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    if !path.exists() && std::fs::read_dir(folder)?.next().is_some() {
        bail!("{} holds something else than a demo; choose another folder with --dir", folder.display());
    }
    let lock = File::create(&path)?;
    if lock.try_lock().is_err() {
        bail!("another demo plays in {}; end it, or choose another folder with --dir", folder.display());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        let removed = if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
        removed.with_context(|| format!("cannot remove {} of an earlier demo", entry.path().display()))?;
    }
    Ok(lock)
}
