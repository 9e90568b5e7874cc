//! Buckets of addresses.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{HeaderMap, HeaderValue};
use dalil_node::shell::http::config::{HttpConfig, RateLimits};
use dalil_node::shell::http::limits::{ADDRESSES_MAX, Addresses, Limiter, Whose};

const LIMITS: RateLimits = RateLimits { requests_per_second: 2, burst: 3 };

fn whose(number: u32) -> Whose {
    IpAddr::from(Ipv4Addr::from(number)).into()
}

#[test]
fn each_address_has_its_own_room() {
    let mut addresses = Addresses::default();
    for _ in 0..3 {
        assert_eq!(addresses.take(whose(1), LIMITS, 10), Ok(()));
    }
    assert_eq!(addresses.take(whose(1), LIMITS, 10), Err(1));
    assert_eq!(addresses.take(whose(2), LIMITS, 10), Ok(()));
    // Two a second.
    assert_eq!(addresses.take(whose(1), LIMITS, 510), Ok(()));
    assert_eq!(addresses.take(whose(1), LIMITS, 510), Err(1));
}

#[test]
fn the_map_is_bounded_and_newcomers_share_a_bucket() {
    let mut addresses = Addresses::default();
    for number in 0..ADDRESSES_MAX as u32 {
        assert_eq!(addresses.take(whose(number), LIMITS, 2_000), Ok(()));
    }
    let newcomers = ADDRESSES_MAX as u32..;
    let taken: Vec<_> = newcomers.take(4).map(|number| addresses.take(whose(number), LIMITS, 2_000)).collect();
    assert_eq!(taken, [Ok(()), Ok(()), Ok(()), Err(1)]);
    assert_eq!(addresses.len(), ADDRESSES_MAX);
    // Those whose buckets are full again are forgotten.
    assert_eq!(addresses.take(whose(u32::MAX), LIMITS, 10_000), Ok(()));
    assert_eq!(addresses.len(), 1);
}

#[test]
fn an_ipv6_client_is_its_network_and_a_mapped_address_its_ipv4() {
    let whose = |text: &str| Whose::from(text.parse::<IpAddr>().unwrap());
    assert_eq!(whose("2001:db8:1:2::1"), whose("2001:db8:1:2:ffff::9"));
    assert_ne!(whose("2001:db8:1:2::1"), whose("2001:db8:1:3::1"));
    assert_eq!(whose("::ffff:192.0.2.1"), whose("192.0.2.1"));
    assert_ne!(whose("192.0.2.1"), whose("192.0.2.2"));
}

#[test]
fn only_a_trusted_proxy_names_its_client() {
    let config = HttpConfig { trusted_proxies: vec!["192.0.2.1".parse().unwrap()], ..HttpConfig::default() };
    let limiter = Limiter::new(&config);
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9, 198.51.100.7, 192.0.2.1"));
    let is = |text: &str| Whose::from(text.parse::<IpAddr>().unwrap());
    let whose = |peer: &str, headers: &HeaderMap| limiter.whose(peer.parse().unwrap(), headers);
    assert_eq!(whose("192.0.2.1", &headers), is("198.51.100.7"));
    assert_eq!(whose("192.0.2.2", &headers), is("192.0.2.2"));
    headers.insert("x-forwarded-for", HeaderValue::from_static("nonsense"));
    assert_eq!(whose("192.0.2.1", &headers), is("192.0.2.1"));
}
