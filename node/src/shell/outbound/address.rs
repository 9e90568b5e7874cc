//! Which addresses the node may post to: those of the public Internet, unless its configuration says otherwise.
//!
//! It posts from within the department's network. Without this check, whoever controls a name's DNS entry could make the
//! node post to a machine behind the firewall. So it is the very address that is connected to that is judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range, and what it is called.
type Range<A> = (A, u32, &'static str);

/// What of IPv4 is not public (IANA's registry of special-purpose addresses).
const V4: [Range<Ipv4Addr>; 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "of no host"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "of a carrier's network (CGNAT)"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved for protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "of the former 6to4 relays"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// What of IPv6 is named in words; all else outside of 2000::/3 is not public either.
const V6: [Range<Ipv6Addr>; 11] = [
    (Ipv6Addr::UNSPECIFIED, 128, "of no host"),
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 32, "a translation of IPv4"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "reserved for protocols"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "for documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "a translation of IPv4 (6to4)"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "for documentation"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "private (ULA)"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

/// Why an address is not of the public Internet; none if it is.
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => Some(v4(mapped).unwrap_or("IPv4 in the clothes of IPv6")),
            None => v6(address),
        },
    }
}

fn v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let within = |&&(base, length, _): &&Range<Ipv4Addr>| (bits ^ base.to_bits()) >> (32 - length) == 0;
    V4.iter().find(within).map(|(_, _, what)| *what)
}

fn v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let within = |&&(base, length, _): &&Range<Ipv6Addr>| (bits ^ base.to_bits()) >> (128 - length) == 0;
    let named = V6.iter().find(within).map(|(_, _, what)| *what);
    named.or((bits >> 125 != 0b001).then_some("of no public range"))
}
