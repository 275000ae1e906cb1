//! The expiry of URLs.

use std::time::Duration;

use seedream_core::Timestamp;

/// When a pre-signed URL expires, by its parameters: `X-Tos-Date` + `X-Tos-Expires` (Ark), or the same of `X-Amz-`.
pub fn expiry_of(url: &str) -> Option<Timestamp> {
    let (_, query) = url.split_once('?')?;
    let parameter = |name: &str| {
        query.split('&').find_map(|pair| {
            let (before, value) = pair.split_at_checked(name.len())?;
            value.strip_prefix('=').filter(|_| before.eq_ignore_ascii_case(name))
        })
    };
    [("X-Tos-Date", "X-Tos-Expires"), ("X-Amz-Date", "X-Amz-Expires")].iter().find_map(|(date, expires)| {
        let signed: Timestamp = parameter(date)?.parse().ok()?;
        signed.checked_add(Duration::from_secs(parameter(expires)?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_ark_ends_a_day_after_it_was_signed() {
        let url = "https://a.example/0.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400&X-Tos-Signature=95";
        assert_eq!(expiry_of(url), Some("2025-09-11T01:59:21Z".parse().unwrap()));
    }

    #[test]
    fn other_urls_do_not_say() {
        for url in [
            "https://a.example/0.jpeg",
            "https://a.example/0.jpeg?X-Tos-Date=20250910T015921Z",
            "https://a.example/0.jpeg?X-Tos-Date=today&X-Tos-Expires=5",
            "https://a.example/0.jpeg?X-Tos-Date=20250910T015921Z&X-Tos-Expires=99999999999999999999",
            "https://a.example/0.jpeg?X-Tos-Date=20250910T015921Z&X-Tos-Expires=9999999999999999",
        ] {
            assert_eq!(expiry_of(url), None, "{url}");
        }
    }
}
