//! Talking to a node over REST.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::block::Attachment;
use dalil_ledger::codec;
use dalil_ledger::transaction::SignedTransaction;
use reqwest::header::RETRY_AFTER;
use tokio_rustls::rustls::ClientConfig;

use super::https;
use crate::legible::legible;
use crate::shell::http::{Problem, Submitted, SubmittedRecord};
use crate::trust::{Speaks, trusting};

/// Where a node listens if nothing says otherwise.
pub(crate) const URL_DEFAULT: &str = "http://127.0.0.1:8080";
/// How long a request may take in all.
const TIMEOUT: Duration = Duration::from_secs(65);

/// How long a node may say that it is asked too often.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait after that, if the node does not say.
const BACK_OFF: Duration = Duration::from_secs(1);
/// The longest answer that is read where no other limit is set, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// The longest problem document that is read, in bytes.
const PROBLEM_BYTES_MAX: usize = 16 << 10;

/// How long a stream may be silent; nodes show several times in that time that they are there.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(50);

/// A certificate that is trusted beside the system's, as the user named it.
static CA: OnceLock<PathBuf> = OnceLock::new();

/// Trusts a PEM file's certificates in all that this process asks from now on.
pub(crate) fn trust(ca: PathBuf) {
    // The command line is read once.
    let _set = CA.set(ca);
}

/// A node's REST interface.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// For `https://`.
    tls: Option<Arc<ClientConfig>>,
    base: String,
}

/// A request that was understood and refused, or not understood.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ClientError {
    /// The node says why.
    #[error("{}: {}", legible(&.0.code), legible(&.0.detail))]
    Problem(Problem),
    /// No answer.
    #[error("no answer from {0}: {1}")]
    Unreachable(String, String),
    /// More than is read.
    #[error("{0} answers with more than {1} bytes")]
    TooLong(String, usize),
}

impl Client {
    /// The node at `base`, such as `http://127.0.0.1:8080`.
    pub(crate) fn new(base: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().context("HTTP client")?;
        let secure = base.starts_with("https://");
        let trust = || trusting(CA.get().map(PathBuf::as_path), Speaks::Newest).map(Arc::new);
        let tls = secure.then(trust).transpose()?;
        Ok(Self { http, tls, base: base.trim_end_matches('/').to_owned() })
    }

    /// The node's address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Status and body of a GET.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        self.get_query(path, &[]).await
    }

    /// As [`Self::get`], with a query.
    pub(crate) async fn get_query(&self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, ClientError> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base)).map_err(|error| self.unreachable(&error))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let response = self.send(self.http.get(url)).await?;
        self.body(response).await
    }

    /// A GET of at most so many bytes, asked again where the node says that it is asked too often.
    pub(crate) async fn get_patiently(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, ClientError> {
        let url = format!("{}{path}", self.base);
        self.patiently(|| self.http.get(&url), bytes_max).await
    }

    /// A POST of JSON, as [`Self::get_patiently`].
    pub(crate) async fn post_patiently(
        &self,
        path: &str,
        body: &(impl serde::Serialize + Sync),
        bytes_max: usize,
    ) -> Result<Vec<u8>, ClientError> {
        let url = format!("{}{path}", self.base);
        self.patiently(|| self.http.post(&url).json(body), bytes_max).await
    }

    /// Asks until the node has room, for a while.
    async fn patiently(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
        bytes_max: usize,
    ) -> Result<Vec<u8>, ClientError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let response = self.send(request()).await?;
            let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let after = after.map_or(BACK_OFF, Duration::from_secs).max(BACK_OFF);
            match self.read(response, bytes_max).await {
                Err(ClientError::Problem(problem)) if is_busy(&problem) && Instant::now() + after < deadline => {
                    tokio::time::sleep(after).await;
                }
                answer => return answer,
            }
        }
    }

    /// A GET whose answer is JSON.
    pub(crate) async fn get_json<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        let bytes = self.get_query(path, query).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreachable(&error))
    }

    /// A POST of JSON whose answer is JSON.
    pub(crate) async fn post_json<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let response = self.send(self.http.post(url).json(body)).await?;
        let bytes = self.body(response).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreachable(&error))
    }

    /// Hands in a signed record and waits for finality up to `wait_ms`.
    pub(crate) async fn submit(
        &self,
        record: &SignedTransaction,
        attachment: Option<&Attachment>,
        wait_ms: u64,
    ) -> Result<Submitted, ClientError> {
        let submitted = SubmittedRecord {
            record: BASE64.encode(codec::encode(record)),
            attachment: attachment.map(|list| list.leaves.iter().map(|leaf| BASE64.encode(leaf)).collect()),
        };
        let url = format!("{}/v1/records?wait_ms={wait_ms}", self.base);
        let response = self.send(self.http.post(url).json(&submitted)).await?;
        let bytes = self.body(response).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreachable(&error))
    }

    /// A stream of server-sent events, from after `last_id`.
    pub(crate) async fn stream(
        &self,
        path: &str,
        query: &[(&str, String)],
        last_id: Option<&str>,
    ) -> Result<reqwest::Response, ClientError> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base)).map_err(|error| self.unreachable(&error))?;
        url.query_pairs_mut().extend_pairs(query);
        let http = reqwest::Client::builder().connect_timeout(TIMEOUT).read_timeout(SILENCE_MAX).build();
        let mut request = http.map_err(|error| self.unreachable(&error))?.get(url);
        if let Some(last_id) = last_id {
            request = request.header("last-event-id", last_id);
        }
        let response = match &self.tls {
            Some(_) => self.send(request).await?,
            None => request.send().await.map_err(|error| self.unreachable(&error))?,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        match self.body(response).await {
            Err(error) => Err(error),
            Ok(_) => Err(self.unreachable(&"no stream")),
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, ClientError> {
        let Some(tls) = &self.tls else {
            return request.send().await.map_err(|error| self.unreachable(&anyhow::Error::from(error.without_url())));
        };
        let request = request.build().map_err(|error| self.unreachable(&error))?;
        let sent = tokio::time::timeout(TIMEOUT, https::send(tls.clone(), request)).await;
        sent.map_err(|_| self.unreachable(&"it takes too long"))?
            .map_err(|error| self.unreachable(&format!("{error:#}")))
    }

    async fn body(&self, response: reqwest::Response) -> Result<Vec<u8>, ClientError> {
        self.read(response, ANSWER_BYTES_MAX).await
    }

    async fn read(&self, mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, ClientError> {
        let status = response.status();
        let bytes_max = if status.is_success() { bytes_max } else { PROBLEM_BYTES_MAX };
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len().saturating_add(chunk.len()) > bytes_max {
                return Err(ClientError::TooLong(self.base.clone(), bytes_max));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let problem = serde_json::from_slice(&bytes).unwrap_or_else(|_| Problem {
            status: status.as_u16(),
            code: "http".to_owned(),
            detail: format!("{status}: {}", String::from_utf8_lossy(&bytes).chars().take(200).collect::<String>()),
        });
        Err(ClientError::Problem(problem))
    }

    fn unreachable(&self, error: &dyn std::fmt::Display) -> ClientError {
        ClientError::Unreachable(self.base.clone(), legible(&format!("{error:#}")))
    }
}

/// Whether a node says that it has no room now, and nothing against the request.
fn is_busy(problem: &Problem) -> bool {
    problem.status == 429 || (problem.status == 503 && problem.code == "busy")
}
