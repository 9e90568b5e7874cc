//! What a verifier sees where nothing was recorded, where a byte was changed, and over all that was acknowledged.

use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::Uri;
use dalil_ledger::receipt::{Exit, Question};

use super::check::{Changed, changed_inclusion, changed_status};
use super::land::OLD_EXTRACT;
use super::papers::random;
use super::stage::Stage;

/// Plays the verifier's story.
pub(super) async fn play(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.summary.section("Genuine or not: what a verifier sees");
    never_recorded(stage).await?;
    changed_document(stage).await?;
    changed_receipts(stage)?;
    all_acknowledged(stage).await
}

async fn never_recorded(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let words = "A file that nobody recorded: its absence is proven, which is not the same as forged";
    let receipt = ("never-recorded", "a digest never recorded");
    let asked = Question::Digest(Hash(random()?));
    stage.expect_status(receipt, (&asked, None), "not_on_record", words).await?;
    Ok(())
}

/// One digit of the extract's file is changed.
async fn changed_document(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let genuine = std::fs::read_to_string(stage.papers.path("file of new RoR 205"))?;
    let changed = genuine.replace("0.6600 acre", "9.6600 acre");
    std::fs::write(stage.papers.path("forged RoR 205"), &changed)?;
    let words = "The new RoR with one digit of its area changed";
    let receipt = ("forged-ror-205", "an RoR with one digit changed");
    let asked = Question::Digest(sha256(changed.as_bytes()));
    stage.expect_status(receipt, (&asked, None), "not_on_record", words).await?;
    Ok(())
}

/// One byte is changed in each part of a receipt in turn.
fn changed_receipts(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    std::fs::create_dir_all(stage.receipt("changed"))?;
    let old = Question::Uri(OLD_EXTRACT.parse::<Uri>()?);
    let verifier = stage.verifier.clone();

    let status = std::fs::read(stage.receipt("ror-205-after-set-aside.dalil-status"))?;
    let copies = changed_status(&status)?;
    report(stage, "one changed byte in a status receipt", "dalil-status", 6, copies, |path| {
        let checked = verifier.status(path, &old, None)?;
        Ok((Exit::of_status(&checked), checked.err().map(|why| why.to_string())))
    })?;

    let inclusion = std::fs::read_to_string(stage.receipt("ror-205.tlog-proof"))?;
    let copies = changed_inclusion(&inclusion);
    report(stage, "one changed byte in an inclusion receipt", "tlog-proof", 5, copies, |path| {
        let checked = verifier.inclusion(path)?;
        Ok((Exit::of_inclusion(&checked), checked.err().map(|why| why.to_string())))
    })
}

/// Checks copies with one byte changed. None may be accepted, and none may be missing.
fn report(
    stage: &mut Stage<'_>,
    step: &str,
    ending: &str,
    parts: usize,
    copies: Vec<Changed>,
    check: impl Fn(&std::path::Path) -> anyhow::Result<(Exit, Option<String>)>,
) -> anyhow::Result<()> {
    let mut found = Vec::new();
    let mut wrong = (copies.len() != parts).then(|| format!("{} of {parts} parts", copies.len()));
    for Changed { part, bytes } in copies {
        let path = stage.receipt(&format!("changed/{}.{ending}", part.replace(' ', "-")));
        std::fs::write(&path, bytes)?;
        let (exit, why) = check(&path)?;
        if exit != Exit::CouldNotCheck {
            wrong = Some(format!("{part}: {exit:?}"));
        }
        found.push(format!("{part:<12} exit {}  {}", exit.code(), why.unwrap_or_default()));
    }
    let got = wrong.unwrap_or_else(|| "could_not_check".to_owned());
    let words = format!("{} (receipts/changed), in each part in turn", capitalised(step));
    stage.summary.step(step, "could_not_check", &got, &words);
    for line in found {
        stage.summary.detail(&line);
    }
    Ok(())
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Whatever was acknowledged stands in the log, by a receipt each.
async fn all_acknowledged(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let expected: Vec<(u64, Hash)> = stage.acknowledged.iter().map(|record| (record.index, record.id)).collect();
    let mut missing = None;
    for (index, id) in &expected {
        let checked = stage.ask_inclusion(&format!("all/{index}"), ("index", index.to_string())).await?;
        let stands = checked.as_ref().is_ok_and(|inclusion| inclusion.index == *index && inclusion.record.id() == *id);
        if !stands {
            missing = Some(format!("entry {index}: {:?}", checked.err()));
        }
    }
    let got = missing.unwrap_or_else(|| "all in the log".to_owned());
    let words =
        format!("Each of the {} records acknowledged stands in the log, by an inclusion receipt", expected.len());
    stage.summary.step("every acknowledged record stands in the log", "all in the log", &got, &words);
    Ok(())
}
