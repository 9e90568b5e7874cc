//! A verifier's desk: `dalil verify` beside a node, and somebody before the node who may change what it says.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{Said, dalil};
use crate::site::{Site, VEHICLE_KEY};

/// A folder with pin and vehicle key, and a node to ask.
pub(crate) struct Desk {
    pub(crate) site: Site,
    folder: TempDir,
    /// The node, or somebody in front of it.
    url: String,
}

/// Changes a node's answer to a request for a path.
type Change = dyn Fn(&str, &mut Value) + Send + Sync;

/// Stands before a node and may change what it says.
#[derive(Clone)]
struct Proxy {
    node: String,
    client: reqwest::Client,
    change: Arc<Change>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

async fn pass_on(State(proxy): State<Proxy>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path_and_query().unwrap().as_str().to_owned();
    proxy.asked.lock().unwrap().push((path.clone(), String::from_utf8(body.to_vec()).unwrap()));
    let request = proxy.client.request(method, format!("{}{path}", proxy.node)).body(body).send().await.unwrap();
    let status = StatusCode::from_u16(request.status().as_u16()).unwrap();
    let mut said: Value = request.json().await.unwrap();
    (proxy.change)(&path, &mut said);
    // A changed answer may be a refusal.
    let status = said["refused"].as_u64().map_or(status, |code| StatusCode::from_u16(code as u16).unwrap());
    (status, said.to_string()).into_response()
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::at(Site::open().await)
    }

    pub(crate) fn at(site: Site) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { url: site.url(""), site, folder };
        desk.write("pin.json", &desk.site.pin().to_json());
        desk.write("vehicle.key", &hex::encode(VEHICLE_KEY));
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(desk.path("vehicle.key"), private).unwrap();
        desk
    }

    /// The same desk, asking somebody who changes what the node says; and what was asked.
    pub(crate) async fn lied_to(
        &mut self,
        change: impl Fn(&str, &mut Value) + Send + Sync + 'static,
    ) -> Arc<Mutex<Vec<(String, String)>>> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let proxy = Proxy {
            node: self.site.url(""),
            client: reqwest::Client::new(),
            change: Arc::new(change),
            asked: asked.clone(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass_on).with_state(proxy);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        asked
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        let folder = self.folder.path().to_owned();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let run = move || dalil(&folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    pub(crate) async fn verify(&self, arguments: &[&str]) -> Said {
        let fixed = ["verify", "--policy", "pin.json", "--url", self.url.as_str()];
        self.run(&[&fixed, arguments].concat()).await
    }

    /// Exit code, status, reason, and the whole.
    pub(crate) async fn said(&self, arguments: &[&str]) -> (i32, String, String, Value) {
        let said = self.verify(&[arguments, &["--json"]].concat()).await;
        let json = said.json();
        assert_eq!(json["exit_code"], said.code, "{json}");
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        (said.code, text("status"), text("reason"), json)
    }

    /// The lines of a report in JSON.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
