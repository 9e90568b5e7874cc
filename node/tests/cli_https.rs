//! Nodes asked by https: what a private authority signed is believed where its certificate is named, and nothing else is.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use cli::nodes::Nodes;
use cli::{Said, dalil};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair, date_time_ymd};
use serde_json::json;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion, crypto, version};

/// The department's own authority.
struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

/// A server's certificate and key, PEM and DER.
struct Made {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { certificate: parameters.self_signed(&key).unwrap(), key }
    }

    fn sign(&self, name: &str, is_expired: bool) -> Made {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        if is_expired {
            (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let made = parameters.signed_by(&key, &self.certificate, &self.key).unwrap();
        Made { pem: made.pem(), key_pem: key.serialize_pem(), der: made.der().clone(), key_der: key.serialize_der() }
    }
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A server that shakes hands with everybody who comes, and says nothing more. Returns its port; it ends with the process.
fn shaking_hands(made: &Made, speaks: &'static SupportedProtocolVersion) -> u16 {
    let builder = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
    let builder = builder.with_protocol_versions(&[speaks]).unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(made.key_der.clone()).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![made.der.clone()], key).unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = stream.unwrap();
            // Whoever does not like what it sees goes away.
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
            let _gone = stream.flush();
        }
    });
    port
}

/// Each command that asks the node at `url`, with the codes of success and of failure.
fn commands(folder: &Path, url: &str, more: &[&str]) -> [(i32, i32, Said); 3] {
    let ask = |arguments: &[&str]| dalil(folder, &[arguments, more].concat());
    [
        (3, 4, ask(&["verify", "in.gov.wb.land-ROR-x", "--policy", "net/pin.json", "--url", url])),
        (0, 1, ask(&["node", "status", "--url", url])),
        (0, 4, ask(&["audit", url, "--policy", "net/pin.json", "--dir", "audit"])),
    ]
}

#[test]
fn a_private_authority_is_believed_where_it_is_named_and_nobody_else_is() {
    let mut nodes = Nodes::generate();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let made = authority.sign("127.0.0.1", false);
    private(&nodes.home(1).join("tls.key"), &made.key_pem);
    std::fs::write(nodes.home(1).join("tls.pem"), &made.pem).unwrap();
    let config = nodes.home(1).join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + "\n[http.tls]\ncertificate = \"tls.pem\"\nkey = \"tls.key\"\n").unwrap();
    std::fs::write(nodes.path().join("ca.pem"), authority.certificate.pem()).unwrap();
    std::fs::write(nodes.path().join("stranger.pem"), stranger.certificate.pem()).unwrap();
    for node in 1..=4 {
        nodes.start(node);
    }
    let url = nodes.url(1).replacen("http://", "https://", 1);
    nodes.until("ready", &["node", "status", "--url", &url, "--ca", "ca.pem"], |said| said.code == 0);
    for (expected, _, said) in commands(nodes.path(), &url, &["--ca", "ca.pem"]) {
        assert_eq!(said.code, expected, "{} {}", said.out, said.err);
    }
    // What is handed in goes the same way, and so do questions out of a file.
    let call = json!({ "land": { "register_mouza": { "id": "9000-1", "district": 305, "block": 2795, "thana": null, "jl": 1 } } });
    std::fs::write(nodes.path().join("call.json"), call.to_string()).unwrap();
    let submit = ["record", "submit", "call.json", "--testnet", "net", "--posting", "land/dllro", "--wait", "60s"];
    let said = nodes.run(&[&submit[..], &["--url", &url, "--ca", "ca.pem", "--json"]].concat());
    assert_eq!((said.code, &said.json()["outcome"]), (0, &json!("recorded")), "{}", said.out);
    std::fs::write(nodes.path().join("questions.csv"), "uri\nin.gov.wb.land-ROR-x\n").unwrap();
    let batch = ["verify", "--batch", "questions.csv", "--policy", "net/pin.json", "--url", &url, "--ca", "ca.pem"];
    let said = nodes.run(&batch);
    assert_eq!((said.code, said.out.contains("not_on_record 1")), (3, true), "{} {}", said.out, said.err);

    let by_name = url.replacen("127.0.0.1", "localhost", 1);
    for (url, more, why) in [
        (&url, &[][..], "--ca FILE"),
        (&url, &["--ca", "stranger.pem"], "--ca FILE"),
        (&by_name, &["--ca", "ca.pem"], "certificate is not localhost's"),
        // Plain words to a port that speaks TLS.
        (&nodes.url(1), &[], "error sending request: "),
    ] {
        for (_, failed, said) in commands(nodes.path(), url, more) {
            let words = format!("{}{}", said.out, said.err);
            assert_eq!((said.code, words.contains(why)), (failed, true), "{url} {more:?}: {words}");
        }
    }
    let said =
        nodes.run(&["verify", "in.gov.wb.land-ROR-x", "--policy", "net/pin.json", "--url", &url, "--ca", "absent.pem"]);
    assert_eq!((said.code, said.out.contains("absent.pem")), (4, true), "{}", said.out);
}

#[test]
fn an_expired_certificate_and_an_older_tls_are_refused() {
    let nodes = Nodes::generate();
    let authority = Authority::new();
    std::fs::write(nodes.path().join("ca.pem"), authority.certificate.pem()).unwrap();
    let expired = shaking_hands(&authority.sign("127.0.0.1", true), &version::TLS13);
    let older = shaking_hands(&authority.sign("127.0.0.1", false), &version::TLS12);
    for (port, why) in [(expired, "certificate has expired"), (older, "does not speak TLS 1.3")] {
        for (success, _, said) in commands(nodes.path(), &format!("https://127.0.0.1:{port}"), &["--ca", "ca.pem"]) {
            let words = format!("{}{}", said.out, said.err);
            // An auditor who knows no genesis yet cannot even begin.
            assert!(said.code != success && words.contains(why), "{why}: {} {words}", said.code);
        }
    }
}
