//! libp2p: TCP, Noise, Yamux, and two one-way streams to each peer, one a lane.
//!
//! Let in, by network key, are those that the core names (`core::admitted`), configured observers, and the peers that this
//! node is told to dial. Frames are length-prefixed and bounded; a peer that breaks framing or sends what does not decode
//! is disconnected and, again and again, shut out for a while. Queues are bounded and drop what does not fit: the core
//! sends again whatever matters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use dalil_ledger::crypto::{PublicKey, SecretKey};
use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, allow_block_list, connection_limits, identify, noise, ping, tcp, yamux,
};
use tokio::sync::{mpsc, watch};
use tracing::{debug, error, info, warn};

use super::faults::{BANISHED_FOR, Faults, Verdict};
use crate::core::message::{Lane, MESSAGE_BYTES_MAX, Message};
use crate::core::{Event, Peer};

/// The longest frame on the vote stream, in bytes.
const VOTE_FRAME_BYTES_MAX: usize = 256 << 10;
/// Frames that wait for a slow peer, by lane.
const VOTE_QUEUE: usize = 512;
const BULK_QUEUE: usize = 64;
/// How often a missing peer is dialled.
const DIAL_INTERVAL: Duration = Duration::from_millis(1_000);
/// How long a writer waits before it opens a broken stream again.
const REOPEN_AFTER: Duration = Duration::from_millis(200);
/// Connections that have not finished their handshake.
const PENDING_MAX: u32 = 64;

fn protocol(lane: Lane) -> StreamProtocol {
    match lane {
        Lane::Votes => StreamProtocol::new("/dalil/votes/1"),
        Lane::Bulk => StreamProtocol::new("/dalil/bulk/1"),
    }
}

fn frame_bytes_max(lane: Lane) -> usize {
    match lane {
        Lane::Votes => VOTE_FRAME_BYTES_MAX,
        Lane::Bulk => MESSAGE_BYTES_MAX,
    }
}

/// The peer id of a network key.
pub fn peer_id(key: &PublicKey) -> anyhow::Result<PeerId> {
    let key = libp2p::identity::ed25519::PublicKey::try_from_bytes(key.as_bytes()).context("not a network key")?;
    Ok(libp2p::identity::PublicKey::from(key).to_peer_id())
}

/// The network key behind a peer id; none if it is of another kind than ours.
fn key_of(id: &PeerId) -> Option<PublicKey> {
    // An Ed25519 peer id holds the key itself: identity multihash, length, protobuf.
    let key = libp2p::identity::PublicKey::try_decode_protobuf(id.to_bytes().get(2..)?).ok()?;
    Some(PublicKey(key.try_into_ed25519().ok()?.to_bytes()))
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    stream: libp2p_stream::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    allowed: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
    limits: connection_limits::Behaviour,
}

/// What the node tells the network task.
enum Command {
    Fault(PeerId, String),
}

/// Where incoming messages go: votes are never behind records.
#[derive(Clone)]
pub struct Inbox {
    /// Votes, and everything else that must be quick.
    pub votes: mpsc::Sender<Event>,
    /// Records and blocks.
    pub bulk: mpsc::Sender<Event>,
}

/// The peers that are let in.
type Admitted = BTreeMap<PeerId, Peer>;

/// The node's side of the network.
pub struct Network {
    own: PeerId,
    /// Who is let in whatever the core says: observers, and whom this node dials.
    always: BTreeSet<Peer>,
    outboxes: BTreeMap<Peer, [mpsc::Sender<Arc<Vec<u8>>>; 2]>,
    ids: BTreeMap<Peer, PeerId>,
    control: libp2p_stream::Control,
    admitted: watch::Sender<Admitted>,
    commands: mpsc::Sender<Command>,
    connected: watch::Receiver<BTreeMap<PeerId, u32>>,
}

/// What the network needs to know at start.
pub struct NetworkConfig {
    /// The libp2p identity.
    pub key: SecretKey,
    /// Where to listen.
    pub listen: std::net::SocketAddr,
    /// Whom to dial.
    pub dial: Vec<Multiaddr>,
    /// Who may connect without being known to the core.
    pub observers: Vec<PublicKey>,
}

impl Network {
    /// Listens, and starts the network's tasks.
    pub async fn start(config: NetworkConfig, inbox: Inbox) -> anyhow::Result<Self> {
        let identity = libp2p::identity::Keypair::ed25519_from_bytes(*config.key.seed()).context("network key")?;
        let own = identity.public().to_peer_id();
        let limits = connection_limits::ConnectionLimits::default()
            .with_max_pending_incoming(Some(PENDING_MAX))
            .with_max_established_per_peer(Some(2));
        let mut swarm = libp2p::SwarmBuilder::with_existing_identity(identity)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
            .with_dns()?
            .with_behaviour(|key| Behaviour {
                stream: libp2p_stream::Behaviour::new(),
                identify: identify::Behaviour::new(identify::Config::new("/dalil/1".to_owned(), key.public())),
                ping: ping::Behaviour::default(),
                allowed: allow_block_list::Behaviour::default(),
                limits: connection_limits::Behaviour::new(limits),
            })?
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(u32::MAX.into())))
            .build();
        let ip = match config.listen.ip() {
            std::net::IpAddr::V4(ip) => format!("/ip4/{ip}"),
            std::net::IpAddr::V6(ip) => format!("/ip6/{ip}"),
        };
        let listen: Multiaddr = format!("{ip}/tcp/{}", config.listen.port()).parse()?;
        let in_use = || format!("cannot listen on {}: is the port in use?", config.listen);
        swarm.listen_on(listen).with_context(in_use)?;
        // The first event says whether the port could be had.
        await_listening(&mut swarm, config.listen).await?;

        let control = swarm.behaviour().stream.new_control();
        let (commands, command_receiver) = mpsc::channel(64);
        let (connected_sender, connected) = watch::channel(BTreeMap::new());
        let (admitted, admitted_receiver) = watch::channel(Admitted::new());
        for lane in [Lane::Votes, Lane::Bulk] {
            let incoming = control.clone().accept(protocol(lane)).map_err(|_| anyhow::anyhow!("protocol taken"))?;
            tokio::spawn(accept(lane, incoming, admitted_receiver.clone(), inbox.clone(), commands.clone()));
        }
        let dial: Vec<_> = config.dial.into_iter().filter_map(|address| Some((dialled(&address)?, address))).collect();
        let configured = dial.iter().filter_map(|(id, _)| key_of(id)).chain(config.observers);
        let always = configured.collect();
        tokio::spawn(drive(swarm, dial, admitted_receiver, command_receiver, connected_sender));
        info!(peer_id = %own, listen = %config.listen, "network up");
        let (outboxes, ids) = (BTreeMap::new(), BTreeMap::new());
        let mut network = Self { own, always, outboxes, ids, control, admitted, commands, connected };
        network.admit(&BTreeSet::new());
        Ok(network)
    }

    /// Lets in `peers` and those that the configuration names; everybody else is disconnected.
    pub fn admit(&mut self, peers: &BTreeSet<Peer>) {
        let wanted: BTreeMap<Peer, PeerId> = peers
            .union(&self.always)
            .filter_map(|key| Some((*key, peer_id(key).ok()?)))
            .filter(|(_, id)| *id != self.own)
            .collect();
        self.outboxes.retain(|key, _| wanted.contains_key(key));
        for (key, id) in &wanted {
            if !self.outboxes.contains_key(key) {
                let outbox = |lane, queue| {
                    let (sender, receiver) = mpsc::channel(queue);
                    tokio::spawn(write_frames(*id, lane, self.control.clone(), receiver, self.connected.clone()));
                    sender
                };
                self.outboxes.insert(*key, [outbox(Lane::Votes, VOTE_QUEUE), outbox(Lane::Bulk, BULK_QUEUE)]);
            }
        }
        self.admitted.send_replace(wanted.iter().map(|(key, id)| (*id, *key)).collect());
        self.ids = wanted;
    }

    /// Queues a message for one peer.
    pub fn send(&self, to: &Peer, message: &Message) {
        self.queue(to, message.lane(), &Arc::new(message.encode()));
    }

    /// Queues a message for every connected peer.
    pub fn broadcast(&self, message: &Message) {
        let bytes = Arc::new(message.encode());
        for peer in self.outboxes.keys() {
            self.queue(peer, message.lane(), &bytes);
        }
    }

    fn queue(&self, to: &Peer, lane: Lane, bytes: &Arc<Vec<u8>>) {
        let connected = self.ids.get(to).is_some_and(|id| self.connected.borrow().contains_key(id));
        let Some(outbox) = self.outboxes.get(to).filter(|_| connected) else { return };
        if bytes.len() > frame_bytes_max(lane) {
            // The peer would take it for an attack and cut this node off.
            error!(peer = %to, ?lane, bytes = bytes.len(), "message too long for a frame, dropped");
            return;
        }
        if outbox[lane as usize].try_send(bytes.clone()).is_err() {
            debug!(peer = %to, ?lane, "queue full, message dropped");
        }
    }

    /// A peer did something that its message alone shows to be wrong.
    pub fn fault(&self, peer: &Peer, what: String) {
        if let Some(id) = self.ids.get(peer) {
            let _full = self.commands.try_send(Command::Fault(*id, what));
        }
    }

    /// The peers that are connected.
    pub fn connected(&self) -> Vec<Peer> {
        let connected = self.connected.borrow();
        self.ids.iter().filter(|(_, id)| connected.contains_key(id)).map(|(key, _)| *key).collect()
    }
}

async fn await_listening(swarm: &mut Swarm<Behaviour>, listen: std::net::SocketAddr) -> anyhow::Result<()> {
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { .. } => return Ok(()),
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => {
                return Err(error).with_context(|| format!("cannot listen on {listen}: is the port in use?"));
            }
            SwarmEvent::ListenerError { error, .. } => {
                return Err(error).with_context(|| format!("cannot listen on {listen}: is the port in use?"));
            }
            _ => {}
        }
    }
}

/// Whom an address leads to: it ends in `/p2p/<peer id>`.
fn dialled(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(libp2p::multiaddr::Protocol::P2p(id)) => Some(id),
        _ => None,
    }
}

/// Drives the swarm: dials who is missing, notes who is connected, shuts out who misbehaves.
async fn drive(
    mut swarm: Swarm<Behaviour>,
    dial: Vec<(PeerId, Multiaddr)>,
    mut admitted: watch::Receiver<Admitted>,
    mut commands: mpsc::Receiver<Command>,
    connected: watch::Sender<BTreeMap<PeerId, u32>>,
) {
    let mut let_in: BTreeSet<PeerId> = BTreeSet::new();
    let mut ticks = tokio::time::interval(DIAL_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut faults = Faults::default();
    loop {
        tokio::select! {
            event = swarm.select_next_some() => match event {
                SwarmEvent::ConnectionEstablished { peer_id, num_established, .. } => {
                    if num_established.get() == 1 {
                        info!(peer = %peer_id, "peer connected");
                    }
                    connected.send_modify(|peers| { peers.insert(peer_id, num_established.get()); });
                }
                SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                    info!(peer = %peer_id, "peer disconnected");
                    connected.send_modify(|peers| { peers.remove(&peer_id); });
                }
                SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => debug!(?peer_id, %error, "dial failed"),
                SwarmEvent::IncomingConnectionError { error, .. } => debug!(%error, "incoming connection refused"),
                _ => {}
            },
            _ = ticks.tick() => {
                for id in faults.released(Instant::now()) {
                    if let_in.contains(&id) {
                        swarm.behaviour_mut().allowed.allow_peer(id);
                    }
                }
                for (id, address) in &dial {
                    let missing = !swarm.is_connected(id) && !faults.is_banished(id) && *id != *swarm.local_peer_id();
                    if missing && let Err(error) = swarm.dial(address.clone()) {
                        debug!(peer = %id, %error, "cannot dial");
                    }
                }
            }
            Ok(()) = admitted.changed() => {
                let wanted: BTreeSet<PeerId> = admitted.borrow_and_update().keys().copied().collect();
                for id in wanted.difference(&let_in).filter(|id| !faults.is_banished(id)) {
                    swarm.behaviour_mut().allowed.allow_peer(*id);
                }
                for id in let_in.difference(&wanted) {
                    info!(peer = %id, "peer no longer let in");
                    swarm.behaviour_mut().allowed.disallow_peer(*id);
                }
                let_in = wanted;
            }
            command = commands.recv() => match command {
                None => return,
                Some(Command::Fault(id, what)) => {
                    match faults.note(id, Instant::now()) {
                        Verdict::Closed { faults } => warn!(peer = %id, faults, %what, "peer fault"),
                        Verdict::Banished => {
                            warn!(peer = %id, %what, seconds = BANISHED_FOR.as_secs(), "peer fault; shut out");
                            swarm.behaviour_mut().allowed.disallow_peer(id);
                        }
                    }
                    let _not_connected = swarm.disconnect_peer_id(id);
                }
            },
        }
    }
}

/// Takes the streams of one lane as peers open them.
async fn accept(
    lane: Lane,
    mut incoming: libp2p_stream::IncomingStreams,
    admitted: watch::Receiver<Admitted>,
    inbox: Inbox,
    commands: mpsc::Sender<Command>,
) {
    // One reader a peer, of the newest stream: many streams must not mean many buffers.
    let mut readers: BTreeMap<PeerId, tokio::task::JoinHandle<()>> = BTreeMap::new();
    while let Some((id, stream)) = incoming.next().await {
        let peer = admitted.borrow().get(&id).copied();
        if let Some(peer) = peer {
            let reader = tokio::spawn(read_frames(lane, id, peer, stream, inbox.clone(), commands.clone()));
            if let Some(former) = readers.insert(id, reader) {
                former.abort();
            }
        }
    }
}

/// Why a stream ended that did not simply close.
#[derive(Debug, thiserror::Error)]
enum FrameError {
    #[error("frame of {got} bytes, at most {max} allowed")]
    TooLong { got: usize, max: usize },
    #[error("undecodable message: {0}")]
    Codec(#[from] dalil_ledger::codec::CodecError),
    #[error("a message on the wrong stream")]
    WrongLane,
}

async fn read_frames(
    lane: Lane,
    id: PeerId,
    peer: Peer,
    mut stream: libp2p::Stream,
    inbox: Inbox,
    commands: mpsc::Sender<Command>,
) {
    let sink = match lane {
        Lane::Votes => &inbox.votes,
        Lane::Bulk => &inbox.bulk,
    };
    loop {
        let mut length = [0; 4];
        if stream.read_exact(&mut length).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes(length) as usize;
        let decoded = if length > frame_bytes_max(lane) {
            Err(FrameError::TooLong { got: length, max: frame_bytes_max(lane) })
        } else {
            let mut bytes = vec![0; length];
            if stream.read_exact(&mut bytes).await.is_err() {
                return;
            }
            Message::decode(&bytes)
                .map_err(FrameError::from)
                .and_then(|message| if message.lane() == lane { Ok(message) } else { Err(FrameError::WrongLane) })
        };
        match decoded {
            Ok(message) => {
                if sink.send(Event::Message { from: peer, message: Box::new(message) }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                let _closed = commands.send(Command::Fault(id, error.to_string())).await;
                return;
            }
        }
    }
}

/// Writes the frames of one lane to one peer, over a stream that is opened again whenever it breaks.
async fn write_frames(
    id: PeerId,
    lane: Lane,
    mut control: libp2p_stream::Control,
    mut frames: mpsc::Receiver<Arc<Vec<u8>>>,
    connected: watch::Receiver<BTreeMap<PeerId, u32>>,
) {
    let mut stream: Option<libp2p::Stream> = None;
    while let Some(frame) = frames.recv().await {
        if !connected.borrow().contains_key(&id) {
            stream = None;
            continue;
        }
        let mut open = match stream.take() {
            Some(open) => open,
            None => match control.open_stream(id, protocol(lane)).await {
                Ok(open) => open,
                Err(error) => {
                    debug!(peer = %id, ?lane, %error, "cannot open stream");
                    tokio::time::sleep(REOPEN_AFTER).await;
                    continue;
                }
            },
        };
        if write_frame(&mut open, &frame, frames.is_empty()).await.is_ok() {
            stream = Some(open);
        }
    }
}

async fn write_frame(stream: &mut libp2p::Stream, frame: &[u8], flush: bool) -> std::io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(frame).await?;
    if flush { stream.flush().await } else { Ok(()) }
}
