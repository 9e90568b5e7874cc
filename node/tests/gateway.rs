//! What a department's own systems reach, gateway and pull interface: their parts by themselves, and the real program with
//! real clients.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

#[path = "gateway/book.rs"]
mod book;
#[path = "gateway/configuration.rs"]
mod configuration;
#[path = "gateway/digilocker.rs"]
mod digilocker;
#[path = "support/network.rs"]
mod network;
#[path = "gateway/office.rs"]
mod office;
#[path = "gateway/once.rs"]
mod once;
#[path = "gateway/pulled.rs"]
mod pulled;
#[path = "gateway/requests.rs"]
mod requests;
#[path = "gateway/served.rs"]
mod served;
#[path = "support/mod.rs"]
mod support;
