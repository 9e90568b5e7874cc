//! Runs a node: feeds the core, carries out its effects, and serves clients.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dalil_consensus::Quarantine;
use dalil_ledger::checkpoint::{KeyName, Policy};
use dalil_ledger::crypto::Hash;
use dalil_ledger::store::{Ledger, LedgerView, StoreError};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};

use super::clock::now_ms;
use super::database::{open_ledger, remedy};
use super::finality::Finality;
use super::handle::{NodeHandle, NodeStatus, Submission};
use super::home::{Home, NodeKeys};
use super::http;
use super::network::{Inbox, Network, NetworkConfig};
use super::sources::{Incoming, Shared, Sources, StorageEvent};
use super::storage::{Report, Storage};
use super::webhooks::{self, Webhooks};
use super::witnesses::{self, Pace, Terms, Witnesses};
use super::workers::Workers;
use crate::core::cosign::Published;
use crate::core::{Answer, Core, Done, Effect, Event, NOTE_KEY, Notice, RequestId, Source, StartError, executor};
use crate::digilocker::DigiLocker;
use crate::gateway::Gateway;

/// Events that wait for the core, by urgency.
const URGENT_QUEUE: usize = 4_096;
const BULK_QUEUE: usize = 1_024;
/// Submissions that wait for the core.
const SUBMISSION_QUEUE: usize = 8_192;

struct StorageReport(mpsc::UnboundedSender<StorageEvent>);

impl Report for StorageReport {
    fn durable(&self, seq: u64) {
        let _closed = self.0.send(StorageEvent::Durable(seq));
    }

    fn failed(&self, why: String) {
        let _closed = self.0.send(StorageEvent::Failed(why));
    }
}

/// Runs the node of `home` until `stop` resolves or the node cannot go on.
pub async fn run(home: &Home, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let config = home.config()?;
    let mut taken = vec![config.http_listen, config.p2p_listen];
    if let Some(gateway) = &config.gateway {
        gateway.check(&taken)?;
        taken.push(gateway.listen);
    }
    if let Some(digilocker) = &config.digilocker {
        digilocker.check(&taken)?;
    }
    let _lock = home.lock()?;
    // Everything that does not fit is found before a database is made.
    let genesis = home.genesis()?;
    let webhooks = webhooks::prepare(home, &config.webhooks)?;
    let origin: KeyName = genesis.origin.as_str().parse()?;
    let witnesses = witnesses::prepare(home, &origin, &config.witnesses)?;
    let keys = home.keys()?;
    let validator_keys = home.validator_keys(&keys, &genesis.chain_id())?;
    if validator_keys.as_ref().is_some_and(|keys| keys.record.quarantine() == Quarantine::Lifted) {
        warn!("an operator lifted the quarantine of this key: should another copy of it sign, the chain can fork");
    }
    let gateway =
        config.gateway.as_ref().map(|gateway| Gateway::open(home, gateway, genesis.chain_id())).transpose()?;
    let digilocker = config.digilocker.as_ref().map(|digilocker| DigiLocker::open(home, digilocker)).transpose()?;
    let tls = config.http.tls.as_ref().map(|tls| http::Tls::open(home.path(), tls)).transpose()?;
    let ledger = open_ledger(home, &genesis)?;
    let log_key = validator_keys.as_ref().map(|keys| keys.log.clone());
    let (core, effects) =
        Core::start_with(ledger.clone(), validator_keys, config.sync, now_ms()).map_err(|error| match error {
            StartError::Store(StoreError::Kv(_)) => anyhow::Error::new(error).context(remedy(&home.data())),
            other => other.into(),
        })?;
    let standing = core.standing();
    info!(chain = %genesis.chain_id(), height = standing.height, head = %standing.head, signing = %standing.signing, "ledger open");

    if core.named_network_key().is_some_and(|named| named != keys.network.public()) {
        warn!("keys/network.seed is not the key that the validator set names for this node: peers will not let it in");
    }

    let (votes, vote_receiver) = mpsc::channel(URGENT_QUEUE);
    let (bulk, bulk_receiver) = mpsc::channel(BULK_QUEUE);
    let (internal, internal_receiver) = mpsc::unbounded_channel();
    let (storage_events, storage_receiver) = mpsc::unbounded_channel();
    let dial = config
        .peers
        .iter()
        .map(|peer| peer.parse().with_context(|| format!("peer {peer:?}")))
        .collect::<Result<_, _>>()?;
    let network =
        NetworkConfig { key: keys.network.clone(), listen: config.p2p_listen, dial, observers: config.observers };
    let network = Network::start(network, Inbox { votes, bulk }).await?;
    let storage = Storage::start(ledger.clone(), home.sign_record_path(), StorageReport(storage_events))?;

    let (submit, submissions) = mpsc::channel(SUBMISSION_QUEUE);
    let (status, questions) = mpsc::channel(64);
    let (published_sender, published) = watch::channel(last_published(&ledger)?);
    let (view_sender, view) = watch::channel(ledger.view()?);
    let newest = view.borrow().log_size();
    let webhooks = Webhooks::start(home, genesis.chain_id(), webhooks, &published, newest, webhooks::PATIENCE)?;
    let terms = Terms {
        origin,
        log_key: log_key.clone(),
        skew_ms: u64::from(genesis.parameters.cosignature_skew_ms),
        pace: Pace::default(),
        patience: witnesses::PATIENCE,
    };
    let witnesses = Witnesses::start(witnesses, terms, &published);
    let handle = NodeHandle { submit, status, published, view };
    let finality = Finality::default();
    finality.skip(standing.height);
    let app = http::App::new(handle, &ledger)?.with_log_key(log_key).with_config(&config.http);
    let app = app.with_finality(finality.clone()).with_witnesses(witnesses.board());
    let mut servers = vec![http::serve_with(config.http_listen, app.clone(), tls).await?];
    if let (Some(config), Some(gateway)) = (&config.gateway, gateway) {
        servers.push(http::serve_gateway(config.listen, app.clone(), gateway).await?);
    }
    if let (Some(config), Some(digilocker)) = (&config.digilocker, digilocker) {
        servers.push(http::serve_digilocker(config.listen, app, digilocker).await?);
    }

    let mut node = Running {
        core,
        chain: genesis.chain_id(),
        ledger,
        network,
        storage,
        workers: Workers::new(genesis.parameters),
        internal,
        waiting: HashMap::new(),
        next_request: 0,
        published: published_sender,
        view: view_sender,
        finality,
        webhooks,
        witnesses,
    };
    node.carry_out(effects);
    let sources = Sources {
        storage: storage_receiver,
        internal: internal_receiver,
        votes: vote_receiver,
        shared: Shared { bulk: bulk_receiver, submissions, questions },
        votes_in_a_row: 0,
    };
    let ended = node.feed(sources, stop).await;
    // Whoever waits for the core or for the next head learns that there will be none.
    drop(node);
    for server in servers {
        server.stop().await;
    }
    ended
}

/// The note that was published last before the stop, if it is of a head that still stands.
fn last_published(ledger: &Ledger) -> anyhow::Result<Option<Arc<Published>>> {
    let view = ledger.view()?;
    let Some(note) = view.consensus(NOTE_KEY)? else { return Ok(None) };
    let validators = executor::next_validators(&view)?;
    let origin = ledger.genesis()?.origin.as_str().parse()?;
    let policy = Policy::of_set(&origin, &validators)?;
    let note = String::from_utf8(note)?;
    let endorsed = policy.verify(note.as_bytes(), u64::MAX, 0);
    Ok(match endorsed {
        Ok(endorsed) if endorsed.checkpoint.size == view.log_size() => {
            Some(Arc::new(Published { note, view, validators, freshness_ms: endorsed.freshness_ms }))
        }
        _ => None,
    })
}

struct Running {
    core: Core,
    chain: Hash,
    ledger: Ledger,
    network: Network,
    storage: Storage,
    workers: Arc<Workers>,
    internal: mpsc::UnboundedSender<Event>,
    waiting: HashMap<RequestId, oneshot::Sender<Answer>>,
    next_request: RequestId,
    published: watch::Sender<Option<Arc<Published>>>,
    view: watch::Sender<LedgerView>,
    finality: Finality,
    webhooks: Webhooks,
    witnesses: Witnesses,
}

impl Running {
    /// The core's loop.
    async fn feed(&mut self, mut sources: Sources, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::pin!(stop);
        loop {
            let incoming = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                incoming = sources.next() => incoming.context("nothing feeds the node any more")?,
            };
            let event = match incoming {
                Incoming::Storage(StorageEvent::Durable(seq)) => Event::Persisted(seq),
                Incoming::Storage(StorageEvent::Failed(why)) => {
                    anyhow::bail!("a write failed, the node stops: {why}. See to the disk, then start the node again")
                }
                Incoming::Event(event) => event,
                Incoming::Submission(submission) => self.submitted(submission),
                Incoming::Question(question) => {
                    let _gone = question.send(self.status());
                    continue;
                }
            };
            let effects = self.core.handle(event, now_ms());
            self.carry_out(effects);
        }
    }

    fn status(&self) -> NodeStatus {
        NodeStatus {
            chain: self.chain,
            standing: self.core.standing(),
            peers: self.network.connected().len(),
            published: self.published.borrow().as_ref().map(|head| (head.view.log_size(), head.freshness_ms)),
            webhooks: self.webhooks.status(),
            witnesses: self.witnesses.board().status(),
        }
    }

    fn submitted(&mut self, submission: Submission) -> Event {
        let request = self.next_request;
        self.next_request += 1;
        self.waiting.insert(request, submission.answer);
        Event::Submit { request, record: Box::new(submission.record), attachment: submission.attachment }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist { seq, persist } => self.storage.write(seq, persist),
                Effect::Send(to, message) => self.network.send(&to, &message),
                Effect::Broadcast(message) => self.network.broadcast(&message),
                Effect::Arm { timer, after_ms } => {
                    let internal = self.internal.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(after_ms)).await;
                        let _closed = internal.send(Event::Timer(timer));
                    });
                }
                Effect::Work(work) => {
                    let (workers, internal) = (self.workers.clone(), self.internal.clone());
                    let done = tokio::task::spawn_blocking(move || workers.run(work));
                    tokio::spawn(async move {
                        let done = done.await.unwrap_or_else(|error| {
                            Done::Failed(StoreError::Damaged(format!("a worker failed: {error}")).into())
                        });
                        let _closed = internal.send(Event::Done(done));
                    });
                }
                Effect::Answer(request, answer) => {
                    if let Some(waiting) = self.waiting.remove(&request) {
                        let _gone = waiting.send(answer);
                    }
                }
                Effect::Publish(published) => {
                    self.finality.note(published.view.head(), now_ms());
                    self.published.send_replace(Some(published));
                }
                Effect::Admit(peers) => self.network.admit(&peers),
                Effect::Score(peer, fault) => self.network.fault(&peer, fault),
                Effect::Log(notice) => self.log(notice),
                Effect::Halt(reason) => error!(%reason, "this node votes no more; it goes on serving reads"),
            }
        }
    }

    /// Readers see the newest version from now on.
    fn show_newest(&self) {
        match self.ledger.view() {
            Ok(view) => {
                self.view.send_replace(view);
            }
            Err(error) => error!(%error, "cannot read the ledger"),
        }
    }

    fn log(&self, notice: Notice) {
        match notice {
            Notice::Committed { height, id, records, source } => {
                let source = match source {
                    Source::Consensus => "consensus",
                    Source::Sync => {
                        self.finality.skip(height);
                        "sync"
                    }
                };
                info!(height, block = %id, records, source, "block committed");
                self.show_newest();
            }
            Notice::Evidence(what) => error!(%what, "a validator broke the rules of consensus"),
            Notice::Restored { height, id } => {
                self.finality.skip(height);
                info!(height, block = %id, "a snapshot was restored; older entries are to be had from other nodes");
                self.show_newest();
            }
            Notice::CatchingUp(progress) => info!("{progress}"),
            Notice::BadCosignature(what) => warn!(%what, "cosignature refused"),
        }
    }
}

/// The network identity in a form that peers dial: `/ip4/…/tcp/…/p2p/…`.
pub fn dial_address(host: &str, port: u16, keys: &NodeKeys) -> anyhow::Result<String> {
    let id = super::network::peer_id(&keys.network.public())?;
    let kind = match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => "ip4",
        Ok(std::net::IpAddr::V6(_)) => "ip6",
        Err(_) => "dns4",
    };
    Ok(format!("/{kind}/{host}/tcp/{port}/p2p/{id}"))
}
