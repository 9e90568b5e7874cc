//! `dalil parameter`: the value in force, and those to come. What each parameter means: docs/parameters.md.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use dalil_contracts::authority::parameters::ParameterName;

use super::Format;
use super::client::Client;
use super::output::{fact, print};
use crate::shell::http::{Page, ShownParameter};
use crate::time::ist;

#[derive(Subcommand)]
pub(crate) enum ParameterCommand {
    /// List all parameters with the values in force.
    List(List),
    /// Show one parameter with all its dated values.
    Show(Show),
}

#[derive(Args)]
pub(crate) struct List {
    /// The node to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

#[derive(Args)]
pub(crate) struct Show {
    /// Its name, such as mineral/royalty/SAND.
    name: ParameterName,
    /// The node to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

pub(crate) async fn run(command: ParameterCommand, format: Format) -> anyhow::Result<ExitCode> {
    let text = match command {
        ParameterCommand::List(list) => describe_all(&fetch_all(&Client::new(&list.url)?).await?, format)?,
        ParameterCommand::Show(show) => {
            let query = [("name", show.name.to_string())];
            describe(&Client::new(&show.url)?.get_json("/v1/parameter", &query).await?, format)?
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

async fn fetch_all(client: &Client) -> anyhow::Result<Vec<ShownParameter>> {
    let mut parameters = Vec::new();
    let mut from = Some(0_u64);
    while let Some(number) = from {
        let page: Page<ShownParameter> = client.get_json("/v1/parameters", &[("from", number.to_string())]).await?;
        parameters.extend(page.items);
        from = page.next;
    }
    parameters.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parameters)
}

fn in_force(parameter: &ShownParameter) -> String {
    parameter.in_force.map_or_else(|| "none yet".to_owned(), |value| value.to_string())
}

fn describe_all(parameters: &[ShownParameter], format: Format) -> anyhow::Result<String> {
    if let Format::Json = format {
        return Ok(serde_json::to_string(parameters)?);
    }
    let lines = parameters.iter().map(|parameter| format!("{:<48} {}", parameter.name, in_force(parameter)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn describe(parameter: &ShownParameter, format: Format) -> anyhow::Result<String> {
    if let Format::Json = format {
        return Ok(serde_json::to_string(parameter)?);
    }
    let mut lines = vec![fact("parameter", &parameter.name), fact("in force", in_force(parameter))];
    lines.extend(
        parameter.values.iter().map(|dated| fact("value", format!("{} from {}", dated.value, ist(dated.from_ms)))),
    );
    Ok(lines.join("\n"))
}
