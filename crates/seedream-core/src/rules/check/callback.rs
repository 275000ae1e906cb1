//! The rules of a callback URL (docs.evolink.ai, seedream-4.5-image-generate, callback_url).

use http::Uri;

use crate::public_hosts::is_public_host;

/// The most characters of a callback URL.
const MAX_CHARS: usize = 2048;

/// The problems of a callback URL.
pub(super) fn problems(url: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let chars = url.chars().count();
    if chars > MAX_CHARS {
        problems.push(format!("has {chars} characters: use at most {MAX_CHARS}"));
    }
    let Ok(uri) = url.parse::<Uri>() else {
        problems.push("is not a valid URL: write a host with non-ASCII letters in its xn-- form".into());
        return problems;
    };
    if uri.scheme_str() != Some("https") {
        problems.push("is not https: use an https URL".into());
    }
    match uri.host() {
        None | Some("") => problems.push("has no host: name a public host".into()),
        Some(host) if !is_public_host(host) => {
            problems.push(format!("has the private address {host}: use a host that is reachable from the internet"));
        }
        Some(_) => {}
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_public_https_url_of_bounded_length_passes() {
        assert!(problems("https://hooks.example.com/seedream?job=1").is_empty());
        let of_length =
            |length: usize| format!("https://a.example/{}", "x".repeat(length - "https://a.example/".len()));
        assert!(problems(&of_length(2048)).is_empty());
        let long = of_length(2049);
        for url in [
            "http://hooks.example.com/",
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://192.168.1.1:8443/x",
            "https://[::1]/",
            "https://localhost/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://169.254.169.254/latest",
            "hooks.example.com",
            "/path",
            "",
            &long,
        ] {
            assert!(!problems(url).is_empty(), "{url}");
        }
    }
}
