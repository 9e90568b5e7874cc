//! One post: resolve, judge the address, connect to that very address, send, read what may be read of the answer.
//!
//! Each post has a connection of its own. There is no proxy and no redirect: nobody but the configuration and the name's
//! public addresses decides where it goes.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::not_public;
use crate::trust::{Speaks, trusting};

/// The most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;
/// How long one of them may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// What is sent as `user-agent`.
const USER_AGENT: &str = concat!("dalil/", env!("CARGO_PKG_VERSION"));

/// Why a post got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The name has no address.
    #[error("{0} cannot be resolved: {1}")]
    Unresolved(String, String),
    /// It must not go there.
    #[error("{host} is at {address}, which is {what}; it must be a public address unless allow_private = true")]
    Refused {
        /// The name.
        host: String,
        /// Its address.
        address: IpAddr,
        /// Why not.
        what: &'static str,
    },
    /// Nobody answers there.
    #[error("cannot connect to {0}: {1}")]
    Unreachable(SocketAddr, String),
    /// The other side is not who it must be.
    #[error("TLS: {0}")]
    Tls(String),
    /// The conversation broke off.
    #[error("no answer: {0}")]
    Broken(String),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    Slow(Duration),
    /// The answer is longer than any good one.
    #[error("an answer of more than {0} bytes")]
    TooLong(usize),
    /// It says that it is somewhere else.
    #[error("answered {0}, a redirect, which is not followed: set the url that it moved to")]
    Redirected(StatusCode),
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status; no redirect.
    pub status: StatusCode,
    /// What the body is said to be.
    pub content_type: Option<String>,
    /// The body; empty if it was not to be read.
    pub body: Bytes,
}

/// Where posts go.
pub struct Target {
    host: String,
    port: u16,
    /// What stands in the `host` header.
    authority: String,
    /// Path and query.
    path: String,
    allow_private: bool,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Target {
    /// Refuses, in words, where a post cannot or must not go. Names are resolved, and their addresses judged, whenever
    /// something is posted; what is an address is judged now too.
    pub fn new(url: &Url, allow_private: bool, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        check(url, allow_private)?;
        let host = url.host_str().context("its url names no host")?;
        let port = url.port_or_known_default().context("its url names no port")?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let host = host.trim_matches(['[', ']']).to_owned();
        let tls = if url.scheme() == "https" {
            let name = ServerName::try_from(host.clone()).context("its url's host is no name of a server")?;
            Some((TlsConnector::from(Arc::new(trusting(ca_file, Speaks::Older)?)), name))
        } else {
            None
        };
        Ok(Self { host, port, authority, path, allow_private, tls })
    }

    /// Posts `body` with these header fields within `limit`. Of the answer's body up to `read_max` bytes are read, and it
    /// must not be longer; nothing is read where there is no `read_max`.
    pub async fn post(
        &self,
        fields: &[(&str, String)],
        body: Bytes,
        read_max: Option<usize>,
        limit: Duration,
    ) -> Result<Answered, OutboundError> {
        let mut request = Request::post(&self.path)
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONNECTION, "close");
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| OutboundError::Broken(error.to_string()))?;
        let answered = timeout(limit, self.exchange(request, read_max)).await;
        let answered = answered.map_err(|_| OutboundError::Slow(limit))??;
        if answered.status.is_redirection() {
            return Err(OutboundError::Redirected(answered.status));
        }
        Ok(answered)
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        read_max: Option<usize>,
    ) -> Result<Answered, OutboundError> {
        let stream = connect(&self.host, self.port, self.allow_private).await?;
        match &self.tls {
            None => send(stream, request, read_max).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                send(stream.map_err(|error| OutboundError::Tls(error.to_string()))?, request, read_max).await
            }
        }
    }
}

fn check(url: &Url, allow_private: bool) -> anyhow::Result<()> {
    ensure!(matches!(url.scheme(), "https" | "http"), "its url must begin with https://");
    ensure!(url.username().is_empty() && url.password().is_none(), "its url must hold no name and password");
    let host = url.host_str().context("its url names no host")?;
    if allow_private {
        return Ok(());
    }
    ensure!(url.scheme() == "https", "it needs https; http only where allow_private = true");
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let address: Option<IpAddr> = host.parse().ok();
    let private = match address {
        Some(address) => not_public(address),
        None => (host == "localhost" || host.ends_with(".localhost")).then_some("loopback"),
    };
    match private {
        Some(what) => bail!("{host} is {what}: it must be a public address unless allow_private = true"),
        None => Ok(()),
    }
}

/// Connects to the first address of the host that may be reached and answers. The address is judged here and used here: a
/// name that means another address a moment later changes nothing.
pub async fn connect(host: &str, port: u16, allow_private: bool) -> Result<TcpStream, OutboundError> {
    let unresolved = |why: String| OutboundError::Unresolved(host.to_owned(), why);
    let addresses = lookup_host((host, port)).await;
    let mut failed = unresolved("it has no address".to_owned());
    for address in addresses.map_err(|error| unresolved(error.to_string()))?.take(ADDRESSES_MAX) {
        if let Some(what) = not_public(address.ip()).filter(|_| !allow_private) {
            failed = OutboundError::Refused { host: host.to_owned(), address: address.ip(), what };
            continue;
        }
        let connected = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = OutboundError::Unreachable(address, error.to_string()),
        }
    }
    Err(failed)
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    read_max: Option<usize>,
) -> Result<Answered, OutboundError> {
    let broken = |error: hyper::Error| OutboundError::Broken(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with this call, however it ends.
    let mut carrying = JoinSet::new();
    carrying.spawn(connection);
    let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = match read_max {
        None => Bytes::new(),
        Some(most) => match Limited::new(body, most).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(OutboundError::TooLong(most)),
            Err(error) => return Err(OutboundError::Broken(error.to_string())),
        },
    };
    Ok(Answered { status: head.status, content_type, body })
}
