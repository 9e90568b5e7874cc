//! What departments decide together: a certificate type added by vote while the network runs, a certificate of it, and one
//! claim of that shown to a bank.

use std::collections::BTreeMap;
use std::time::Duration;

use dalil_contracts::Call;
use dalil_ledger::claims::{ClaimName, ClaimValue, HolderFile, Presentation};
use dalil_ledger::receipt::{Answer, Question};
use serde_json::{Value, json};

use super::papers::random;
use super::stage::Stage;
use super::summary::clock;
use crate::shell::clock::now_ms;

/// The type's code.
const KIND: &str = "EWS";
/// The certificate of the story.
const CERTIFICATE: &str = "in.gov.wb.district-EWS-5b80c6f2d914e37a";
/// How long the departments may take to vote, in milliseconds; what they decide has effect from then on.
const VOTES_TAKE_MS: u64 = 6_000;
/// Block time may lie behind this machine's clock by as much, in milliseconds.
const BLOCK_TIME_BEHIND_MS: u64 = 500;
/// The claim that the bank sees.
const SHOWN: &str = "annual_income_rupees";

/// Plays the vote's story.
pub(super) async fn play(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.summary.section("Together: a new certificate type by vote, and one claim shown");
    let (held, call) = make(stage)?;
    vote(stage, &call).await?;
    let said = stage.submit("district/sdo-bankura", call, None).await?;
    let words = "Now the SDO of Bankura issues one: no release, no restart";
    stage.summary.step("a certificate of the new type issued", "recorded", &said.in_short(), words);

    let words = "The certificate, checked offline";
    let asked = Question::Uri(CERTIFICATE.parse()?);
    let receipt = ("ews-1", "a certificate of the new type verified offline");
    if let Some(answer) = stage.expect_status(receipt, (&asked, None), "valid", words).await? {
        show(stage, &held, &answer)?;
    }
    Ok(())
}

/// The holder's file with all claims, and the call that issues the certificate with their root.
fn make(stage: &mut Stage<'_>) -> anyhow::Result<(HolderFile, Call)> {
    let claims = [("name", "Mina Mandi"), ("district", "Bankura"), (SHOWN, "96000"), ("family_size", "5")];
    let claims = claims.into_iter().map(|(name, value)| Ok((name.parse()?, value.parse()?)));
    let claims: BTreeMap<ClaimName, ClaimValue> = claims.collect::<anyhow::Result<_>>()?;
    let held = HolderFile::make(CERTIFICATE.parse()?, claims, random)?;
    std::fs::write(stage.papers.path("ews-1").with_extension("dalil-claims"), held.to_bytes())?;
    let digest = stage.papers.write("file of EWS-1", json!({ "title": "Certificate of income and assets (EWS)" }))?;
    let call = serde_json::from_value(json!({ "certificate": { "issue": {
        "kind": KIND,
        "place": { "district": 305, "block": null, "lease": null },
        "origin": "decided",
        "certificate": {
            "uri": CERTIFICATE,
            "number": "EWS-1",
            "digest": digest,
            "subject": stage.papers.commit("holder EWS-1")?,
            "valid_from_ms": stage.start_ms,
            "valid_until_ms": null,
            "claims_root": held.root(),
            "classes": [],
        },
    } } }))?;
    Ok((held, call))
}

/// Three departments carry the type. Until its time it does not exist, as `issue` is told.
async fn vote(stage: &mut Stage<'_>, issue: &Call) -> anyhow::Result<()> {
    let effective_ms = now_ms().saturating_add(VOTES_TAKE_MS);
    let ballot: Call = serde_json::from_value(json!({ "authority": { "vote": {
        "ballot": "type-ews",
        "matter": { "certificate_type": kind() },
        "effective_from_ms": effective_ms,
        "choice": "approve",
    } } }))?;
    for (voter, words) in [
        ("land/voter", "Land proposes a certificate for economically weaker sections"),
        ("minerals/voter", "Minerals votes for it"),
        ("finance/voter", "Finance votes for it: three of four carry it"),
    ] {
        let said = stage.submit(voter, ballot.clone(), None).await?;
        stage.summary.step(&format!("{voter} for the new type"), "recorded", &said.in_short(), words);
    }
    let said = stage.submit("minerals/voter", ballot, None).await?;
    stage.summary.step("a second vote of Minerals", "refused A8", &said.in_short(), "Minerals would vote twice");
    let said = stage.submit("district/sdo-bankura", issue.clone(), None).await?;
    let words = format!("It has effect from {}; sooner nothing can be issued", clock(effective_ms));
    stage.summary.step("the type before its time", "refused C2", &said.in_short(), &words);
    let wait_ms = effective_ms.saturating_add(BLOCK_TIME_BEHIND_MS).saturating_sub(now_ms());
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    Ok(())
}

fn kind() -> Value {
    json!({
        "code": KIND, "department": "district", "role": "sdo", "place": "district", "validity": "unlimited",
        "classes": [], "struck_by": null, "claims": [SHOWN, "district", "family_size", "name"],
        "status_age_max_ms": 86_400_000, "clock_ms": 1_814_400_000,
    })
}

/// The holder shows the income and nothing else; the bank holds it against the proven entry.
fn show(stage: &mut Stage<'_>, held: &HolderFile, answer: &Answer) -> anyhow::Result<()> {
    let receipt = std::fs::read_to_string(stage.receipt("ews-1.dalil-status"))?;
    let presentation = Presentation::disclose(held, &[SHOWN.parse()?], Some(receipt))?.to_bytes();
    let path = stage.receipt("ews-1-income.json");
    std::fs::write(&path, &presentation)?;
    let words = "The holder shows a bank the income alone; name, district and family stay with the holder";
    stage.summary.step("one claim shown", "annual_income_rupees 96000", &seen(&presentation, answer), words);
    let text = String::from_utf8(presentation)?;
    let changed = text.replacen("\"96000\"", "\"69000\"", 1);
    let words = "The same with another income written in";
    stage.summary.step("a changed claim", "not of the document", &seen(changed.as_bytes(), answer), words);
    Ok(())
}

/// The claims that belong to the document.
fn seen(presentation: &[u8], answer: &Answer) -> String {
    let Some(entry) = &answer.entry else { return "not on record".to_owned() };
    match Presentation::parse(presentation) {
        Ok(shown) if shown.verify(entry).is_ok() => {
            let claims = shown.claims().map(|claim| format!("{} {}", claim.name, claim.value.as_str()));
            claims.collect::<Vec<_>>().join(", ")
        }
        Ok(_) => "not of the document".to_owned(),
        Err(error) => error.to_string(),
    }
}
