//! Webhooks of one node, posted to receivers that fail in every way.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dalil_node::shell::events::Filter;
use dalil_node::shell::home::Home;
use dalil_node::shell::outbound::{OutboundError, Patience, connect, not_public};
use dalil_node::shell::webhooks::{Secret, WebhookConfig, WebhookStatus, Webhooks, prepare};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::receiver::{Answer, Receiver};
use crate::site::{Site, quick};
use crate::support::genesis;

/// The example that Standard Webhooks' libraries share.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn secret_bytes() -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap()
}

const QUICK: Patience = Patience {
    attempt: Duration::from_millis(500),
    retry_first: Duration::from_millis(20),
    retry_most: Duration::from_millis(200),
};

fn home() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hook.secret"), format!("{SECRET}\n")).unwrap();
    folder
}

fn config(url: &str) -> WebhookConfig {
    WebhookConfig {
        name: "land-office".to_owned(),
        url: url.to_owned(),
        secret_file: "hook.secret".into(),
        filter: Filter::default(),
        from: Some(0),
        allow_private: true,
        ca_file: None,
    }
}

fn start(site: &Site, home: &Path, config: &WebhookConfig) -> Webhooks {
    let home = Home::at(home);
    let prepared = prepare(&home, std::slice::from_ref(config)).unwrap();
    let (chain, newest) = (genesis().chain_id(), site.log_size());
    Webhooks::start(&home, chain, prepared, &site.published.subscribe(), newest, QUICK).unwrap()
}

async fn status_when(webhooks: &Webhooks, wish: impl Fn(&WebhookStatus) -> bool) -> WebhookStatus {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let status = webhooks.status().remove(0);
        if wish(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "{status:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_post_is_signed_as_standard_webhooks_says() {
    let secret = Secret::parse(SECRET).unwrap();
    let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let fresh = Secret::generate().unwrap();
    assert!(Secret::parse(&fresh).is_ok() && fresh != Secret::generate().unwrap());
    for bad in
        ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ", "whsec_!!!!", &format!("whsec_{}", "A".repeat(100))]
    {
        let error = Secret::parse(bad).err().unwrap().to_string();
        assert!(bad.len() < 7 || !error.contains(&bad[6..]), "a secret is never shown: {error}");
    }
}

#[tokio::test]
async fn every_event_is_taken_in_order_whatever_goes_wrong_on_the_way() {
    let mut site = Site::new(quick()).await;
    site.record(3);
    site.publish();
    let receiver = Receiver::start(|number| match number {
        0 => Answer::Status(500),
        1 => Answer::Hang,
        2 => Answer::HangUp,
        3 => Answer::Status(429),
        5 => Answer::Status(503),
        6 => Answer::EndlessBody,
        _ => Answer::Status(204),
    })
    .await;
    let folder = home();
    let webhooks = start(&site, folder.path(), &config(&receiver.url()));
    let posted = receiver.wait_for(8).await;
    let indexes: Vec<_> = posted.iter().map(|posted| posted.event().index).collect();
    assert_eq!(indexes, [1, 1, 1, 1, 1, 2, 2, 3], "each until it is taken, and none before it");
    for posted in &posted {
        assert!(posted.is_signed_with(&secret_bytes()) && !posted.is_signed_with(&[0; 24]));
        assert_eq!(posted.id, posted.event().id, "the same at each attempt");
    }
    let status = status_when(&webhooks, |status| status.delivered == 3 && status.lag == 0).await;
    assert_eq!(status.failing, None);
    site.record(1);
    site.publish();
    assert_eq!(receiver.wait_for(9).await[8].event().index, 5, "and what comes");
}

#[tokio::test]
async fn a_receiver_that_is_away_is_waited_for_and_the_lag_is_shown() {
    let mut site = Site::new(quick()).await;
    site.record(2);
    site.publish();
    let gone = Receiver::start(|_| Answer::Status(200)).await;
    let address = gone.address;
    let url = gone.url();
    gone.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let folder = home();
    let webhooks = start(&site, folder.path(), &config(&url));
    let status = status_when(&webhooks, |status| status.failing.as_ref().is_some_and(|it| it.attempts >= 3)).await;
    let failing = status.failing.unwrap();
    assert!(failing.error.contains("cannot connect to"), "{failing:?}");
    assert_eq!((status.delivered, status.lag), (0, site.log_size()));
    let receiver = Receiver::start_at(address, None, |_| Answer::Status(200)).await;
    receiver.wait_for(2).await;
    let status = status_when(&webhooks, |status| status.lag == 0).await;
    assert_eq!((status.delivered, status.failing), (2, None));
}

#[tokio::test]
async fn it_goes_on_where_it_was_and_with_what_comes_next_if_it_never_ran() {
    let mut site = Site::new(quick()).await;
    site.record(2);
    site.publish();
    let receiver = Receiver::start(|_| Answer::Status(200)).await;
    let folder = home();
    let configured = WebhookConfig { from: None, ..config(&receiver.url()) };
    // The first run begins with what comes next; a stop before anything came changes nothing about that.
    drop(start(&site, folder.path(), &configured));
    let third = site.record(2);
    site.publish();
    let webhooks = start(&site, folder.path(), &configured);
    receiver.wait_for(2).await;
    status_when(&webhooks, |status| status.delivered == 2).await;
    drop(webhooks);
    site.record(1);
    site.publish();
    let _webhooks = start(&site, folder.path(), &configured);
    let indexes: Vec<_> = receiver.wait_for(3).await.iter().map(|posted| posted.event().index).collect();
    assert_eq!(indexes, [third, third + 1, third + 3]);

    let file = folder.path().join("webhooks/land-office.json");
    let prepared = || prepare(&Home::at(folder.path()), std::slice::from_ref(&configured)).unwrap();
    let refused = |chain| {
        let published = site.published.subscribe();
        let started = Webhooks::start(&Home::at(folder.path()), chain, prepared(), &published, 0, QUICK);
        format!("{:#}", started.err().unwrap())
    };
    assert!(refused(dalil_ledger::crypto::Hash([9; 32])).contains("is of chain"));
    std::fs::write(&file, "{").unwrap();
    assert!(refused(genesis().chain_id()).contains("remove it to begin with what comes next"));
}

#[tokio::test]
async fn filters_choose_what_is_posted() {
    let mut site = Site::new(quick()).await;
    site.record(2);
    let results = site.record_batch(2);
    site.publish();
    let receiver = Receiver::start(|_| Answer::Status(200)).await;
    let folder = home();
    let filter = Filter { districts: vec![315], ..Filter::default() };
    let webhooks = start(&site, folder.path(), &WebhookConfig { filter, ..config(&receiver.url()) });
    status_when(&webhooks, |status| status.lag == 0).await;
    let seen: Vec<_> = receiver.posted().iter().map(|posted| posted.id.clone()).collect();
    assert_eq!(seen, [format!("{results}-0"), format!("{results}-1")]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut site = Site::new(quick()).await;
    site.record(1);
    site.publish();
    let elsewhere = Receiver::start(|_| Answer::Status(200)).await;
    let url = elsewhere.url();
    let receiver = Receiver::start(move |_| Answer::RedirectTo(url.clone())).await;
    let folder = home();
    let webhooks = start(&site, folder.path(), &config(&receiver.url()));
    let status = status_when(&webhooks, |status| status.failing.as_ref().is_some_and(|it| it.attempts >= 2)).await;
    assert!(status.failing.unwrap().error.contains("a redirect, which is not followed"));
    assert!(elsewhere.posted().is_empty());
}

#[test]
fn private_addresses_are_told_from_public_ones() {
    for private in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2001:db8::1",
        "2002:a00:1::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
    ] {
        assert!(not_public(private.parse().unwrap()).is_some(), "{private}");
    }
    for public in [
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "172.15.0.1",
        "8.8.8.8",
        "2606:4700::1111",
        "2a00::1",
    ] {
        assert_eq!(not_public(public.parse().unwrap()), None, "{public}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_before_the_node_starts() {
    let folder = home();
    let refusal =
        |config: WebhookConfig| format!("{:#}", prepare(&Home::at(folder.path()), &[config]).err().expect("refused"));
    let public = |url: &str| WebhookConfig { allow_private: false, ..config(url) };
    for (url, what) in [
        ("https://127.0.0.1/", "loopback"),
        ("https://2130706433/", "loopback"),
        ("https://0x7f.1/", "loopback"),
        ("https://localhost/", "loopback"),
        ("https://a.localhost./", "loopback"),
        ("https://10.0.0.8:8443/hook", "private"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:127.0.0.1]/", "loopback"),
        ("https://[fd00::1]/", "ULA"),
        ("https://169.254.169.254/latest", "link-local"),
        ("https://100.64.1.1/", "CGNAT"),
        ("http://hooks.example/", "https"),
        ("ftp://hooks.example/", "https"),
        ("https://me:secret@hooks.example/", "no name and password"),
        ("hooks.example", "its url is none"),
    ] {
        let said = refusal(public(url));
        assert!(said.contains(what) && said.starts_with("webhook land-office"), "{url}: {said}");
        assert!(!said.contains("secret@"), "{said}");
    }
    assert!(prepare(&Home::at(folder.path()), &[public("https://hooks.example/land")]).is_ok());
    let good = config("http://127.0.0.1:1/");
    let said = prepare(&Home::at(folder.path()), &[good.clone(), good.clone()]).err().unwrap().to_string();
    assert!(said.contains("two webhooks are named"));
    assert!(refusal(WebhookConfig { name: "../up".to_owned(), ..good.clone() }).contains("small letters"));
    assert!(refusal(WebhookConfig { secret_file: "none".into(), ..good.clone() }).contains("dalil key webhook"));
    let filter = Filter { kinds: vec!["land.deed_registred".to_owned()], ..Filter::default() };
    assert!(refusal(WebhookConfig { filter, ..good.clone() }).contains("there is no event"));
    std::fs::write(folder.path().join("hook.secret"), "not one").unwrap();
    assert!(refusal(good).contains("whsec_"));
}

/// The name is harmless; what it means is not. The address that would be connected to is the one that is judged.
#[tokio::test]
async fn a_name_that_means_a_private_address_is_refused_when_it_is_connected_to() {
    let receiver = Receiver::start(|_| Answer::Status(200)).await;
    let port = receiver.address.port();
    let refused = connect("localhost", port, false).await.unwrap_err();
    assert!(matches!(refused, OutboundError::Refused { what: "loopback", .. }), "{refused}");
    assert!(refused.to_string().contains("allow_private = true"));
    assert!(connect("localhost", port, true).await.is_ok());
    let unknown = connect("no-such-host.invalid", port, false).await.unwrap_err();
    assert!(matches!(unknown, OutboundError::Unresolved(..)), "{unknown}");
}

#[tokio::test]
async fn tls_is_checked_against_the_trusted_certificates() {
    let mut site = Site::new(quick()).await;
    site.record(1);
    site.publish();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(own.key_pair.serialize_der()).into();
    let server = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let tls = Some(TlsAcceptor::from(Arc::new(server)));
    let receiver = Receiver::start_at("127.0.0.1:0".parse().unwrap(), tls, |_| Answer::Status(200)).await;
    let url = format!("https://localhost:{}/hooks?from=dalil", receiver.address.port());
    let folder = home();
    std::fs::write(folder.path().join("ca.pem"), own.cert.pem()).unwrap();
    let trusting = WebhookConfig { ca_file: Some("ca.pem".into()), ..config(&url) };

    std::fs::write(folder.path().join("other.pem"), {
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        other.cert.pem()
    })
    .unwrap();
    let strict = WebhookConfig { ca_file: Some("other.pem".into()), ..config(&url) };
    let webhooks = start(&site, folder.path(), &strict);
    let status = status_when(&webhooks, |status| status.failing.is_some()).await;
    assert!(status.failing.unwrap().error.contains("TLS: "), "a stranger's certificate");
    assert!(receiver.posted().is_empty());
    drop(webhooks);

    let _webhooks = start(&site, folder.path(), &trusting);
    assert_eq!(receiver.wait_for(1).await[0].event().index, 1);
}
