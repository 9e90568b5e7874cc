//! Whom this program believes to be the server that it wanted, where it speaks TLS as a client.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto, version};

/// Which versions of TLS are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// TLS 1.3, which every node speaks.
    Newest,
    /// TLS 1.2 too, for servers of others.
    Older,
}

/// Trusts the system's certificates, and those in the PEM file `ca`.
pub fn trusting(ca: Option<&Path>, speaks: Speaks) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        for certificate in CertificateDer::pem_file_iter(path).with_context(|| path.display().to_string())? {
            roots.add(certificate.with_context(|| path.display().to_string())?)?;
        }
    }
    let versions: &[_] = match speaks {
        Speaks::Newest => &[&version::TLS13],
        Speaks::Older => &[&version::TLS13, &version::TLS12],
    };
    ensure!(!roots.is_empty(), "the system trusts no certificate: install ca-certificates, or name a file with one");
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_protocol_versions(versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
