//! Base URLs in common pasted forms, for every provider.
#![forbid(unsafe_code)]

use seedream::seedream_core::WarningKind;
use seedream::{Client, ErrorKind, ImageProvider as _, ImageRequest};

fn client(id: &str, base_url: &str) -> seedream::Result<Client> {
    Client::builder(seedream::dialect(id)?).base_url(base_url).key("sk-any").build()
}

#[test]
fn the_providers_own_path_at_the_end_is_cut_off_with_a_warning() {
    for (id, pasted, used) in [
        ("evolink", "https://api.evolink.ai/v1/images/generations", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1/images/generations/", "https://api.evolink.ai"),
        ("evolink", "api.evolink.ai/V1/Images/Generations//", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1/images", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1/v1/images/generations", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1/tasks", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1/tasks/", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1/tasks/task-unified-1757165031-seedream4d", "https://api.evolink.ai"),
        ("evolink", "https://api.evolink.ai/v1/tasks/{task_id}", "https://api.evolink.ai"),
        ("evolink", "'localhost:8080/evolink/v1'", "http://localhost:8080/evolink"),
        ("gogogotoken", "https://gogogotoken.ai/v1/", "https://gogogotoken.ai"),
        ("gogogotoken", "https://gogogotoken.ai/v1/images/generations", "https://gogogotoken.ai"),
        ("opeai", "https://api-platform.ope.ai/v1", "https://api-platform.ope.ai"),
        ("opeai", "//api-platform.ope.ai/v1/images/generations", "https://api-platform.ope.ai"),
        ("aiearth", "https://api.aiearth.dev/v1/images/generations", "https://api.aiearth.dev/v1"),
        (
            "ark",
            "https://ark.cn-beijing.volces.com/api/v3/images/generations",
            "https://ark.cn-beijing.volces.com/api/v3",
        ),
        ("ark", "https://relay.example/v1/images/generations/", "https://relay.example/v1"),
        ("ark", "127.0.0.1:8080/ark/api/v3", "http://127.0.0.1:8080/ark/api/v3"),
        ("ark", "//relay.example/v1", "https://relay.example/v1"),
    ] {
        let client = client(id, pasted).unwrap_or_else(|error| panic!("{pasted}: {error}"));
        assert_eq!(client.base_url(), used, "{id} {pasted}");
        let warnings = client.warnings();
        assert_eq!(warnings.len(), 1, "{pasted}: {warnings:?}");
        assert_eq!((warnings[0].kind, warnings[0].field), (WarningKind::Rewritten, None));
        assert!(warnings[0].message.contains(&format!("is read as {used}: ")), "{pasted}: {warnings:?}");
        let request = ImageRequest::new(&client.descriptor().default_model, "a kite");
        let plan = client.plan(&request).unwrap();
        assert!(plan.warnings.starts_with(&warnings), "{pasted}: {:?}", plan.warnings);
        assert!(plan.url.starts_with(used) && !plan.url.contains("/v1/v1/"), "{}", plan.url);
    }
}

#[test]
fn what_is_right_stays_as_it_is() {
    for dialect in seedream::dialects() {
        let descriptor = dialect.descriptor();
        for url in &descriptor.base_urls {
            let client = client(&descriptor.id, &format!("{url}/")).unwrap();
            assert_eq!((client.base_url(), client.warnings().len()), (url.as_ref(), 0), "{url}");
        }
    }
    for (id, url) in [
        ("ark", "https://relay.example/v1"),
        ("ark", "https://relay.example/proxy/v1/images-of-mine"),
        ("ark", "https://ark.ap-southeast.bytepluses.com/api/v3"),
        ("ark", "http://127.0.0.1:8080/s/blue/ark/api/v3"),
        ("aiearth", "https://api.aiearth.vip/V1"),
        ("evolink", "http://127.0.0.1:8080/evolink"),
        ("evolink", "https://relay.example/v2"),
        // It has no tasks.
        ("gogogotoken", "https://relay.example/v1/tasks"),
    ] {
        let client = client(id, url).unwrap();
        assert_eq!((client.base_url(), client.warnings().len()), (url, 0), "{id}");
    }
}

#[test]
fn a_version_is_never_added_and_its_absence_is_refused_with_the_documented_base() {
    let (ark, aiearth) =
        ("https://ark.cn-beijing.volces.com/api/v3", "https://api.aiearth.dev/v1 or https://api.aiearth.vip/v1");
    for (id, url, documented) in [
        ("ark", "https://ark.cn-beijing.volces.com", ark),
        ("ark", "https://ark.cn-beijing.volces.com/api", ark),
        ("ark", "https://relay.example", ark),
        ("ark", "relay.example/images/generations", ark),
        ("ark", "https://relay.example/v", ark),
        ("ark", "https://relay.example/v1beta", ark),
        ("ark", "https://v1.relay.example", ark),
        ("ark", "http://127.0.0.1:8080", ark),
        ("aiearth", "https://api.aiearth.dev", aiearth),
        ("aiearth", "https://api.aiearth.dev/images/generations", aiearth),
    ] {
        let error = client(id, url).unwrap_err();
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Config, Some(id)), "{url}: {error}");
        assert!(error.message().ends_with(documented), "{url}: {error}");
    }
    let mirror = Client::builder(seedream::dialect("ark").unwrap()).mirror("https://relay.example").build();
    assert_eq!(mirror.unwrap_err().kind(), ErrorKind::Config);
}
