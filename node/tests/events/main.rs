//! Events: streams, webhooks, the command line and the contactless sample.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

#[path = "../support/network.rs"]
mod network;
#[path = "../support/mod.rs"]
mod support;

mod live;
mod receiver;
mod site;
mod stream;
mod webhooks;
