//! Which hosts are public: for callback URLs and image downloads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address can be public.
///
/// Not public: loopback, private, link-local, carrier-grade NAT, documentation, benchmarking, multicast, reserved and
/// unspecified addresses, and IPv6 forms that carry such an IPv4 address.
pub fn is_public_ip(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Whether a host, as written in a URL, can be public.
///
/// A name is public unless its suffix is local. Numbers are read as addresses; old forms (`2130706433`, `0x7f.1`, `127.1`) are never
/// public, since programs interpret them differently.
pub fn is_public_host(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return is_public_ip(address);
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.starts_with("0x") || last.bytes().all(|b| b.is_ascii_digit());
    let local = ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain"].contains(&last);
    !(numeric || local || host.is_empty() || host.contains(['[', ']', ':', '%']))
}

/// Whether a host, as written in a URL, is this machine: a loopback or unspecified address, an IPv6 form of one, `localhost`, or a name
/// that ends in `.localhost`.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => host.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost")),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let embedded = match s {
        [0, 0, 0, 0, 0, 0xffff | 0, hi, lo] | [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] => Some((hi, lo)),
        [0x2002, hi, lo, ..] => Some((hi, lo)),
        _ => None,
    };
    if let Some((hi, lo)) = embedded {
        let ([a, b], [c, d]) = (hi.to_be_bytes(), lo.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Only 2000::/3 is allocated; of it, 2001:db8::/32 and 3fff::/20 are for documentation, 2001::/23 for protocols.
    (0x2000..0x4000).contains(&s[0])
        && !(s[0] == 0x2001 && (s[1] == 0xdb8 || s[1] < 0x200))
        && !(s[0] == 0x3fff && s[1] < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_hosts_are_public() {
        for host in ["example.com", "a.b.example.com.", "8.8.8.8", "[2606:4700::1111]", "1.example", "xn--fiqs8s"] {
            assert!(is_public_host(host), "{host}");
        }
    }

    #[test]
    fn this_machine_is_known_by_address_and_by_name() {
        for host in [
            "127.0.0.1",
            "127.255.1.2",
            "0.0.0.0",
            "[::1]",
            "::1",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f01:2]",
            "localhost",
            "LocalHost.",
            "db.localhost",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["", "128.0.0.1", "10.0.0.1", "[::2]", "[::ffff:10.0.0.1]", "localhost.example", "notlocalhost"] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for host in [
            "",
            "localhost",
            "db.localhost",
            "printer.local",
            "metadata.google.internal",
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "[::]",
            "[::1]",
            "[fe80::1]",
            "[fc00::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:a00:1::]",
            "[2001:db8::1]",
            "[::127.0.0.1]",
            "[fe80::1%25eth0]",
        ] {
            assert!(!is_public_host(host), "{host}");
        }
    }
}
