//! The pull interface of the real program.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::certificate::{CertificateCall, Citation, Effect};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{Question, Terms, verify_status};
use dalil_node::digilocker::config::DigiLockerConfig;
use dalil_node::shell::home::Home;
use dalil_node::time::ist_rfc3339;
use hmac::{Hmac, KeyInit as _, Mac as _};
use roxmltree::Document;
use sha2::Sha256;

use crate::network::now_ms;
use crate::office::{Office, free_port};
use crate::support::{domicile, token};

const ORG: &str = "in.gov.wb.district";

/// DigiLocker, and the department's store.
struct Puller {
    office: Office,
    port: u16,
    key: String,
    store: PathBuf,
}

fn dalil(arguments: &[&str], paths: &[(&str, &Path)]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dalil"));
    command.args(arguments);
    for (option, path) in paths {
        command.arg(option).arg(path);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn uri(number: u64) -> String {
    format!("in.gov.wb.district-DOM-{number:016x}")
}

fn file(number: u64) -> Vec<u8> {
    format!("%PDF-1.4 certificate {number}").into_bytes()
}

/// What an answer says.
#[derive(Debug)]
struct Pulled {
    http: u16,
    status: String,
    code: Option<String>,
    uri: Option<String>,
    name: Option<String>,
    file: Option<Vec<u8>>,
    data: Option<String>,
    ledger: Option<String>,
    receipt: Option<Vec<u8>>,
}

impl Puller {
    async fn open() -> Self {
        let office = Office::closed(600);
        let home = Home::at(office.network.home(0));
        let (key_file, store) = (home.path().join("keys/digilocker.key"), home.path().join("documents"));
        dalil(&["digilocker", "new-key"], &[("--out", &key_file)]);
        let key = std::fs::read_to_string(&key_file).unwrap().trim().to_owned();
        let port = free_port();
        let mut config = home.config().unwrap();
        config.digilocker = Some(DigiLockerConfig {
            listen: ([127, 0, 0, 1], port).into(),
            allow_remote: false,
            org_id: token(ORG),
            key: "keys/digilocker.key".into(),
            store: "documents".into(),
            number: token("UDF1"),
            name: token("FullName"),
            require_hmac: false,
        });
        home.write_config(&config).unwrap();
        let puller = Self { office, port, key, store };
        puller.add(1, "Asha Murmu");
        puller.office.network.up().await;
        puller
    }

    /// Puts a document into the store.
    fn add(&self, number: u64, name: &str) {
        let folder = tempfile::tempdir().unwrap();
        let (document, holder) = (folder.path().join("document"), folder.path().join("name"));
        std::fs::write(&document, file(number)).unwrap();
        std::fs::write(&holder, name).unwrap();
        let (uri, number) = (uri(number), format!("DOM/{number}"));
        dalil(
            &["digilocker", "add", "--uri", &uri, "--type", "DOM", "--number", &number],
            &[("--store", &self.store), ("--file", &document), ("--name-file", &holder)],
        );
    }

    /// Records the certificate whose file is in the store.
    async fn record(&self, number: u64) {
        let mut call = domicile(number, now_ms());
        if let Call::Certificate(CertificateCall::Issue { certificate, .. }) = &mut call.call {
            certificate.digest = sha256(&file(number));
        }
        self.office.recorded(&format!("issue {number}").replace(' ', "-"), &call).await;
    }

    fn keyhash(&self, ts: &str) -> String {
        sha256(format!("{}{ts}", self.key).as_bytes()).to_string()
    }

    /// An honest request made at `ts`.
    fn request(&self, element: &str, ts: &str, details: &str) -> String {
        let keyhash = self.keyhash(ts);
        format!(
            "<{element} xmlns=\"http://tempuri.org/\" ver=\"3.0\" ts=\"{ts}\" txn=\"txn-1\" orgId=\"{ORG}\" \
             keyhash=\"{keyhash}\" format=\"both\"><DocDetails>{details}</DocDetails></{element}>"
        )
    }

    fn by_number(&self, number: &str, name: &str) -> String {
        let details = format!("<DocType>DOM</DocType><UDF1>{number}</UDF1><FullName>{name}</FullName>");
        self.request("PullURIRequest", &ist_rfc3339(now_ms()), &details)
    }

    fn by_uri(&self, uri: &str) -> String {
        self.request("PullDocRequest", &ist_rfc3339(now_ms()), &format!("<URI>{uri}</URI>"))
    }

    async fn pull(&self, body: &str, hmac: Option<String>) -> Pulled {
        let path = if body.contains("<PullURIRequest") { "pulluri" } else { "pulldoc" };
        let url = format!("http://127.0.0.1:{}/digilocker/{path}", self.port);
        let mut request = self.office.network.client.post(url).body(body.to_owned());
        if let Some(hmac) = hmac {
            request = request.header("x-digilocker-hmac", hmac);
        }
        let response = request.send().await.unwrap();
        let (http, xml) = (response.status().as_u16(), response.text().await.unwrap());
        let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
        let named = |name: &str| document.descendants().find(|node| node.tag_name().name() == name);
        let text = |name: &str| named(name).and_then(|node| node.text().map(str::to_owned));
        let bytes = |name: &str| text(name).map(|text| BASE64.decode(text).unwrap());
        let response = named("ResponseStatus").unwrap();
        let repeated = response.attribute("txn") == Some("txn-1");
        assert!(repeated || http == 400, "{xml}");
        Pulled {
            http,
            status: response.attribute("Status").unwrap().to_owned(),
            code: response.attribute("code").map(str::to_owned),
            uri: text("URI"),
            name: named("Person").and_then(|person| person.attribute("name").map(str::to_owned)),
            file: bytes("DocContent"),
            data: bytes("DataContent").map(|data| String::from_utf8(data).unwrap()),
            ledger: named("LedgerStatus").and_then(|status| status.attribute("status").map(str::to_owned)),
            receipt: bytes("LedgerStatus"),
        }
    }

    /// A request that comes to nothing, for this reason, and gives nothing away.
    async fn refused(&self, body: &str, hmac: Option<String>, http: u16, code: &str) {
        let said = self.pull(body, hmac).await;
        assert_eq!(
            (said.http, said.status.as_str(), said.code.as_deref()),
            (http, "0", Some(code)),
            "{body}: {said:?}"
        );
        assert!(said.file.is_none() && said.data.is_none() && said.uri.is_none() && said.name.is_none(), "{said:?}");
    }

    fn mac(&self, body: &str) -> Vec<u8> {
        let mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).unwrap();
        mac.chain_update(body).finalize().into_bytes().to_vec()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn digilocker_pulls_what_is_on_record_with_its_status() {
    let puller = Puller::open().await;
    puller.record(1).await;
    let said = puller.pull(&puller.by_number("DOM/1", "ASHA  murmu"), None).await;
    assert_eq!((said.http, said.status.as_str(), said.ledger.as_deref()), (200, "1", Some("valid")), "{said:?}");
    assert_eq!((said.uri.as_deref(), said.name.as_deref()), (Some(uri(1).as_str()), Some("ASHA  murmu")));
    assert_eq!(said.file.unwrap(), file(1));
    let data = said.data.unwrap();
    let data = Document::parse(&data).unwrap();
    assert_eq!(data.root_element().attribute("number"), Some("DOM/1"));
    assert_eq!(data.root_element().attribute("status"), Some("valid"));
    // Whoever does not believe the node checks the receipt.
    let pin = puller.office.network.pin();
    let question = Question::Uri(token(&uri(1)));
    let proven = verify_status(&said.receipt.unwrap(), &pin, &question, Terms::now(now_ms())).unwrap();
    assert_eq!((proven.status, proven.entry.unwrap().digest), (Status::Valid, sha256(&file(1))));
    // By URI: no name is given, none is told. Each format gives what was asked for.
    let body = puller.by_uri(&uri(1));
    let said = puller.pull(&body, None).await;
    assert_eq!((said.status.as_str(), said.name, said.file), ("1", None, Some(file(1))));
    let xml = puller.pull(&body.replace("\"both\"", "\"xml\""), None).await;
    assert!(xml.file.is_none() && xml.data.is_some());
    let pdf = puller.pull(&body.replace(" format=\"both\"", ""), None).await;
    assert!(pdf.file.is_some() && pdf.data.is_none() && pdf.ledger.as_deref() == Some("valid"));

    only_digilocker_is_answered(&puller).await;
    what_is_not_as_recorded_stays_in_the_store(&puller).await;
    hostile_requests_are_refused(&puller).await;
    let log = puller.office.network.log(0);
    assert!(log.contains("digilocker: served") && log.contains("digilocker: refused"), "{log}");
    for secret in [puller.key.as_str(), "murmu", "Murmu", "DOM/1", "keyhash", "hmac"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

async fn only_digilocker_is_answered(puller: &Puller) {
    let body = puller.by_number("DOM/1", "Asha Murmu");
    // With an HMAC: of the bytes, or of their hexadecimal digits.
    let mac = puller.mac(&body);
    let digits: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    for hmac in [BASE64.encode(&mac), BASE64.encode(digits)] {
        assert_eq!(puller.pull(&body, Some(hmac)).await.status, "1");
    }
    let other = puller.mac(&format!("{body} "));
    for wrong in
        [String::new(), "?".to_owned(), BASE64.encode(&other), BASE64.encode(&mac[..31]), BASE64.encode([0; 64])]
    {
        puller.refused(&body, Some(wrong), 401, "not_admitted").await;
    }
    // The key hash, its time, the issuer.
    let keyhash = |body: &str| body.split("keyhash=\"").nth(1).unwrap()[..64].to_owned();
    let upper = body.replace(&keyhash(&body), &keyhash(&body).to_uppercase());
    assert_eq!(puller.pull(&upper, None).await.status, "1");
    for wrong in [
        body.replace(&keyhash(&body), &"0".repeat(64)),
        body.replace(&keyhash(&body), ""),
        body.replace(ORG, "in.gov.wb.other"),
        puller.request("PullDocRequest", &ist_rfc3339(now_ms() - 6 * 60_000), &format!("<URI>{}</URI>", uri(1))),
        puller.request("PullDocRequest", &ist_rfc3339(now_ms() + 6 * 60_000), &format!("<URI>{}</URI>", uri(1))),
        puller.request("PullDocRequest", "yesterday", &format!("<URI>{}</URI>", uri(1))),
    ] {
        puller.refused(&wrong, None, 401, "not_admitted").await;
    }
}

async fn what_is_not_as_recorded_stays_in_the_store(puller: &Puller) {
    // Wrong name, wrong number, no name: one answer.
    for (number, name) in [("DOM/1", "Asha"), ("DOM/9", "Asha Murmu"), ("not a number", "Asha Murmu")] {
        puller.refused(&puller.by_number(number, name), None, 200, "not_found").await;
    }
    puller.refused(&puller.by_number("DOM/1", ""), None, 200, "parameter").await;
    puller.refused(&puller.by_uri(&uri(99)), None, 200, "not_found").await;
    // In the store, not on record.
    puller.add(2, "Rahim Sk");
    puller.refused(&puller.by_number("DOM/2", "Rahim Sk"), None, 200, "not_on_record").await;
    puller.record(2).await;
    assert_eq!(puller.pull(&puller.by_number("DOM/2", "Rahim Sk"), None).await.status, "1");
    // Altered after it was issued.
    std::fs::write(puller.store.join("documents").join(uri(2)), "altered").unwrap();
    puller.refused(&puller.by_uri(&uri(2)), None, 200, "mismatch").await;
    // Taken back.
    let revoke = CertificateCall::Revoke {
        uri: token(&uri(1)),
        effect: Effect::Now,
        reason: Hash([7; 32]),
        cites: Some(Citation::Hearing(Hash([8; 32]))),
    };
    let revoke = Invocation { posting: token("district/sdo-bankura"), call: Call::Certificate(revoke) };
    puller.office.recorded("revoke-1", &revoke).await;
    puller.refused(&puller.by_uri(&uri(1)), None, 200, "revoked").await;
    puller.refused(&puller.by_number("DOM/1", "Asha Murmu"), None, 200, "revoked").await;
}

async fn hostile_requests_are_refused(puller: &Puller) {
    for uri in ["../index.jsonl", "../../keys/digilocker.key", "/etc/passwd", "..%2f..%2fkeys", "a&amp;b"] {
        puller.refused(&puller.by_uri(uri), None, 200, "not_found").await;
    }
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aa\">]>".to_owned() + &puller.by_uri("&a;");
    puller.refused(&bomb, None, 400, "malformed").await;
    puller.refused(&puller.by_number("DOM/1", "As\u{202e}ha"), None, 400, "malformed").await;
    puller.refused("<PullDocRequest", None, 400, "malformed").await;
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", puller.port);
    let client = &puller.office.network.client;
    // The node answers before it has read all, so a client that still writes may find the connection closed; on a
    // connection of its own, which nobody takes up again.
    let huge = reqwest::Client::new().post(url("/digilocker/pulldoc")).body(vec![b'<'; 1 << 20]).send().await;
    assert!(huge.is_err() || huge.is_ok_and(|huge| huge.status() == 413));
    assert_eq!(client.get(url("/v1/status")).send().await.unwrap().status(), 404);
    let public = client.post(puller.office.network.url(0, "/digilocker/pulldoc")).body(puller.by_uri(&uri(1)));
    assert_eq!(public.send().await.unwrap().status(), 404);
}
