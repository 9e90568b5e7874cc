//! What clients see: REST under `/v1`, the log in C2SP's layout, the portal's pages, and health.
//!
//! `gateway.rs` and `digilocker.rs` are served apart, each on an address of its own: what the one lets in acts for officers,
//! what the other gives out is a department's.
//!
//! Reads work on immutable views and never pass through the core. A body is bounded before it is read; every error is a
//! problem document with a stable code.

mod api;
mod checkpost;
mod conditional;
pub mod config;
pub mod connections;
pub mod cors;
mod cose;
mod description;
mod digilocker;
mod docs;
mod enforcement;
mod events;
mod evidence;
mod explorer;
mod gateway;
mod governance;
mod land;
pub mod limits;
mod log;
mod membership;
mod portal;
mod problem;
mod qr;
mod records;
mod routes;
mod rpc;
mod slip;
mod tls;
mod verify;
mod witnesses;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Json, Response};
use dalil_ledger::checkpoint::{KeyName, Pin};
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::store::Ledger;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tower_http::timeout::TimeoutLayer;

use self::config::HttpConfig;
use self::connections::Peer;
use self::cors::Origin;
use self::limits::Limiter;
use super::clock::now_ms;
use super::finality::Finality;
use super::handle::{NodeHandle, NodeStatus};
use super::witnesses::SharedBoard;
use crate::core::cosign::Published;
use crate::digilocker::DigiLocker;
use crate::gateway::Gateway;
use crate::portal::fonts::Fonts;
use crate::service::Service;
use crate::verification::pin_of;
pub use checkpost::Numbers;
pub use events::StreamLimits;
pub use governance::{Page, ShownBallot, ShownParameter, ShownProtocol};
pub use membership::{ShownChange, ShownHandovers, ShownHead, ShownValidators};
pub use problem::Problem;
pub use records::{Submitted, SubmittedRecord};
pub use tls::Tls;

/// The largest request body, in bytes: a batch of 4,096 documents in base64.
const BODY_BYTES_MAX: usize = 6 << 20;
/// How many submissions may wait for their record's end at once; a further one is told at once that it is pending.
const WAITING_MAX: usize = 2_048;
/// How many batches of questions are answered at once; each keeps a thread busy.
const BATCHES_MAX: usize = 4;
/// For how many readers evidence is gathered at once; each keeps a thread busy.
const GATHERINGS_MAX: usize = 4;
/// How long a request may take until its answer begins; a stream goes on.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long requests under way may take to end when the node stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What handlers share.
#[derive(Clone)]
pub struct App {
    node: NodeHandle,
    origin: KeyName,
    genesis: Arc<Genesis>,
    chain: Hash,
    ledger: Ledger,
    service: Service,
    /// Places for submissions that wait.
    waiting: Arc<Semaphore>,
    /// Places for batches of questions.
    batches: Arc<Semaphore>,
    /// Places for evidence that is gathered.
    gatherings: Arc<Semaphore>,
    /// Places for streams of events.
    streams: Arc<Semaphore>,
    limits: StreamLimits,
    limiter: Limiter,
    /// Whose pages may read answers.
    origins: Vec<Origin>,
    log_key: cose::LogKey,
    finality: Finality,
    /// What the portal's pages are set in.
    fonts: Arc<Fonts>,
    witnesses: SharedBoard,
}

impl App {
    /// Handlers of the node behind `node`.
    pub fn new(node: NodeHandle, ledger: &Ledger) -> anyhow::Result<Self> {
        let genesis = Arc::new(ledger.genesis()?);
        let origin: KeyName = genesis.origin.as_str().parse()?;
        let service = Service::new(node.published.clone(), origin.clone(), genesis.clone());
        let batches = Arc::new(Semaphore::new(BATCHES_MAX));
        let gatherings = Arc::new(Semaphore::new(GATHERINGS_MAX));
        let waiting = Arc::new(Semaphore::new(WAITING_MAX));
        let (chain, ledger) = (genesis.chain_id(), ledger.clone());
        let limits = StreamLimits::default();
        let limiter = Limiter::new(&HttpConfig::default());
        let streams = Arc::new(Semaphore::new(limits.streams_max));
        let (log_key, finality, witnesses) = (None, Finality::default(), SharedBoard::default());
        Ok(Self {
            node,
            origin,
            genesis,
            chain,
            ledger,
            service,
            waiting,
            batches,
            gatherings,
            streams,
            limits,
            limiter,
            log_key,
            finality,
            fonts: Arc::default(),
            origins: Vec::new(),
            witnesses,
        })
    }

    /// The same with limits on clients, pages of others that may read answers, and fonts, as an operator set them.
    pub fn with_config(self, config: &HttpConfig) -> Self {
        let fonts = Fonts::read(&config.fonts);
        if !fonts.missing.is_empty() {
            let missing = fonts.missing.join("; ");
            tracing::warn!(%missing, "the portal names fonts of the reader's device in place of these");
        }
        let origins = config.allow_origins.clone();
        Self { limiter: Limiter::new(config), origins, fonts: Arc::new(fonts), ..self }
    }

    /// The same with other limits of streams.
    pub fn with_streams(self, limits: StreamLimits) -> Self {
        Self { streams: Arc::new(Semaphore::new(limits.streams_max)), limits, ..self }
    }

    /// The same with a log key, which signs COSE receipts.
    pub fn with_log_key(self, key: Option<SecretKey>) -> Self {
        Self { log_key: key.map(Arc::new), ..self }
    }

    /// The same with what is measured of blocks.
    pub fn with_finality(self, finality: Finality) -> Self {
        Self { finality, ..self }
    }

    /// The same with what outside witnesses cosigned.
    pub fn with_witnesses(self, witnesses: SharedBoard) -> Self {
        Self { witnesses, ..self }
    }

    /// The newest head with a quorum of cosignatures, on which every proof rests.
    fn published(&self) -> Result<Arc<Published>, Problem> {
        self.node.published.borrow().clone().ok_or_else(|| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_checkpoint",
                "no quorum has cosigned a head yet; try again",
            )
        })
    }

    /// The pin of those who cosigned a published head.
    fn pin(&self, published: &Published) -> Result<Pin, Problem> {
        let from_height = published.view.validators_from().map_err(Problem::internal)?;
        let validators = (&published.validators, from_height);
        pin_of(&self.origin, &self.genesis, validators, now_ms()).map_err(Problem::internal)
    }

    async fn status(&self) -> Result<NodeStatus, Problem> {
        let (sender, receiver) = oneshot::channel();
        let asked = self.node.status.send(sender).await;
        let stopping = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the node is stopping");
        asked.map_err(|_| stopping())?;
        receiver.await.map_err(|_| stopping())
    }
}

/// All resources; the whole interface without a socket.
pub fn router(app: App) -> Router {
    let (_, router) = routes::api().into_parts();
    let router = router
        .merge(crate::portal::routes(app.fonts.clone()))
        .merge(crate::portal::explorer::routes())
        .fallback(async || Problem::not_found("there is no such resource"))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(map_response(problem::as_problem))
        .layer(from_fn(conditional::conditional))
        .layer(from_fn_with_state(app.limiter.clone(), limits::limited));
    // Outermost: a page must be able to read that it asks too often.
    let router = if app.origins.is_empty() { router } else { router.layer(cors::layer(&app.origins)) };
    router.with_state(app)
}

/// A server that runs.
pub struct Server {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Server {
    /// Takes no more requests and lets those under way end, for a while.
    pub async fn stop(self) {
        let _ended = self.stop.send(());
        let abort = self.task.abort_handle();
        if tokio::time::timeout(STOP_WITHIN, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// Serves everybody until it is stopped, by plain HTTP.
pub async fn serve(listen: SocketAddr, app: App) -> anyhow::Result<Server> {
    serve_with(listen, app, None).await
}

/// Serves everybody until it is stopped, by TLS if there is one.
pub async fn serve_with(listen: SocketAddr, app: App, tls: Option<Tls>) -> anyhow::Result<Server> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let served = listen_and_serve(listen, router(app), tls, connections::connections_allowed()).await?;
    tracing::info!(%listen, scheme, "clients served");
    Ok(served)
}

/// Serves the clients of a gateway, on an address of its own, until it is stopped.
pub async fn serve_gateway(listen: SocketAddr, app: App, gateway: Gateway) -> anyhow::Result<Server> {
    let key = gateway.public_key();
    let router = gateway::router(app, gateway);
    let served = listen_and_serve(listen, router, None, connections::DEPARTMENT_CONNECTIONS_MAX).await?;
    tracing::info!(%listen, %key, "gateway served");
    Ok(served)
}

/// Serves DigiLocker, on an address of its own, until it is stopped.
pub async fn serve_digilocker(listen: SocketAddr, app: App, digilocker: DigiLocker) -> anyhow::Result<Server> {
    let key = digilocker.key_mark();
    let router = digilocker::router(app, digilocker);
    let served = listen_and_serve(listen, router, None, connections::DEPARTMENT_CONNECTIONS_MAX).await?;
    tracing::info!(%listen, key, "digilocker served");
    Ok(served)
}

async fn listen_and_serve(listen: SocketAddr, router: Router, tls: Option<Tls>, room: usize) -> anyhow::Result<Server> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: is the port in use?"))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let service = router.into_make_service_with_connect_info::<Peer>();
    let serving = axum::serve(connections::Bounded::new(listener, tls, room), service);
    let serving = serving.with_graceful_shutdown(async {
        let _stopped_or_dropped = stopped.await;
    });
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok(Server { task, stop })
}

async fn status(State(app): State<App>) -> Result<Json<NodeStatus>, Problem> {
    Ok(Json(app.status().await?))
}

/// The published schema of every call.
async fn schema() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, conditional::REVALIDATED)], Json(dalil_contracts::schema()))
}

/// Ready: the node has a published head and is not known to be behind.
async fn ready(State(app): State<App>) -> Response {
    let behind = |status: &NodeStatus| status.standing.target > status.standing.height + 1;
    match app.status().await {
        Ok(status) if status.standing.halted.is_none() && status.published.is_some() && !behind(&status) => {
            (StatusCode::OK, Json(status)).into_response()
        }
        Ok(status) => (StatusCode::SERVICE_UNAVAILABLE, Json(status)).into_response(),
        Err(problem) => problem.into_response(),
    }
}
