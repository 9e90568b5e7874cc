//! TLS over loopback: 1.3 alone, certificates renewed while the node runs, files that are wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dalil_node::shell::http::Tls;
use dalil_node::shell::http::config::TlsConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto, version};

use crate::site::Site;

const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(20);

fn config() -> TlsConfig {
    TlsConfig { certificate: "tls.pem".into(), key: "tls.key".into() }
}

/// Writes a new certificate of `localhost` and its key.
fn renew(home: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(home.join("tls.key"), made.key_pair.serialize_pem()).unwrap();
    std::fs::set_permissions(home.join("tls.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(home.join("tls.pem"), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

/// What `path` gives to a client that trusts `root` and speaks one version.
async fn get(
    site: &Site,
    path: &str,
    root: &CertificateDer<'static>,
    speaks: &'static SupportedProtocolVersion,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
    let client = client.with_protocol_versions(&[speaks]).unwrap().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(site.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await?;
    Ok(String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn clients_are_served_by_tls_1_3_alone() {
    let home = tempfile::tempdir().unwrap();
    let root = renew(home.path());
    let site = Site::with_tls(Tls::watching(home.path(), &config(), LOOK_EVERY).unwrap()).await;
    // One that says nothing keeps nobody waiting.
    let _silent = TcpStream::connect(site.address).await.unwrap();
    let said = get(&site, "/checkpoint", &root, &version::TLS13).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("ledger.example/wb\n"), "{said}");
    assert!(get(&site, "/checkpoint", &root, &version::TLS12).await.is_err());
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    assert!(get(&site, "/checkpoint", stranger.cert.der(), &version::TLS13).await.is_err());
    // Plain words are no handshake.
    let mut plain = TcpStream::connect(site.address).await.unwrap();
    plain.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _reset = plain.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP/"), "{said:?}");
}

#[tokio::test]
async fn a_renewed_certificate_takes_effect_and_a_broken_one_does_not() {
    let home = tempfile::tempdir().unwrap();
    let old = renew(home.path());
    let site = Site::with_tls(Tls::watching(home.path(), &config(), LOOK_EVERY).unwrap()).await;
    assert!(get(&site, "/health/live", &old, &version::TLS13).await.is_ok());
    std::fs::write(home.path().join("tls.pem"), "not a certificate").unwrap();
    tokio::time::sleep(4 * LOOK_EVERY).await;
    assert!(get(&site, "/health/live", &old, &version::TLS13).await.is_ok());
    let new = renew(home.path());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while get(&site, "/health/live", &new, &version::TLS13).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the new certificate is not shown");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    assert!(get(&site, "/health/live", &old, &version::TLS13).await.is_err());
}

#[tokio::test]
async fn files_that_are_wrong_are_refused_with_their_names() {
    let home = tempfile::tempdir().unwrap();
    let refused = || format!("{:#}", Tls::open(home.path(), &config()).map(drop).unwrap_err());
    assert!(refused().contains("tls.pem"));
    renew(home.path());
    std::fs::set_permissions(home.path().join("tls.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused().contains("chmod 600"));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(home.path().join("tls.key"), other.key_pair.serialize_pem()).unwrap();
    std::fs::set_permissions(home.path().join("tls.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(refused().contains("do not go together"), "{}", refused());
    std::fs::write(home.path().join("tls.pem"), "").unwrap();
    assert!(refused().contains("no certificate"), "{}", refused());
}
