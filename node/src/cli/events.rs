//! `dalil events`: listen to what happens on the chain, over breaks of the connection.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use tokio::time::{sleep, timeout};

use super::Format;
use super::client::{Client, ClientError, SILENCE_MAX};
use super::output::print;
use crate::shell::events::ShownEvent;
use crate::shell::http::Problem;
use crate::time::ist;

/// How long to wait before connecting again; doubled while it fails.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(30);
/// The longest line of a stream, in bytes. An event has a few hundred.
const LINE_BYTES_MAX: usize = 64 << 10;

#[derive(Args)]
pub(crate) struct Events {
    /// The first log index of interest; without it, what comes next.
    #[arg(long)]
    from: Option<u64>,
    /// Kinds such as land.deed_registered, or land.* for all of a room; joined by commas.
    #[arg(long, value_delimiter = ',')]
    kind: Vec<String>,
    /// LGD codes of districts.
    #[arg(long, value_delimiter = ',')]
    district: Vec<u32>,
    /// LGD codes of blocks.
    #[arg(long, value_delimiter = ',')]
    block: Vec<u32>,
    /// A subject such as plot/2795-51/257, or the beginning of one with a * behind it.
    #[arg(long)]
    subject: Option<String>,
    /// End after so many events.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// The node to listen to.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

impl Events {
    fn query(&self) -> Vec<(&'static str, String)> {
        let codes = |codes: &[u32]| codes.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let fields = [
            ("from", self.from.map(|from| from.to_string()).unwrap_or_default()),
            ("kind", self.kind.join(",")),
            ("district", codes(&self.district)),
            ("block", codes(&self.block)),
            ("subject", self.subject.clone().unwrap_or_default()),
        ];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

pub(crate) async fn run(events: &Events, format: Format) -> anyhow::Result<ExitCode> {
    let client = Client::new(&events.url)?;
    let (mut last_id, mut left) = (None, events.count);
    let mut wait = AGAIN_AFTER;
    loop {
        let why = match client.stream("/v1/events", &events.query(), last_id.as_deref()).await {
            Ok(mut response) => {
                let mut reader = Reader::default();
                let why = loop {
                    match timeout(SILENCE_MAX, response.chunk()).await {
                        Ok(Ok(Some(bytes))) => reader.take(&bytes)?,
                        Ok(Ok(None)) => break "the node ended the stream".to_owned(),
                        Ok(Err(error)) => break error.to_string(),
                        Err(_elapsed) => break "the node fell silent".to_owned(),
                    }
                    wait = AGAIN_AFTER;
                    for data in reader.events.drain(..) {
                        show(&data, format)?;
                        left = left.map(|left| left.saturating_sub(1));
                        if left == Some(0) {
                            return Ok(ExitCode::SUCCESS);
                        }
                    }
                };
                last_id = reader.last_id.or(last_id);
                why
            }
            Err(ClientError::Problem(Problem { status, code, detail })) if status < 500 => bail!("{code}: {detail}"),
            Err(error) => error.to_string(),
        };
        eprintln!("dalil: {why}; listening again in {} s", wait.as_secs());
        sleep(wait).await;
        wait = wait.saturating_mul(2).min(AGAIN_AFTER_MAX);
    }
}

fn show(data: &str, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return Ok(print(data)?);
    }
    let event: ShownEvent = serde_json::from_str(data)?;
    let place = event.place.map_or_else(String::new, |place| {
        place.block.map_or_else(|| place.district.to_string(), |block| format!("{}/{block}", place.district))
    });
    let time = ist(event.time_ms);
    Ok(print(&format!("{:>10}  {time}  {:<34} {:<10} {}", event.id, event.kind, place, event.subject))?)
}

/// Reads a stream of server-sent events: what was dispatched, and the id seen last.
#[derive(Default)]
struct Reader {
    line: Vec<u8>,
    id: Option<String>,
    data: Option<String>,
    last_id: Option<String>,
    events: Vec<String>,
}

impl Reader {
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() > LINE_BYTES_MAX {
                bail!("the node sent a line of more than {LINE_BYTES_MAX} bytes");
            }
            self.line.extend_from_slice(part);
            if self.line.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                self.line_ended(line.trim_end_matches(['\r', '\n']));
            }
        }
        Ok(())
    }

    fn line_ended(&mut self, line: &str) {
        if line.is_empty() {
            self.last_id = self.id.take().or(self.last_id.take());
            self.events.extend(self.data.take());
            return;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match name {
            "id" => self.id = Some(value),
            "data" => {
                self.data = Some(match self.data.take() {
                    Some(before) => format!("{before}\n{value}"),
                    None => value,
                });
            }
            _ => {}
        }
    }
}
