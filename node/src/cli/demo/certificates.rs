//! Certificates: a batch of board results, a certificate revoked for fraud, and a class struck by order.

use dalil_contracts::Call;
use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{Batch, BatchLeaf, CertificateCall, LEAVES_MAX, Origin};
use dalil_contracts::units::DAY_MS;
use dalil_ledger::block::Attachment;
use dalil_ledger::codec::{self, Set};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::Uri;
use dalil_ledger::receipt::Question;
use serde_json::json;

use super::papers::{document, random};
use super::sample::Sample;
use super::stage::Stage;
use super::summary::day;
use crate::verification::leaf_uri;

const SHOWPIECE: &str = include_str!("../../../../testnet/sample/certificate-showpiece.json");

/// The result that an employer checks, counted from 1.
const CHOSEN: u32 = 4_017;
/// LGD code of Kolkata, where the board sits.
const KOLKATA: u32 = 315;
/// The caste certificate that is revoked.
const FRAUDULENT: &str = "in.gov.wb.district-ST-c41d7be0a96f3582";
/// The caste certificate whose class is struck.
const STRUCK: &str = "in.gov.wb.district-OBC-08e5f2a7719cd46b";
/// 2024-05-22T00:00+05:30, the day of effect of the class strike.
const STRUCK_FROM_MS: u64 = 1_716_316_200_000;

/// Plays the certificates' story.
pub(super) async fn play(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.summary.section("Certificates: board results, a fraud, a class struck by order");
    results(stage).await?;
    let story = Sample::read(SHOWPIECE)?;
    revoke(stage, &story).await?;
    strike(stage, &story).await
}

/// Makes the files of all results and the list of leaves.
fn make_results(stage: &mut Stage<'_>) -> anyhow::Result<Attachment> {
    let folder = stage.papers.path("results").with_extension("");
    std::fs::create_dir_all(&folder)?;
    let leaf = |place: u32| {
        let number = format!("MDK-T-{place:04}");
        let uri: Uri = format!("in.gov.wb.education-MDK-{}", hex::encode(random::<8>()?)).parse()?;
        let content = json!({ "title": "Madhyamik result", "uri": uri, "number": number, "marks": 350 + place % 300 });
        let (bytes, digest) = document(&format!("board result {number}"), content)?;
        std::fs::write(folder.join(format!("{number}.json")), bytes)?;
        let leaf = BatchLeaf {
            uri,
            number: number.parse()?,
            digest,
            subject: stage.papers.commit(&format!("candidate {number}"))?.to_string().parse()?,
            valid_from_ms: stage.start_ms,
            valid_until_ms: None,
            claims_root: None,
            classes: Set::default(),
        };
        Ok(codec::encode(&leaf))
    };
    Ok(Attachment { leaves: (1..=LEAVES_MAX).map(leaf).collect::<anyhow::Result<_>>()? })
}

async fn results(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let list = make_results(stage)?;
    let batch = Batch {
        kind: "MDK".parse()?,
        place: Place::district(KOLKATA),
        origin: Origin::Decided,
        root: list.root(),
        count: LEAVES_MAX,
    };
    let call = Call::Certificate(CertificateCall::IssueBatch(batch));
    let said = stage.submit("education/board", call, Some(&list)).await?;
    let words = "The board issues 4,096 results in one record; the list of all travels with its block";
    stage.summary.step("4,096 board results issued as a batch", "recorded", &said.in_short(), words);

    // From here on the employer: the candidate's file, two receipts, the pin.
    let leaf = list.leaves.get(CHOSEN as usize - 1).map(Vec::as_slice).unwrap_or_default();
    let uri = leaf_uri(leaf).ok_or_else(|| anyhow::anyhow!("result {CHOSEN} has no URI"))?;
    let file = stage.papers.path("results").with_extension("").join(format!("MDK-T-{CHOSEN}.json"));
    let digest = sha256(&std::fs::read(file)?);
    let words = "A candidate shows an employer the file of the 4,017th; the employer checks it offline";
    let receipt = ("result-4017", "the 4,017th result verified offline");
    stage.expect_status(receipt, (&Question::Digest(digest), None), "valid", words).await?;
    let included = stage.ask_inclusion("result-4017", ("uri", uri.to_string())).await?;
    let got = match &included {
        Ok(inclusion) => inclusion.document.as_deref().map_or("no leaf".to_owned(), |leaf| said_by(leaf, &digest)),
        Err(why) => format!("could_not_check ({})", why.code()),
    };
    let words = "And its place in the batch: file → leaf → batch's root → record → log → cosigned checkpoint";
    stage.summary.step("the 4,017th result stands in the batch", "this file's leaf", &got, words);
    Ok(())
}

/// Whether a batch's leaf is about the file with this digest.
fn said_by(leaf: &[u8], digest: &Hash) -> String {
    match codec::decode::<BatchLeaf>(leaf, leaf.len()) {
        Ok(leaf) if leaf.digest == *digest => "this file's leaf".to_owned(),
        Ok(leaf) => format!("leaf of {}", leaf.uri),
        Err(error) => error.to_string(),
    }
}

async fn revoke(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    let shown = Question::Uri(FRAUDULENT.parse()?);
    let content = json!({ "title": "Caste certificate (ST)", "number": "ST-T-03", "uri": FRAUDULENT });
    stage.papers.write("file of caste certificate ST-T-03", content)?;
    stage.play(story, "ST-T-03 issued", "The SDO of Bankura issues a caste certificate").await?;
    let words = "The certificate, checked offline";
    stage.expect_status(("st-t-03-when-issued", "ST-T-03 when issued"), (&shown, None), "valid", words).await?;
    let words = "The collector would revoke it, citing neither a hearing nor an order";
    stage.play(story, "ST-T-03 revoked without hearing or order", words).await?;
    let words =
        "After a hearing the collector revokes it for fraud, as from its issue; the reason is a salted commitment";
    stage.play(story, "ST-T-03 revoked for fraud", words).await?;
    let words = "The certificate, shown again";
    let receipt = ("st-t-03-after-revocation", "ST-T-03 after revocation for fraud");
    stage.expect_status(receipt, (&shown, None), "revoked (revoked)", words).await?;
    Ok(())
}

async fn strike(stage: &mut Stage<'_>, story: &Sample) -> anyhow::Result<()> {
    let shown = Question::Uri(STRUCK.parse()?);
    let content = json!({ "title": "Caste certificate (OBC-A)", "number": "OBC-T-04", "uri": STRUCK });
    stage.papers.write("file of caste certificate OBC-T-04", content)?;
    for (step, words) in [
        ("OBC-T-04 brought from the older register", "An OBC certificate of 2012 is brought from the older register"),
        ("class OBC-A struck", "An order strikes its class; lakhs of certificates by one record, which waits"),
        ("the strike confirmed by the same officer", "The officer who ordered it would confirm it too"),
        ("the strike confirmed by a second officer", "A second officer confirms it"),
    ] {
        stage.play(story, step, words).await?;
    }
    let words = "The certificate today";
    let receipt = ("obc-t-04-today", "OBC-T-04 struck by class");
    stage.expect_status(receipt, (&shown, None), "revoked (class_struck)", words).await?;
    let day_before_ms = STRUCK_FROM_MS - DAY_MS;
    let words = format!("The same, as of {}, the day before the strike has effect", day(day_before_ms));
    let receipt = ("obc-t-04-day-before", "OBC-T-04 as of the day before");
    stage.expect_status(receipt, (&shown, Some(day_before_ms)), "valid", &words).await?;
    Ok(())
}
