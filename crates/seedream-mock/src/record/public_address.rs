//! Which hosts images are fetched from: public ones, and the upstream itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether a URL leads to a public host over HTTP. A name may still lead elsewhere: [`PublicNames`] looks at its addresses.
pub(crate) fn is_public(url: &Url) -> bool {
    let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else { return false };
    let host = host.trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) => is_public_address(address),
        Err(_) => {
            let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
            host.contains('.') && !["localhost", "local", "internal", "intranet", "lan", "home", "corp"].contains(&last)
        }
    }
}

fn is_public_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        // Only this range is allocated; the rest carries addresses of other kinds.
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            (0x2000..0x4000).contains(&first)
                && first != 0x2002
                && !(first == 0x2001 && (second == 0xdb8 || second < 0x200))
        }
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let special = (a == 192 && b == 0 && c == 0) || (a == 198 && (b == 18 || b == 19)) || a == 0 || a >= 240;
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_documentation()
        || shared
        || special)
}

/// Looks names up and leaves out addresses that are not public.
#[derive(Debug)]
pub(crate) struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public_address(address.ip())).collect();
            if public.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_hosts_are_public() {
        let public = |url: &str| is_public(&Url::parse(url).unwrap());
        for url in ["https://a.example.com/x", "http://8.8.8.8/x", "https://[2606:4700::1111]/x"] {
            assert!(public(url), "{url}");
        }
        for url in [
            "http://127.0.0.1/x",
            "http://2130706433/x",
            "http://localhost:8080/x",
            "http://10.1.2.3/x",
            "http://169.254.169.254/latest",
            "http://metadata.google.internal/x",
            "http://[::1]/x",
            "http://[::ffff:10.0.0.1]/x",
            "http://intranet/x",
            "ftp://a.example.com/x",
            "data:image/png;base64,AA==",
        ] {
            assert!(!public(url), "{url}");
        }
    }
}
