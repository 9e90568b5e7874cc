//! Minor minerals: a load of sand from the royalty to the works bill, the refusals on its way, and a clone.

use dalil_contracts::Call;
use dalil_contracts::mineral::challan::challan_uri;
use dalil_contracts::mineral::check::Checks;
use dalil_contracts::mineral::keys::checks_key;
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_ledger::receipt::Question;
use serde_json::json;

use super::sample::Sample;
use super::stage::{Said, Stage};

const SETUP: &str = include_str!("../../../../testnet/sample/mineral-setup.json");
const SHOWPIECE: &str = include_str!("../../../../testnet/sample/mineral-showpiece.json");

/// The load of the story.
const LOAD: &str = "9F27C4D1A6E0B358";
/// The load whose plate is seen twice.
const CLONED: &str = "A80D15F3C6427E9B";
/// What the story needs of the setup.
const SCENE: [&[&str]; 4] = [
    &[
        "block B-BANKURA-BENDA",
        "vehicle WB00S0001",
        "vehicle WB00S0002",
        "vehicle WB00S0003",
        "vehicle WB00S0004",
        "vehicle WB00S0005",
    ],
    &["auction of B-BANKURA-BENDA"],
    &["letter of intent for B-BANKURA-BENDA"],
    &["lease L-BANKURA-01"],
];

/// Plays the minerals' story.
pub(super) async fn play(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let setup = Sample::read(SETUP)?;
    let story = Sample::read(SHOWPIECE)?;
    stage.summary.section("Minor minerals: sand from Benda to Kolkata");
    let words = "The corporation auctions and leases a sand block at Benda; Transport registers five vehicles";
    stage.prepare_all(&setup, &SCENE, ("lease and vehicles brought in", words)).await?;
    carry(stage, &story).await?;
    refuse(stage, &story).await?;
    see_clone(stage, &story).await
}

async fn carry(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    let challan = json!({
        "title": "e-Challan", "number": LOAD, "mineral": "sand, 11.00 m³ (17.6 t)", "vehicle": "WB00S0001",
        "from": "Benda, Bankura", "to": "works yard, Kolkata", "route": "Benda – Arambagh – Kolkata, 150 km",
    });
    stage.papers.write(&format!("file of {LOAD}"), challan)?;
    let number: ChallanNumber = LOAD.parse()?;
    let shown = Question::Uri(challan_uri(&number));
    for (step, words) in [
        ("royalty, DMF and cess paid", "The treasury attests royalty, DMF and cess for 1,000 m³: ₹74,200"),
        ("permit for 1,000 m3 of sand", "The corporation grants the permit that uses the payment up"),
        ("challan for 11.00 m3 to Kolkata", "The lessee's agent issues a challan for truck WB00S0001"),
        ("second challan on the same truck", "A second challan on the same truck"),
        ("weighed and let out", "The truck is weighed and let out: 27.1 t gross, 9.5 t unladen"),
    ] {
        stage.play(story, step, words).await?;
    }
    let receipt = ("challan-on-the-road", "challan verified offline at a checkpost");
    let words = "At the checkpost in Hooghly an officer checks the challan offline";
    stage.expect_status(receipt, (&shown, None), "valid", words).await?;
    stage.play(story, "checked on the road", "And records the check").await?;
    let delivered = stage.play(story, "delivered at the works yard", "Delivered at the works yard in Kolkata").await?;
    let receipt = ("challan-shown-again", "the challan shown again");
    let words = "The same challan, shown for another load";
    stage.expect_status(receipt, (&shown, None), "consumed (delivered)", words).await?;
    if let Said::Recorded { time_ms, .. } = delivered {
        show_again(stage, &number, time_ms).await?;
    }
    stage.play(story, "delivered again", "Delivered a second time").await?;
    stage.play(story, "redeemed in a works bill", "Public Works accounts for the load in a bill").await?;
    Ok(())
}

/// An officer records that a used-up challan was shown.
async fn show_again(stage: &mut Stage<'_>, number: &ChallanNumber, ended_ms: u64) -> anyhow::Result<()> {
    let call: Call = serde_json::from_value(json!({ "mineral": { "check_challan": {
        "challan": LOAD,
        "vehicle": stage.papers.digest_of("vehicle WB00S0001")?,
        "place": { "post": "KOLKATA-PATROL-02", "district": 312, "point": { "lat_udeg": 22_900_000, "lon_udeg": 88_020_000 } },
        "observed_at_ms": ended_ms,
        "gross_kg": null,
    }}}))?;
    let said = stage.submit("home/police-hooghly", call, None).await?;
    let words = "A patrol records that a used-up challan was shown";
    stage.summary.step("the used-up challan is put on record", "recorded", &said.in_short(), words);
    expect_alert(stage, number, "a spent challan seen", "spent").await
}

async fn refuse(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    for (step, words) in [
        ("challan on a motorcycle", "Eleven cubic metres of sand on a motorcycle"),
        ("overloaded: 31.2 t on 28.5 t", "31.2 t on a truck for 28.5 t"),
        ("the same GRN for another permit", "The same payment for another permit"),
        ("a small payment", "A payment for 3 m³"),
        ("a permit for 3 m3", "And a permit for 3 m³"),
        ("11 m3 asked of a permit for 3 m3", "11 m³ asked of that permit"),
    ] {
        stage.play(story, step, words).await?;
    }
    Ok(())
}

async fn see_clone(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    for (step, words) in [
        ("another challan", "A challan for truck WB00S0004"),
        ("let out", "It leaves the gate"),
        ("checked at Bankura", "It is checked at Bankura"),
        ("the same plate 90 km away ten minutes later", "The same plate is seen 90 km away ten minutes later"),
    ] {
        stage.play(story, step, words).await?;
    }
    expect_alert(stage, &CLONED.parse()?, "a clone seen", "clone").await
}

/// Reads the alerts of a challan's checks out of the proven state.
async fn expect_alert(stage: &mut Stage<'_>, number: &ChallanNumber, step: &str, expected: &str) -> anyhow::Result<()> {
    let checks: Option<Checks> = stage.proven(&checks_key(number)).await?;
    let alerts = checks.map(|checks| serde_json::to_value(&checks.alerts)).transpose()?;
    let alerts: Vec<String> = alerts.map(serde_json::from_value).transpose()?.unwrap_or_default();
    let words = format!("Every officer sees the alert, from the proven state of challan {number}");
    stage.summary.step(step, expected, &alerts.join(", "), &words);
    stage.summary.detail(&format!("alert: {}", alerts.join(", ").to_uppercase()));
    Ok(())
}
