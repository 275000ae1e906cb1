//! Proxy variables: local addresses are reached directly.

use crate::support::{CANARY, Upstream, Workdir, closed};

/// Proxy variables; nothing listens at the address.
fn proxies(dead: &str) -> Vec<(&'static str, &str)> {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.into_iter().map(|name| (name, dead)).chain([("NO_PROXY", "intranet.example")]).collect()
}

#[test]
fn local_mocks_are_reached_without_the_proxy() {
    let workdir = Workdir::new();
    let dead = format!("http://user:s3cret@{}", closed());
    let mut env = proxies(&dead);
    workdir.run(&["generate", "x", "--mock"], &env).exits_with(0);
    assert_eq!(workdir.names("out").len(), 2 * seedream::dialects().len(), "an image and its metadata each");
    workdir.run(&["models", "--live", "--mock"], &env).exits_with(0);

    let upstream = Upstream::start();
    env.push(("ARK_API_KEY", CANARY));
    for base in [upstream.base("ark"), upstream.base("ark").replace("127.0.0.1", "localhost")] {
        workdir.run(&["generate", "x", "--provider", "ark", "--base-url", &base], &env).exits_with(0);
    }
    let url = upstream.base("ark").replace("/ark/api/v3", "");
    env.push(("SEEDREAM_MOCK_URL", &url));
    workdir.run(&["mock", "verify", "--provider", "ark", "--billed", "1", "--count", "2"], &env).exits_with(0);
    workdir.run(&["mock", "ctl", "sessions"], &env).exits_with(0);
    // This mock accepts every key, so the case with a wrong key fails.
    let live = ["conformance", "run", "--live", "--provider", "ark", "--mock", &url];
    assert!(workdir.run(&live, &env).exits_with(1).stdout.contains("pass  ark/models"));
    let cases = ["conformance", "run", "--provider", "gogogotoken", "--mock", &url];
    workdir.run(&cases, &env).exits_with(0);
}

#[test]
fn an_unreachable_proxy_is_named_without_its_password() {
    let workdir = Workdir::new();
    let dead = closed();
    let proxy = format!("http://user:s3cret@{dead}");
    let args = ["generate", "x", "--provider", "ark", "--base-url", "http://ark.example/api/v3", "--json"];
    let ran = workdir.run(&args, &[("ALL_PROXY", &proxy), ("ARK_API_KEY", CANARY)]);
    ran.exits_with(9).stderr_contains(&format!("through the proxy http://{dead} of ALL_PROXY"));
    let result = ran.result();
    assert!(result["error"]["message"].as_str().unwrap().contains("ALL_PROXY"));
    assert_eq!(result["hint"], "seedream doctor --provider ark checks the connection");
    ran.stderr_contains("ark: no connection, retrying in ").stderr_contains(" s (2 of 3)\n");
    assert!(!format!("{ran:?}").contains("s3cret"), "{ran:#?}");
    let at = ["mock", "verify", "--at", "http://mock.example", "--at-most", "0"];
    workdir
        .run(&at, &[("http_proxy", &proxy)])
        .exits_with(9)
        .stderr_contains(&format!("the proxy http://{dead} of http_proxy"));
}

/// A flag stands before the variables, and those before a file; this machine is reached directly all the same.
#[test]
fn a_proxy_that_is_named_replaces_that_of_the_environment() {
    let workdir = Workdir::new();
    let (flag, variable, file) = (closed(), closed(), closed());
    let of = |address: &str| format!("http://user:s3cret@{address}");
    std::fs::write(workdir.path("own.toml"), format!("proxy = 'http://{file}'\n")).unwrap();
    let config = ("SEEDREAM_CONFIG", "own.toml");
    let (named, set) = (of(&flag), of(&variable));
    let all = [config, ("ALL_PROXY", set.as_str()), ("ARK_API_KEY", CANARY)];
    let args = ["generate", "x", "--provider", "ark", "--base-url", "http://ark.example/api/v3"];
    let through = |args: &[&str], env: &[(&str, &str)], told: &str| {
        let ran = workdir.run(args, env);
        ran.exits_with(9).stderr_contains(&format!("through the proxy http://{told}"));
        assert!(!format!("{ran:?}").contains("s3cret"), "{ran:#?}");
    };
    let with_flag = [&args[..], &["--proxy", &named]].concat();
    through(&with_flag, &all, &format!("{flag}: "));
    through(&args, &all, &format!("{variable} of ALL_PROXY: "));
    through(&args, &[all[0], all[2]], &format!("{file}: "));
    let listed =
        ["models", "--live", "--provider", "ark", "--base-url", "http://ark.example/api/v3", "--proxy", &named];
    through(&listed, &all, &format!("{flag}: "));
    let task =
        ["resume", "evolink:task-1", "--base-url", "http://evolink.example", "--proxy", &named, "--deadline", "1s"];
    let ran = workdir.run(&task, &[("EVOLINK_API_KEY", CANARY)]);
    ran.stderr_contains(&format!("through the proxy http://{flag}"));

    workdir.run(&["generate", "x", "--provider", "ark", "--mock", "--proxy", &named], &all).exits_with(0);
    let upstream = Upstream::start();
    let local = ["generate", "x", "--provider", "ark", "--base-url", &upstream.base("ark"), "--proxy", &named];
    workdir.run(&local, &all).exits_with(0);
}
