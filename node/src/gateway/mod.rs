//! The department gateway: a department's own system hands in plain JSON, the node signs it, and each request becomes one
//! record however often it is sent.
//!
//! [`config`] what an operator sets · [`clients`] who may ask, for whom, how often · [`request`] JSON into a call · [`book`]
//! what was signed under which idempotency key, durable before it is handed in · [`once`] what a request comes to.
//!
//! Called by `shell/http/gateway.rs` alone, which has the socket and the clock. The room decides nothing about the chain:
//! what it signs is judged by the same admission as every record. It never holds an API key, only its digest.

pub mod book;
pub mod clients;
pub mod config;
pub mod once;
pub mod request;

use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use dalil_contracts::mineral::checkpost::ChallanSlip;
use dalil_ledger::codec::Token;
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey};
use dalil_ledger::qr::{QrError, Slip};

use crate::shell::home::{Home, read_private_seed};
use crate::signing::sign;
use book::Book;
use clients::{Client, Clients};
use config::GatewayConfig;
use once::{Chain, Refused, Step};
use request::Request;

/// A client's own name for a request, the same each time it is sent.
pub type IdempotencyKey = Token<128>;

/// The folder of a home that holds the book.
const BOOK_FOLDER: &str = "gateway";

/// A gateway at work.
pub struct Gateway {
    clients: Clients,
    key: SecretKey,
    chain: Hash,
    lapse_after_ms: u64,
    book: Mutex<Book>,
}

impl Gateway {
    /// The gateway of a home on the chain `chain`.
    pub fn open(home: &Home, config: &GatewayConfig, chain: Hash) -> anyhow::Result<Self> {
        let path = home.path().join(&config.key);
        let key = read_private_seed(&path).context("the gateway's key; `dalil key new` makes one")?;
        let book = Book::open(&home.path().join(BOOK_FOLDER), chain, config.remember_ms())?;
        let clients = Clients::new(&config.clients);
        Ok(Self { clients, key, chain, lapse_after_ms: config.lapse_after_ms(), book: Mutex::new(book) })
    }

    /// Who may ask.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// The key that postings name among their gateways.
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// Signs what a posting that lists this gateway may say of a challan.
    pub fn sign_slip(&self, said: &ChallanSlip) -> Result<Slip, QrError> {
        said.sign(&self.key, &self.chain)
    }

    /// What a request comes to at the head of `chain`. Blocks on the disk. When it says to hand a record in, that record is
    /// durable, and every later call with the same key names the same one until it can no longer be recorded.
    pub fn once(
        &self,
        client: &Client,
        key: &IdempotencyKey,
        request: &Request,
        chain: &impl Chain,
        now_ms: u64,
    ) -> Result<Step, Refused> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let at_ms = now_ms.max(chain.head_time_ms());
        let draw = || sign(&request.invocation, &self.key, self.chain, at_ms.saturating_add(self.lapse_after_ms));
        once::settle(&mut book, client.book_key(key), request.digest(), chain, draw)
    }
}
