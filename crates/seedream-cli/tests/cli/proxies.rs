//! A shell as at most companies: everything has a proxy, and what is on this machine works all the same.

use crate::support::{CANARY, Place, Upstream, closed};

/// What stands in the environment; nothing listens there.
fn proxies(dead: &str) -> Vec<(&'static str, &str)> {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.into_iter().map(|name| (name, dead)).chain([("NO_PROXY", "intranet.example")]).collect()
}

#[test]
fn the_embedded_mock_and_one_on_this_machine_are_reached_directly() {
    let place = Place::new();
    let dead = format!("http://user:s3cret@{}", closed());
    let mut env = proxies(&dead);
    place.run(&["generate", "x", "--mock"], &env).ends(0);
    assert_eq!(place.names("out").len(), 10);
    place.run(&["models", "--live", "--mock"], &env).ends(0);

    let upstream = Upstream::start();
    env.push(("ARK_API_KEY", CANARY));
    for base in [upstream.base("ark"), upstream.base("ark").replace("127.0.0.1", "localhost")] {
        place.run(&["generate", "x", "--provider", "ark", "--base-url", &base], &env).ends(0);
    }
    let url = upstream.base("ark").replace("/ark/api/v3", "");
    env.push(("SEEDREAM_MOCK_URL", &url));
    place.run(&["mock", "verify", "--provider", "ark", "--billed", "1", "--count", "2"], &env).ends(0);
    place.run(&["mock", "ctl", "sessions"], &env).ends(0);
    // This mock knows every key, so the wrong one is told of.
    let live = ["conformance", "run", "--live", "--provider", "ark", "--mock", &url];
    assert!(place.run(&live, &env).ends(1).stdout.contains("pass  ark/models"));
    let cases = ["conformance", "run", "--provider", "gogogotoken", "--mock", &url];
    place.run(&cases, &env).ends(0);
}

#[test]
fn a_proxy_that_is_not_there_is_named_without_its_password() {
    let place = Place::new();
    let dead = closed();
    let proxy = format!("http://user:s3cret@{dead}");
    let args = ["generate", "x", "--provider", "ark", "--base-url", "http://ark.example/api/v3", "--json"];
    let ran = place.run(&args, &[("ALL_PROXY", &proxy), ("ARK_API_KEY", CANARY)]);
    ran.ends(9).says(&format!("through the proxy http://{dead} of ALL_PROXY"));
    assert!(ran.result()["error"]["message"].as_str().unwrap().contains("ALL_PROXY"));
    assert!(!format!("{ran:?}").contains("s3cret"), "{ran:#?}");
    let at = ["mock", "verify", "--at", "http://mock.example", "--at-most", "0"];
    place.run(&at, &[("http_proxy", &proxy)]).ends(9).says(&format!("the proxy http://{dead} of http_proxy"));
}
