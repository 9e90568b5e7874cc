//! One post: resolve, judge the address, connect to that very address, sign, send, look at the status.
//!
//! Each post has a connection of its own. There is no proxy and no redirect: nobody but the configuration and the name's
//! public addresses decides where it goes.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use http_body_util::Full;
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
use super::signature::Secret;
use crate::trust::{Speaks, trusting};

/// The most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;
/// How long one of them may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// What is sent as `user-agent`.
const USER_AGENT: &str = concat!("dalil/", env!("CARGO_PKG_VERSION"));

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The name has no address.
    #[error("{0} cannot be resolved: {1}")]
    Unresolved(String, String),
    /// It must not go there.
    #[error("{host} is at {address}, which is {what}; a webhook goes to a public address unless allow_private = true")]
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
    /// It says that it is somewhere else.
    #[error("answered {0}, a redirect, which is not followed: set the url that it moved to")]
    Redirected(StatusCode),
    /// It did not take it.
    #[error("answered {0}; 2xx is expected")]
    Status(StatusCode),
}

/// Where a webhook posts.
pub(super) struct Target {
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
    pub(super) fn new(url: &Url, allow_private: bool, ca_file: Option<&Path>) -> anyhow::Result<Self> {
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

    /// Posts an event within `limit`. The timestamp is that of this attempt, UTC seconds.
    pub(super) async fn post(
        &self,
        secret: &Secret,
        id: &str,
        timestamp_s: u64,
        body: Bytes,
        limit: Duration,
    ) -> Result<(), DeliveryError> {
        let signature = secret.sign(id, timestamp_s, &body);
        let request = Request::post(&self.path)
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", signature)
            .body(Full::new(body))
            .map_err(|error| DeliveryError::Broken(error.to_string()))?;
        let status = timeout(limit, self.exchange(request)).await.map_err(|_| DeliveryError::Slow(limit))??;
        match status {
            _ if status.is_success() => Ok(()),
            _ if status.is_redirection() => Err(DeliveryError::Redirected(status)),
            _ => Err(DeliveryError::Status(status)),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<StatusCode, DeliveryError> {
        let stream = connect(&self.host, self.port, self.allow_private).await?;
        match &self.tls {
            None => send(stream, request).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                send(stream.map_err(|error| DeliveryError::Tls(error.to_string()))?, request).await
            }
        }
    }
}

/// Connects to the first address of the host that may be reached and answers. The address is judged here and used here: a
/// name that means another address a moment later changes nothing.
pub async fn connect(host: &str, port: u16, allow_private: bool) -> Result<TcpStream, DeliveryError> {
    let unresolved = |why: String| DeliveryError::Unresolved(host.to_owned(), why);
    let addresses = lookup_host((host, port)).await;
    let mut failed = unresolved("it has no address".to_owned());
    for address in addresses.map_err(|error| unresolved(error.to_string()))?.take(ADDRESSES_MAX) {
        if let Some(what) = not_public(address.ip()).filter(|_| !allow_private) {
            failed = DeliveryError::Refused { host: host.to_owned(), address: address.ip(), what };
            continue;
        }
        let connected = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = DeliveryError::Unreachable(address, error.to_string()),
        }
    }
    Err(failed)
}

/// Sends a request and returns the answer's status. The answer's body is not read.
async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, DeliveryError> {
    let broken = |error: hyper::Error| DeliveryError::Broken(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with this call, however it ends.
    let mut carrying = JoinSet::new();
    carrying.spawn(connection);
    Ok(sender.send_request(request).await.map_err(broken)?.status())
}
