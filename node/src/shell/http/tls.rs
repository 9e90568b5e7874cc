//! TLS 1.3 for clients (rustls, ring): browsers offer the camera and WebCrypto over HTTPS only.
//!
//! The handshake is part of a connection's own task, so a client that dawdles keeps nobody waiting. Files that changed are read
//! again while the node runs: a renewed certificate takes effect without a restart, a broken one does not.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context as Wake, Poll, ready};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, crypto, version};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use tracing::{error, info};

use super::config::TlsConfig;
use crate::shell::home::check_private;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Certificate and key, as they were when the files were read last.
#[derive(Debug)]
struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(certificate: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.with_context(|| format!("cannot read the certificate {}", certificate.display()))?;
    anyhow::ensure!(!chain.is_empty(), "{} holds no certificate", certificate.display());
    check_private(key)?;
    let secret = PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot read the key {}", key.display()))?;
    let read = CertifiedKey::from_der(chain, secret, &crypto::ring::default_provider());
    read.with_context(|| format!("{} and {} do not go together", certificate.display(), key.display()))
}

impl Certificates {
    /// When the files were written last; none if that cannot be told.
    fn written(&self) -> Option<(SystemTime, SystemTime)> {
        let time = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        Some((time(&self.certificate)?, time(&self.key)?))
    }

    fn reload(&self) -> anyhow::Result<()> {
        let fresh = Arc::new(read(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

/// The node's side of TLS. Whoever drops it stops looking at the files.
pub struct Tls {
    acceptor: TlsAcceptor,
    watching: AbortHandle,
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Tls {
    /// Reads certificate and key, whose paths may be relative to `home`, and watches them.
    pub fn open(home: &Path, config: &TlsConfig) -> anyhow::Result<Self> {
        Self::watching(home, config, LOOK_EVERY)
    }

    /// The same, with another time between looks.
    pub fn watching(home: &Path, config: &TlsConfig, look_every: Duration) -> anyhow::Result<Self> {
        let (certificate, key) = (home.join(&config.certificate), home.join(&config.key));
        let current = RwLock::new(Arc::new(read(&certificate, &key)?));
        let certificates = Arc::new(Certificates { certificate, key, current });
        let server = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
        let server = server.with_protocol_versions(&[&version::TLS13])?.with_no_client_auth();
        let mut server = server.with_cert_resolver(certificates.clone());
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        let watching = tokio::spawn(watch(certificates, look_every)).abort_handle();
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), watching })
    }

    /// A connection whose handshake is to come.
    pub(super) fn accept(&self, stream: TcpStream) -> Stream {
        Stream::Handshake(Box::new(self.acceptor.accept(stream)))
    }
}

async fn watch(certificates: Arc<Certificates>, look_every: Duration) {
    let mut known = certificates.written();
    loop {
        tokio::time::sleep(look_every).await;
        let written = certificates.written();
        if written == known {
            continue;
        }
        match certificates.reload() {
            Ok(()) => {
                info!(certificate = %certificates.certificate.display(), "the certificate was renewed");
                known = written;
            }
            // The two files are not written at once: the next look may find them whole.
            Err(why) => error!(error = %format!("{why:#}"), "the certificate is not renewed; the old one goes on"),
        }
    }
}

/// A client's connection, plain or not.
pub(super) enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// The handshake goes on.
    Handshake(Box<Accept<TcpStream>>),
    /// With TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream that bytes pass through.
trait Bytes: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

impl Stream {
    /// The stream once the handshake is done.
    fn poll_open(&mut self, cx: &mut Wake<'_>) -> Poll<io::Result<Pin<&mut dyn Bytes>>> {
        if let Self::Handshake(accept) = self {
            let stream = ready!(Pin::new(accept.as_mut()).poll(cx))?;
            *self = Self::Tls(Box::new(stream));
        }
        match self {
            Self::Plain(stream) => Poll::Ready(Ok(Pin::new(stream))),
            Self::Tls(stream) => Poll::Ready(Ok(Pin::new(stream.as_mut()))),
            Self::Handshake(_) => Poll::Pending,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Wake<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_open(cx))?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Wake<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(cx))?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Wake<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(cx))?.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Wake<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Wake<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_open(cx))?.poll_shutdown(cx)
    }
}
