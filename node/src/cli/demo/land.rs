//! Land: a death, an inheritance, a sale, a signed extract, and a court that sets the sale's mutation aside.

use dalil_contracts::land::keys::{PlotId, plot_key};
use dalil_contracts::land::types::Plot;
use dalil_ledger::receipt::Question;
use serde_json::json;

use super::papers::slug;
use super::registers;
use super::sample::Sample;
use super::stage::Stage;

const SETUP: &str = include_str!("../../../../testnet/sample/land-setup.json");
const SHOWPIECE: &str = include_str!("../../../../testnet/sample/land-showpiece.json");
const SAMPLES: &str = include_str!("../../../../testnet/sample/land-samples.json");

/// The buyer's extract, which the court's order overtakes.
pub(super) const OLD_EXTRACT: &str = "in.gov.wb.land-ROR-3kX9vQ2mT7bLw0Zr";
/// The extract issued after the set-aside.
const NEW_EXTRACT: &str = "in.gov.wb.land-ROR-p8Yc5NfJ1sHd6Ea4";
/// The plot of the story: mouza Kenduapal (J.L. 106) in Kharagpur-I.
const PLOT: &str = "2991-106/150";

/// Plays the land's story.
pub(super) async fn play(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let setup = Sample::read(SETUP)?;
    let story = Sample::read(SHOWPIECE)?;
    stage.summary.section("Land: a death, three heirs, a sale, a court");
    let groups: [&[&str]; 2] =
        [&["mouza 2991-106", "mouza 2795-51"], &["older register of 2991-106", "older register of 2795-51"]];
    let words =
        "The land department brings two mouzas from its older register: Kenduapal in Kharagpur-I, Benda in Vishnupur";
    stage.prepare_all(&setup, &groups, ("older register of land brought in", words)).await?;
    inherit(stage, &story).await?;
    sell(stage, &story).await?;
    set_aside(stage, &story).await?;
    let samples = Sample::read(SAMPLES)?;
    second_sales(stage, &samples).await?;
    registers::play(stage, &setup, &samples, PLOT).await
}

async fn inherit(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    let certificate = json!({
        "title": "Certificate of death", "number": "DTH-2026-000117",
        "of": "the holder of khatian 2991-106/201", "issued by": "Registrar of births and deaths, Bankura",
    });
    stage.papers.write("file of death certificate 201", certificate)?;
    for (step, words) in [
        (
            "death certificate of the holder of khatian 201",
            "The registrar of births and deaths certifies the death of the holder of khatian 201",
        ),
        ("case M-2026-2991-0001 filed", "The heirs hand in an inheritance mutation with it at the land portal"),
        ("fee of M-2026-2991-0001", "The treasury attests that the fee of ₹500 is paid"),
        ("enquiry in M-2026-2991-0001", "The revenue inspector has enquired in the village"),
        ("notice in M-2026-2991-0001", "The BL&LRO gives notice to all parties"),
        ("hearing of M-2026-2991-0001", "The BL&LRO hears them"),
        ("inheritance allowed: three heirs, a third each", "The BL&LRO allows it: the shares move in the same record"),
    ] {
        stage.play(story, step, words).await?;
    }
    let words = "Plot 2991-106/150 (shali, 0.6600 acre) as the state proves it: three heirs, a third each";
    expect_shares(stage, "three heirs hold a third each", "202 1/3, 203 1/3, 204 1/3", words).await
}

async fn sell(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    let words = "One heir sells the third; the sub-registrar at Kharagpur registers the deed and does not judge title";
    stage.play(story, "one heir sells by registered deed", words).await?;
    let words = "The land department's system hears of the deed and mutates by itself: nobody travels, nobody waits";
    stage.play(story, "mutated without a hearing", words).await?;
    let words = "The buyer holds the third now, in khatian 205";
    expect_shares(stage, "the buyer holds the third", "203 1/3, 204 1/3, 205 1/3", words).await?;

    let digest = stage.papers.write("file of RoR 205", extract(OLD_EXTRACT, 1, "1/3"))?;
    let words = "The BL&LRO issues a signed extract (RoR) of the buyer's khatian";
    stage.play(story, "signed RoR of the buyer's khatian", words).await?;
    let words = "A bank checks the RoR's file offline, with a receipt and its pin: no node is asked";
    let receipt = ("ror-205-when-issued", "RoR verified offline");
    let answer = stage.expect_status(receipt, (&Question::Digest(digest), None), "valid", words).await?;
    let recorded = answer.and_then(|answer| answer.record).unwrap_or_default();

    let included = stage.ask_inclusion("ror-205", ("index", recorded.to_string())).await?;
    let got = match &included {
        Ok(inclusion) if inclusion.index == recorded => "recorded".to_owned(),
        Ok(inclusion) => format!("entry {}", inclusion.index),
        Err(why) => format!("could_not_check ({})", why.code()),
    };
    let words = "And that the record which issued it stands in the log (this says nothing about today)";
    stage.summary.step("RoR's record stands in the log", "recorded", &got, words);
    Ok(())
}

async fn set_aside(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    let words = "A court's entry officer tries to undo the inheritance below the sale: a later case rests on it";
    stage.play(story, "the court sets the inheritance aside, not knowing of the sale", words).await?;
    let words = "The court sets the sale's mutation aside (CNR-TEST-03)";
    stage.play(story, "the court sets the sale's mutation aside", words).await?;
    let words = "The third is the heir's again";
    expect_shares(stage, "the heir holds the third again", "202 1/3, 203 1/3, 204 1/3", words).await?;
    let old = Question::Uri(OLD_EXTRACT.parse()?);
    let words = "The same RoR, shown to the bank again";
    let receipt = ("ror-205-after-set-aside", "the same RoR after the set-aside");
    stage.expect_status(receipt, (&old, None), "superseded (source_changed)", words).await?;

    let digest = stage.papers.write("file of new RoR 205", extract(NEW_EXTRACT, 2, "none"))?;
    let words = "An extract of the version that is gone cannot be issued any more";
    stage.play(story, "new extract of the version that is gone", words).await?;
    let words = "The BL&LRO issues a new extract, which takes the old one's place";
    stage.play(story, "new extract", words).await?;
    let words = "The new RoR, checked offline";
    let receipt = (&*slug("new RoR 205"), "new RoR verified offline");
    stage.expect_status(receipt, (&Question::Digest(digest), None), "valid", words).await?;
    let words = "The same deed cannot slip through without a hearing once a court has looked at it";
    stage.play(story, "the sale's deed once more, without a hearing", words).await?;
    Ok(())
}

/// L3 and L2: a deed used twice, and a deed over more than is held.
async fn second_sales(stage: &mut Stage<'_>, samples: &Sample) -> anyhow::Result<()> {
    let words = "In Benda, khatian 101 sells one half of plot 257 by a registered deed, which is mutated at once";
    let groups: [&[&str]; 2] = [&["sale of one half of 2795/51/257"], &["mutated without a hearing"]];
    stage.prepare_all(samples, &groups, ("sale of one half in Benda, mutated", words)).await?;
    for (step, words) in [
        ("same deed again", "The same deed is put in a second time"),
        ("second deed by khatian 101, for the whole", "Khatian 101 sells the whole plot again: recorded, and flagged"),
        ("mutation by the second deed", "But title is judged at mutation: it holds one half, not the whole"),
    ] {
        stage.play(samples, step, words).await?;
    }
    Ok(())
}

/// Content of an extract of the buyer's khatian.
fn extract(uri: &str, version: u64, share: &str) -> serde_json::Value {
    json!({
        "title": "Record of rights: extract of a khatian", "uri": uri,
        "mouza": "Kenduapal, J.L. 106, Kharagpur-I, Paschim Medinipur",
        "khatian": "2991-106/205", "khatian version": version,
        "plots": [{ "plot": PLOT, "class": "shali", "area": "0.6600 acre", "share": share }],
        "notice": "This extract says what the office recorded. It confers no title.",
    })
}

/// Holds the plot's proven shares against what the story says.
async fn expect_shares(stage: &mut Stage<'_>, step: &str, expected: &str, words: &str) -> anyhow::Result<()> {
    let plot: Option<Plot> = stage.proven(&plot_key(&PLOT.parse::<PlotId>()?)).await?;
    let shares = plot.map(|plot| {
        let one = |holding: &dalil_contracts::land::types::Holding| format!("{} {}", holding.khatian, holding.share);
        plot.live_holdings().iter().map(one).collect::<Vec<_>>().join(", ")
    });
    let got = shares.unwrap_or_else(|| "no such plot".to_owned());
    stage.summary.step(step, expected, &got, words);
    stage.summary.detail(&format!("khatian and share: {got}"));
    Ok(())
}
