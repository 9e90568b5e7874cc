//! JSON-RPC over a WebSocket, with subscriptions to heads and events.
//!
//! One task reads and answers, one a subscription waits for news, and one writes what both have to say. The queue between them
//! is short: a client that takes nothing is cut off, and resumes events from the last position that it saw.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;

use super::super::api::SchemaOf;
use super::super::{App, Problem};
use super::{Handler, RpcError, answer, method};
use crate::shell::clock::now_ms;
use crate::shell::events::{Filter, Follower, Position};

/// The longest message from a client, in bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// The most subscriptions of one connection.
const SUBSCRIPTIONS_MAX: usize = 8;
/// How many messages wait for a client.
const MESSAGES_MAX: usize = 16;

/// What is subscribed to.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "topic", rename_all = "snake_case", deny_unknown_fields)]
enum Topic {
    /// Each new head with a quorum of cosignatures.
    Heads {},
    /// Events, history first.
    Events {
        /// The first log index; without it, what comes next.
        from: Option<u64>,
        /// Kinds such as `land.*`.
        #[serde(default)]
        kinds: Vec<String>,
        /// LGD codes of districts.
        #[serde(default)]
        districts: Vec<u32>,
        /// LGD codes of blocks.
        #[serde(default)]
        blocks: Vec<u32>,
        /// A subject, or what it begins with and a star.
        subject: Option<String>,
    },
}

/// The name of a subscription on its connection.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Subscription {
    /// Its number.
    subscription: u64,
}

/// A method that needs a connection.
pub(super) struct Subscribing {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) params: SchemaOf,
    pub(super) result: SchemaOf,
}

/// The parameters of `subscribe`, all topics together.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is nothing but its schema")]
struct Subscribe {
    /// `heads` or `events`.
    #[schemars(extend("enum" = ["heads", "events"]))]
    topic: String,
    /// Of events: the first log index; without it, what comes next.
    from: Option<u64>,
    /// Of events: kinds such as `land.*`.
    kinds: Option<Vec<String>>,
    /// Of events: LGD codes of districts.
    districts: Option<Vec<u32>>,
    /// Of events: LGD codes of blocks.
    blocks: Option<Vec<u32>>,
    /// Of events: a subject, or what it begins with and a star.
    subject: Option<String>,
}

/// The methods that need a connection.
pub(super) static SUBSCRIBING: [Subscribing; 2] = [
    Subscribing {
        name: "subscribe",
        summary: "News as notifications `subscription`, over a WebSocket.",
        params: SchemaGenerator::subschema_for::<Subscribe>,
        result: SchemaGenerator::subschema_for::<Subscription>,
    },
    Subscribing {
        name: "unsubscribe",
        summary: "Ends a subscription.",
        params: SchemaGenerator::subschema_for::<Subscription>,
        result: SchemaGenerator::subschema_for::<bool>,
    },
];

/// `GET /rpc` with an upgrade to a WebSocket.
pub(in crate::shell::http) async fn upgrade(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = app.streams.clone().try_acquire_owned() else {
        let detail = "as many clients listen to this node as it bears; try again or listen to another one";
        return Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", detail).into_response();
    };
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    upgrade.on_upgrade(move |socket| serve(app, socket, place))
}

/// Whoever drops it ends the task.
struct Ends(AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A client's connection.
struct Connection {
    news: mpsc::Sender<String>,
    subscriptions: BTreeMap<u64, Ends>,
    next: u64,
    /// Dropped once the answers are on their way: no news come before the name of their subscription.
    held: Vec<oneshot::Sender<()>>,
}

async fn serve(app: App, socket: WebSocket, _place: OwnedSemaphorePermit) {
    let (sink, stream) = socket.split();
    let (news, waiting) = mpsc::channel(MESSAGES_MAX);
    let (slow_after, beat_every) = (app.limits.slow_after, app.limits.beat_every);
    let connection = Connection { news: news.clone(), subscriptions: BTreeMap::new(), next: 1, held: Vec::new() };
    // Whichever ends first ends the connection.
    tokio::select! {
        () = write(sink, waiting, slow_after, beat_every) => {}
        () = read(&app, stream, news, connection) => {}
    }
}

async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut waiting: mpsc::Receiver<String>,
    slow_after: Duration,
    beat_every: Duration,
) {
    let mut beat = tokio::time::interval(beat_every);
    loop {
        let message = tokio::select! {
            message = waiting.recv() => match message {
                Some(text) => Message::Text(text.into()),
                None => return,
            },
            _ = beat.tick() => Message::Ping(Vec::new().into()),
        };
        let sent = tokio::time::timeout(slow_after, sink.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

async fn read(app: &App, mut stream: SplitStream<WebSocket>, news: mpsc::Sender<String>, mut connection: Connection) {
    while let Some(Ok(message)) = stream.next().await {
        let said = match message {
            Message::Text(text) => answer(app, &mut connection, text.as_bytes()).await,
            Message::Binary(bytes) => answer(app, &mut connection, &bytes).await,
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => None,
        };
        if let Some(said) = said
            && news.send(said).await.is_err()
        {
            return;
        }
        connection.held.clear();
    }
}

impl Handler for Connection {
    async fn call(&mut self, app: &App, name: &str, params: Map<String, Value>) -> Result<Value, RpcError> {
        match name {
            "subscribe" => {
                let topic = serde_json::from_value(Value::Object(params)).map_err(RpcError::params)?;
                let subscription = self.subscribe(app, topic)?;
                Ok(json!(subscription))
            }
            "unsubscribe" => {
                let Subscription { subscription } =
                    serde_json::from_value(Value::Object(params)).map_err(RpcError::params)?;
                Ok(json!(self.subscriptions.remove(&subscription).is_some()))
            }
            _ => method::call(app, name, params).await,
        }
    }
}

impl Connection {
    fn subscribe(&mut self, app: &App, topic: Topic) -> Result<Subscription, RpcError> {
        self.subscriptions.retain(|_, task| !task.0.is_finished());
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            let detail = format!("one connection has at most {SUBSCRIPTIONS_MAX} subscriptions");
            let status = axum::http::StatusCode::TOO_MANY_REQUESTS;
            return Err(Problem::new(status, "subscriptions", detail).into());
        }
        let subscription = self.next;
        let news = News { subscription, client: self.news.clone() };
        let (held, answered) = oneshot::channel();
        let task = match topic {
            Topic::Heads {} => tokio::spawn(after(answered, heads(app.clone(), news))),
            Topic::Events { from, kinds, districts, blocks, subject } => {
                let filter = Filter { kinds, districts, blocks, subject };
                filter.check().map_err(RpcError::params)?;
                let view = app.node.view.borrow().clone();
                let published = app.node.published.borrow().as_ref().map(|head| head.view.log_size());
                let next = Position::at(from.unwrap_or(published.unwrap_or(view.log_size())));
                if next.index < view.first_events() {
                    let first = view.first_events();
                    return Err(Problem::from(dalil_ledger::store::StoreError::NotHeld { first }).into());
                }
                let follower = Follower::new(app.node.published.clone(), filter, next);
                tokio::spawn(after(answered, events(follower, news)))
            }
        };
        self.held.push(held);
        self.next += 1;
        self.subscriptions.insert(subscription, Ends(task.abort_handle()));
        Ok(Subscription { subscription })
    }
}

/// What a subscription has to say.
struct News {
    subscription: u64,
    client: mpsc::Sender<String>,
}

/// The client is gone.
struct Gone;

impl News {
    async fn send(&self, value: impl Serialize) -> Result<(), Gone> {
        let params = json!({ "subscription": self.subscription, "value": value });
        let notification = json!({ "jsonrpc": "2.0", "method": "subscription", "params": params });
        self.client.send(notification.to_string()).await.map_err(|_| Gone)
    }
}

async fn after(answered: oneshot::Receiver<()>, news: impl Future<Output = ()>) {
    let _dropped = answered.await;
    news.await;
}

async fn heads(app: App, news: News) {
    let mut published = app.node.published.clone();
    let mut shown: Option<u64> = None;
    loop {
        let head = published.borrow_and_update().clone();
        if let Some(head) = head.filter(|head| shown != Some(head.view.head().height)) {
            shown = Some(head.view.head().height);
            // Perhaps a newer one by now; what is shown of it belongs together.
            let newest = app.service.head(now_ms());
            let said = newest.map(|head| json!({ "head": head.shown(now_ms()), "checkpoint": head.proof().note }));
            if let Ok(said) = said
                && news.send(said).await.is_err()
            {
                return;
            }
        }
        if published.changed().await.is_err() {
            return;
        }
    }
}

async fn events(mut follower: Follower, news: News) {
    while let Ok(page) = follower.next_page().await {
        for event in &page.events {
            if news.send(event).await.is_err() {
                return;
            }
        }
    }
}
