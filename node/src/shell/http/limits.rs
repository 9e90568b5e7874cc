//! How often somebody may ask: a token bucket for each address, and for each API key.
//!
//! An IPv6 client has a whole /64, so that is what is counted. Buckets that are full again are forgotten; if there are more
//! than [`ADDRESSES_MAX`] all the same, newcomers share one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use dalil_ledger::crypto::{Hash, sha256};
use subtle::ConstantTimeEq as _;

use super::Problem;
use super::config::{HttpConfig, RateLimits};
use super::connections::Peer;
use crate::bucket::Bucket;

/// The most addresses that are counted one by one.
pub const ADDRESSES_MAX: usize = 65_536;
/// How long after one clearing of the map the next one may come, in milliseconds.
const CLEAR_EVERY_MS: u64 = 1_000;
/// The longest API key that is looked at, in bytes.
const API_KEY_BYTES_MAX: usize = 256;

/// What is counted as one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Whose(IpAddr);

impl From<IpAddr> for Whose {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            v4 => v4,
        })
    }
}

/// Counts requests.
#[derive(Clone)]
pub struct Limiter(Arc<Inner>);

struct Inner {
    limits: RateLimits,
    trusted_proxies: Vec<IpAddr>,
    clients: Vec<(Hash, Mutex<Bucket>)>,
    addresses: Mutex<Addresses>,
    started: Instant,
}

/// A bucket for each client, and one for all newcomers when there is no room.
#[derive(Default)]
pub struct Addresses {
    buckets: HashMap<Whose, Bucket>,
    /// For newcomers when there is no room.
    shared: Option<Bucket>,
    cleared_at_ms: u64,
}

/// Why a request is not served.
enum Refused {
    /// The API key is nobody's.
    Key,
    /// Too many; there is room after so many seconds.
    Rate(u64),
}

impl Limiter {
    /// Limits of a configuration.
    pub fn new(config: &HttpConfig) -> Self {
        let bucket = |limits: RateLimits| Bucket::full(limits.requests_per_second, limits.burst);
        let clients = config.clients.iter().map(|it| (it.key_sha256, Mutex::new(bucket(it.limits)))).collect();
        Self(Arc::new(Inner {
            limits: config.limits,
            trusted_proxies: config.trusted_proxies.clone(),
            clients,
            addresses: Mutex::default(),
            started: Instant::now(),
        }))
    }

    /// The client behind a peer: of a trusted proxy, the last address that it did not make up.
    pub fn whose(&self, peer: IpAddr, headers: &HeaderMap) -> Whose {
        self.0.whose(peer, headers)
    }

    fn admit(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<(), Refused> {
        let now_ms = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A node that knows no keys does not look at any.
        if let Some(key) = bearer(headers).filter(|_| !self.0.clients.is_empty()) {
            let bucket = self.0.client(key).ok_or(Refused::Key)?;
            return bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now_ms).map_err(Refused::Rate);
        }
        // Without a connection there is nobody to count: that is how tests ask.
        let Some(peer) = peer else { return Ok(()) };
        let whose = self.whose(peer.ip(), headers);
        let mut addresses = self.0.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.take(whose, self.0.limits, now_ms).map_err(Refused::Rate)
    }
}

impl Inner {
    /// Takes as long for a wrong key as for a right one.
    fn client(&self, key: &[u8]) -> Option<&Mutex<Bucket>> {
        let digest = if key.len() > API_KEY_BYTES_MAX { Hash::ZERO } else { sha256(key) };
        let mut found = None;
        for (known, bucket) in &self.clients {
            if bool::from(known.0.ct_eq(&digest.0)) {
                found = Some(bucket);
            }
        }
        found
    }

    fn whose(&self, peer: IpAddr, headers: &HeaderMap) -> Whose {
        let trusted = |address: &IpAddr| self.trusted_proxies.contains(&address.to_canonical());
        if !trusted(&peer) {
            return peer.into();
        }
        let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let said: Vec<IpAddr> =
            said.flat_map(|value| value.split(',')).filter_map(|it| it.trim().parse().ok()).collect();
        said.into_iter().rev().find(|address| !trusted(address)).unwrap_or(peer).into()
    }
}

impl Addresses {
    /// How many clients have a bucket of their own.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Counts one request of a client, or says after how many seconds there is room for it. `now_ms` never goes back.
    pub fn take(&mut self, whose: Whose, limits: RateLimits, now_ms: u64) -> Result<(), u64> {
        let full = || Bucket::full(limits.requests_per_second, limits.burst);
        if self.buckets.len() >= ADDRESSES_MAX && !self.buckets.contains_key(&whose) {
            if now_ms.saturating_sub(self.cleared_at_ms) >= CLEAR_EVERY_MS {
                self.cleared_at_ms = now_ms;
                self.buckets.retain(|_, bucket| !bucket.is_full(now_ms));
            }
            if self.buckets.len() >= ADDRESSES_MAX {
                return self.shared.get_or_insert_with(full).take(now_ms);
            }
        }
        self.buckets.entry(whose).or_insert_with(full).take(now_ms)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(key.trim_ascii())
}

/// Lets a request through if there is room for it.
pub(super) async fn limited(State(limiter): State<Limiter>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| peer.0.0);
    match limiter.admit(request.headers(), peer) {
        Ok(()) => next.run(request).await,
        Err(Refused::Key) => {
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "api_key", "this API key is not known here");
            ([(header::WWW_AUTHENTICATE, "Bearer")], problem).into_response()
        }
        Err(Refused::Rate(after_s)) => {
            let detail = format!("too many requests of this address or key; there is room in {after_s} s");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate", detail);
            ([(header::RETRY_AFTER, HeaderValue::from(after_s))], problem).into_response()
        }
    }
}
