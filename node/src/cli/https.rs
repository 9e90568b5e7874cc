//! Requests to a node over TLS, each on a connection of its own.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use axum::body::Bytes;
use axum::http::{Request, Response, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::Body;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig};

/// Sends a request to its URL, whose server must be one that `config` trusts.
pub(super) async fn send(config: Arc<ClientConfig>, request: reqwest::Request) -> anyhow::Result<reqwest::Response> {
    let url = request.url().clone();
    let host = url.host_str().context("the address names no host")?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().context("the address names no port")?;
    let name = ServerName::try_from(host.clone()).with_context(|| format!("{host} is no name of a server"))?;
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| refused(&error, &host))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer's body.
    tokio::spawn(connection);
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut sent = Request::builder().method(request.method().clone()).uri(target);
    for (field, value) in request.headers() {
        sent = sent.header(field, value);
    }
    let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    let body = match request.body() {
        None => Bytes::new(),
        Some(body) => Bytes::copy_from_slice(body.as_bytes().ok_or_else(|| anyhow!("a body that is a stream"))?),
    };
    let sent = sent.header(header::HOST, authority).body(Full::new(body))?;
    let (head, body) = sender.send_request(sent).await?.into_parts();
    Ok(Response::from_parts(head, Body::wrap(body)).into())
}

/// Why there is no connection, for whoever can do something about it.
fn refused(error: &std::io::Error, host: &str) -> anyhow::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            // The latter: an authority of the same name with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => anyhow!(
                "nobody who is trusted here signed the server's certificate; name the authority's with --ca FILE, from a \
                 source that you trust"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                anyhow!("the server's certificate is not {host}'s")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                anyhow!("the server's certificate has expired")
            }
            other => anyhow!("the server's certificate: {other}"),
        },
        Some(
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion),
        ) => anyhow!("the server does not speak TLS 1.3"),
        _ => anyhow!("TLS: {error}"),
    }
}
