//! The land registers: a charge that a sale does not shake off, and a chain of title through a set-aside.

use dalil_contracts::land::history::PlotAct;
use dalil_contracts::land::registers::{ChainOfTitle, Encumbrances, Extent, Register, RegisterQuestion};
use serde::Deserialize;
use serde_json::Value;

use super::check::Checked;
use super::sample::Sample;
use super::stage::Stage;

/// The mortgaged plot of the story, in mouza 2878-10 of Chopra.
const MORTGAGED: &str = "2878-10/88";

/// What a node answers of a register; its word is not used, only the receipt.
#[derive(Deserialize)]
struct Said {
    receipt: Value,
}

/// Mortgages and sells a plot, and looks both plots of the story up; `inherited` is the one that was set aside.
pub(super) async fn play(
    stage: &mut Stage<'_>,
    setup: &Sample,
    samples: &Sample,
    inherited: &str,
) -> anyhow::Result<()> {
    stage.summary.section("The land registers: what a buyer's lawyer asks");
    let groups: [&[&str]; 2] = [&["mouza 2878-10"], &["older register of 2878-10"]];
    let words = "The land department brings in a mouza of Chopra";
    stage.prepare_all(setup, &groups, ("older register of Chopra brought in", words)).await?;
    for (step, words) in [
        ("mortgage of 2878/10/88", "Khatian 301 mortgages plot 88 to a bank"),
        ("charge entered", "The registration office enters the bank's charge"),
        ("sale of the mortgaged plot", "Khatian 301 sells the plot, and says nothing of the bank"),
        (
            "mutated; the charge carries over",
            "The sale is mutated: the buyer holds the plot, and the charge lies on it",
        ),
        ("release of a charge that is not there", "Somebody would release the charge by another instrument"),
    ] {
        stage.play(samples, step, words).await?;
    }

    let question = RegisterQuestion::Encumbrances(MORTGAGED.parse()?);
    let asked = ("encumbrances-2878-10-88", "/v1/land/encumbrances", MORTGAGED);
    let found = ask(stage, asked, &question).await?;
    let got = in_short(&found, |register| match register {
        Register::Encumbrances(found) => encumbrances(found),
        _ => None,
    });
    let words = "A buyer's lawyer searches for encumbrances; every value that the register reads is proven";
    stage.summary.step("the bank's charge is found after the sale", "rank 1, not satisfied", &got, words);

    let question = RegisterQuestion::Title(inherited.parse()?);
    let found = ask(stage, ("title-2991-106-150", "/v1/land/title", inherited), &question).await?;
    let got = in_short(&found, |register| match register {
        Register::Title(title) => acts(title),
        _ => None,
    });
    let words = "And the chain of title of the inherited plot, which leaves nothing out";
    stage.summary.step("chain of title through the set-aside", "mutated, mutated, set aside", &got, words);
    stage.summary.detail(&format!("oldest first: {got} (receipts/title-2991-106-150.dalil-register)"));
    Ok(())
}

/// Asks a node, keeps the receipt as `<name>.dalil-register`, and lets the verifier read the file.
async fn ask(
    stage: &mut Stage<'_>,
    (name, path, plot): (&str, &str, &str),
    question: &RegisterQuestion,
) -> anyhow::Result<Checked<Register>> {
    let node = stage.node_that_knows().await?;
    let said: Said = node.get_json(path, &[("plot", plot.to_owned())]).await?;
    let file = stage.receipt(&format!("{name}.dalil-register"));
    std::fs::write(&file, serde_json::to_vec_pretty(&said.receipt)?)?;
    stage.verifier.register(&file, question)
}

fn in_short(found: &Checked<Register>, words: impl Fn(&Register) -> Option<String>) -> String {
    match found {
        Ok(register) => words(register).unwrap_or_else(|| "another register, or not all of it".to_owned()),
        Err(why) => format!("could_not_check ({})", why.code()),
    }
}

/// The charges, by rank; none if the answer is not whole.
fn encumbrances(found: &Encumbrances) -> Option<String> {
    let one = |charge: &dalil_contracts::land::registers::Encumbrance| {
        let state = if charge.satisfied.is_some() { "satisfied" } else { "not satisfied" };
        format!("rank {}, {state}", charge.charge.rank)
    };
    (found.extent == Extent::Complete).then(|| found.charges.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// What happened to the plot, oldest first; none if the answer is not whole.
fn acts(title: &ChainOfTitle) -> Option<String> {
    let act = |act: &PlotAct| match act {
        PlotAct::Mutated { .. } => "mutated",
        PlotAct::SetAside { .. } => "set aside",
        _ => "something else",
    };
    let lines = title.lines.iter().rev().map(|line| act(&line.act));
    (title.extent == Extent::Complete).then(|| lines.collect::<Vec<_>>().join(", "))
}
