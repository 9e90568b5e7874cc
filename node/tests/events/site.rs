//! A ledger that grows block by block, published as a test says, and served over HTTP; and a client of its streams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dalil_ledger::block::Attachment;
use dalil_ledger::crypto::Hash;
use dalil_ledger::store::{Batch, Ledger, LedgerView, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::cosign::Published;
use dalil_node::core::executor::{self, Candidate, EmptyBlocks, Signatures};
use dalil_node::shell::events::ShownEvent;
use dalil_node::shell::handle::NodeHandle;
use dalil_node::shell::http::{App, Server, StreamLimits, serve};
use tokio::sync::{mpsc, watch};

use crate::support::{self, START_MS, genesis, token};

struct AllGood;

impl Signatures for AllGood {
    fn verify(&self, _leaf: &Hash, record: &SignedTransaction) -> bool {
        record.verify_signature().is_ok()
    }
}

/// Adds a block with these records to a ledger.
pub fn append(ledger: &Ledger, time_ms: u64, records: Vec<(SignedTransaction, Option<Attachment>)>) {
    let view = ledger.view().unwrap();
    let count = records.len();
    let candidates: Vec<_> = records.into_iter().map(|(record, list)| Candidate::new(record, list)).collect();
    let built =
        executor::build(&view, genesis().parameters, time_ms, token("it"), &candidates, &AllGood, EmptyBlocks::Allowed);
    let built = built.unwrap();
    let executed = built.executed.unwrap();
    assert_eq!(executed.block.records.len(), count, "{:?}", built.dropped);
    // Whoever executes the block notes the same events as who built it.
    let again = executor::execute(&view, genesis().parameters, &executed.block, &AllGood).unwrap();
    assert_eq!(again.events, executed.events);
    ledger.commit(&executed, None, Batch::default()).unwrap();
}

/// The node's part that clients see.
pub struct Site {
    pub ledger: Ledger,
    pub published: watch::Sender<Option<Arc<Published>>>,
    view: watch::Sender<LedgerView>,
    address: SocketAddr,
    server: Option<Server>,
    limits: StreamLimits,
    number: u64,
}

impl Site {
    pub async fn new(limits: StreamLimits) -> Self {
        let ledger = Ledger::create(Arc::new(MemoryKv::default()), genesis()).unwrap();
        let (published, _) = watch::channel(None);
        let (view, _) = watch::channel(ledger.view().unwrap());
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut site = Self { ledger, published, view, address: free, server: None, limits, number: 0 };
        site.serve().await;
        site
    }

    async fn serve(&mut self) {
        let (submit, _) = mpsc::channel(1);
        let (status, _) = mpsc::channel(1);
        let handle = NodeHandle { submit, status, published: self.published.subscribe(), view: self.view.subscribe() };
        let app = App::new(handle, &self.ledger).unwrap().with_streams(self.limits);
        self.server = Some(serve(self.address, app).await.unwrap());
    }

    /// As a node that stops and starts: streams end, nothing is published until [`Self::publish`].
    pub async fn restart(&mut self) {
        let (published, _) = watch::channel(None);
        self.published = published;
        self.server.take().unwrap().stop().await;
        self.serve().await;
    }

    /// A block with `count` certificates of domicile; not published yet. Returns the log index of the first.
    pub fn record(&mut self, count: u64) -> u64 {
        let view = self.ledger.view().unwrap();
        let (index, time_ms) = (view.log_size(), view.head().timestamp_ms + 1_000);
        let numbers = self.number..self.number + count;
        append(&self.ledger, time_ms, numbers.map(|n| (support::domicile_record(n, time_ms), None)).collect());
        self.number += count;
        index
    }

    /// A block with a batch of results.
    pub fn record_batch(&mut self, count: u32) -> u64 {
        let view = self.ledger.view().unwrap();
        let (index, time_ms) = (view.log_size(), view.head().timestamp_ms + 1_000);
        let (batch, leaves) = support::results(self.number, count, START_MS);
        let signed = support::signed("education-board", &batch, self.number, time_ms);
        append(&self.ledger, time_ms, vec![(signed, Some(leaves))]);
        self.number += u64::from(count);
        index
    }

    /// What a quorum would cosign now.
    pub fn publish(&self) {
        let view = self.ledger.view().unwrap();
        self.view.send_replace(view.clone());
        let validators = genesis().validators.clone();
        let published = Published { note: String::new(), view, validators, freshness_ms: 0 };
        self.published.send_replace(Some(Arc::new(published)));
    }

    pub fn log_size(&self) -> u64 {
        self.ledger.view().unwrap().log_size()
    }

    /// Status and body of a request that is answered at once.
    pub async fn get(&self, path: &str) -> (u16, serde_json::Value) {
        let response = reqwest::get(format!("http://{}{path}", self.address)).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Listens if there is a place.
    pub async fn try_listen(&self, query: &str) -> Option<Listener> {
        let response = reqwest::get(format!("http://{}/v1/events?{query}", self.address)).await.unwrap();
        let listener = |response| Listener { response, text: String::new(), last_id: None };
        (response.status() == 200).then(|| listener(response))
    }

    /// Listens to `/v1/events?query`.
    pub async fn listen(&self, query: &str, last_id: Option<&str>) -> Listener {
        let mut request = reqwest::Client::new().get(format!("http://{}/v1/events?{query}", self.address));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{query}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener { response, text: String::new(), last_id: None }
    }

    /// A listener that never reads, and has little room for what it does not read.
    pub async fn stare(&self, query: &str) -> tokio::net::TcpStream {
        use tokio::io::AsyncWriteExt as _;
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        let request = format!("GET /v1/events?{query} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

/// Few and quick: what a test can wait for.
pub fn quick() -> StreamLimits {
    StreamLimits { streams_max: 8, beat_every: Duration::from_millis(200), slow_after: Duration::from_millis(400) }
}

/// A client of a stream, written apart from the product's.
pub struct Listener {
    response: reqwest::Response,
    text: String,
    pub last_id: Option<String>,
}

impl Listener {
    /// The next block of lines; none once the stream ended.
    pub async fn block(&mut self) -> Option<Vec<(String, String)>> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let lines = block.lines().map(|line| {
                    let (name, value) = line.split_once(':').unwrap();
                    (name.to_owned(), value.trim_start_matches(' ').to_owned())
                });
                let block: Vec<_> = lines.collect();
                self.text = rest.to_owned();
                if let Some((_, id)) = block.iter().find(|(name, _)| name == "id") {
                    self.last_id = Some(id.clone());
                }
                return Some(block);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await.expect("silence");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// The next event; none once the stream ended.
    pub async fn event(&mut self) -> Option<ShownEvent> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
            if let Some(data) = field("data") {
                let event: ShownEvent = serde_json::from_str(&data).unwrap();
                assert_eq!(field("event").unwrap(), event.kind);
                assert_eq!(field("id").unwrap(), event.id);
                return Some(event);
            }
        }
    }

    /// The next so many events.
    pub async fn events(&mut self, count: usize) -> Vec<ShownEvent> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.event().await.expect("the stream goes on"));
        }
        events
    }
}
