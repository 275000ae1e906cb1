//! Links that are not absolute: they are relative to the URL of the request.

use seedream_core::{Event, GeneratedImage, Generation, ImageData, Result};
use url::Url;

/// Makes the links of an event absolute. `base` is the URL of the request; its key goes with none of them.
pub(super) fn resolve_event(event: &mut Event, base: impl FnOnce() -> Option<Url>) {
    match event {
        Event::Image(image) => resolve_all([image], base),
        Event::Finished(generation) => resolve_all(generation.outcomes.iter_mut().flatten(), base),
        _ => {}
    }
}

/// The same for an outcome.
pub(super) fn resolve_outcome(outcome: Result<Generation>, base: impl FnOnce() -> Option<Url>) -> Result<Generation> {
    match outcome {
        Ok(mut generation) => {
            resolve_all(generation.outcomes.iter_mut().flatten(), base);
            Ok(generation)
        }
        Err(error) => Err(match error.generation().filter(|known| known.images().next().is_some()).cloned() {
            Some(mut generation) => {
                resolve_all(generation.outcomes.iter_mut().flatten(), base);
                error.with_generation(generation)
            }
            None => error,
        }),
    }
}

fn resolve_all<'a>(images: impl IntoIterator<Item = &'a mut GeneratedImage>, base: impl FnOnce() -> Option<Url>) {
    // Nearly every link is absolute.
    let open = |image: &&'a mut GeneratedImage| matches!(&image.data, ImageData::Url { url, .. } if !url.starts_with("https://"));
    let open: Vec<_> = images.into_iter().filter(open).collect();
    let Some(base) = (!open.is_empty()).then(base).flatten() else { return };
    for image in open {
        if let ImageData::Url { url, .. } = &mut image.data
            && let Some(absolute) = absolute(&base, url)
        {
            *url = absolute;
        }
    }
}

/// The absolute form of a link; `None` where it is absolute already. Then not a byte of it changes, since it may be signed.
fn absolute(base: &Url, link: &str) -> Option<String> {
    let trimmed = link.trim();
    match Url::parse(trimmed) {
        // The API's own host without TLS: what it serves over http it serves over https.
        Ok(mut url) if url.scheme() == "http" && base.scheme() == "https" && url.host() == base.host() => {
            let moved = url.port().is_none() && url.set_scheme("https").is_ok() && url.set_port(base.port()).is_ok();
            moved.then(|| url.into())
        }
        Ok(_) => (trimmed != link).then(|| trimmed.to_owned()),
        Err(url::ParseError::RelativeUrlWithoutBase) => base.join(trimmed).ok().map(Into::into),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_from_the_request() {
        let base = Url::parse("https://api.example:8443/v1/images/generations").unwrap();
        for (link, expected) in [
            ("/files/a.png", Some("https://api.example:8443/files/a.png")),
            ("//cdn.example/a.png", Some("https://cdn.example/a.png")),
            ("files/a.png?x=1", Some("https://api.example:8443/v1/images/files/a.png?x=1")),
            ("../a.png", Some("https://api.example:8443/v1/a.png")),
            ("?file=a", Some("https://api.example:8443/v1/images/generations?file=a")),
            ("http://api.example/a.png", Some("https://api.example:8443/a.png")),
            (" https://cdn.example/a.png\n", Some("https://cdn.example/a.png")),
            ("https://cdn.example/a.png?sig=%2f%2F", None),
            ("http://cdn.example/a.png", None),
            ("http://api.example:8080/a.png", None),
            ("ftp://api.example/a.png", None),
        ] {
            assert_eq!(absolute(&base, link).as_deref(), expected, "{link}");
        }
        let local = Url::parse("http://127.0.0.1:8080/ark/api/v3/images/generations").unwrap();
        assert_eq!(absolute(&local, "/images/1.png").unwrap(), "http://127.0.0.1:8080/images/1.png");
        assert_eq!(absolute(&local, "http://127.0.0.1:8080/images/1.png"), None);
    }
}
