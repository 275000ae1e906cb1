//! Base URLs and keys with copy-and-paste errors.

use crate::support::{CANARY, Upstream, Workdir};

#[test]
fn a_base_url_is_corrected_with_a_warning() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let (ark, evolink) = (upstream.base("ark"), upstream.base("evolink"));
    let host = ark.strip_prefix("http://").unwrap();
    let env = [("ARK_API_KEY", CANARY), ("EVOLINK_API_KEY", CANARY)];
    for (provider, pasted, used) in [
        ("ark", host.to_owned(), &ark),
        ("ark", host.replace("127.0.0.1", "//127.0.0.1"), &ark),
        ("ark", format!(" '{ark}/images/generations/' "), &ark),
        ("evolink", format!("{evolink}/v1/images/generations"), &evolink),
        ("evolink", format!("\"{evolink}/v1\""), &evolink),
    ] {
        let args = ["generate", "a fox", "--provider", provider, "--base-url", &pasted, "--json"];
        let ran = workdir.run(&args, &env);
        ran.exits_with(0).stderr_contains(&format!("warning: {provider}: the base URL is read as {used}: "));
        let warnings = &ran.result()["warnings"];
        assert_eq!(
            (warnings[0]["kind"].as_str(), warnings[0]["field"].as_str()),
            (Some("rewritten"), None),
            "{ran:#?}"
        );
        assert_eq!(warnings.as_array().unwrap().len(), 1, "{ran:#?}");
    }
    // A variable is corrected in the same way, for each command.
    let env = [("ARK_API_KEY", CANARY), ("ARK_BASE_URL", host)];
    let message = format!("the base URL is read as {ark}: it names no scheme");
    let plan = workdir.run(&["plan", "a fox", "--provider", "ark", "--json"], &env).exits_with(0).json();
    assert!(plan["plans"][0]["warnings"][0]["message"].as_str().unwrap().starts_with(&message), "{plan:#}");
    assert!(workdir.run(&["plan", "a fox", "--provider", "ark"], &env).exits_with(0).stdout.contains(&message));
    workdir.run(&["models", "--live", "--provider", "ark"], &env).exits_with(0).stderr_contains(&message);
    let mock = host.replace("/ark/api/v3", "/");
    workdir
        .run(&["mock", "verify", "--at", &mock, "--provider", "ark", "--billed", "1", "--count", "3"], &env)
        .exits_with(0)
        .stderr_contains("no scheme");
    let live = ["conformance", "run", "--live", "--provider", "ark", "--mock", &mock];
    assert!(workdir.run(&live, &env).exits_with(1).stderr_contains("no scheme").stdout.contains("pass  ark/models"));
}

#[test]
fn resume_corrects_a_base_url_and_prints_the_result() {
    let workdir = Workdir::new();
    let upstream = Upstream::with(seedream_mock::TaskEnd::Hand);
    let base = upstream.base("evolink");
    let pasted = format!("{}/v1/tasks/{{task_id}}", base.strip_prefix("http://").unwrap());
    let env = [("EVOLINK_API_KEY", CANARY)];
    let args = ["generate", "a fox", "--provider", "evolink", "--deadline", "300ms", "--base-url", &pasted];
    let ran = workdir.run(&args, &env);
    ran.exits_with(10).stderr_contains(&format!("--base-url {base}\n"));
    let id = workdir.names("out").remove(0);
    let again = ["resume", &format!("out/{id}"), "--deadline", "300ms", "--base-url", &pasted];
    workdir
        .run(&again, &env)
        .exits_with(10)
        .stderr_contains(&format!("warning: evolink: the base URL is read as {base}: "));
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn a_base_url_without_a_version_is_refused_before_sending() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark").replace("/api/v3", "");
    let documented = "the documented base URL is https://ark.cn-beijing.volces.com/api/v3";
    let env = [("ARK_API_KEY", CANARY), ("ARK_BASE_URL", base.as_str())];
    for command in ["generate", "plan"] {
        workdir
            .run(&[command, "a fox", "--provider", "ark"], &env)
            .exits_with(2)
            .stderr_contains(&base)
            .stderr_contains(documented);
        workdir
            .run(&[command, "a fox", "--provider", "ark", "--base-url", "ark"], &env)
            .exits_with(2)
            .stderr_contains("https://");
        workdir
            .run(&[command, "a fox", "--provider", "ark", "--base-url", " "], &env)
            .exits_with(2)
            .stderr_contains("is empty");
    }
    workdir.run(&["models", "--live", "--provider", "ark"], &env).exits_with(2).stderr_contains(documented);
    workdir.run(&["conformance", "run", "--live", "--provider", "ark"], &env).exits_with(2).stderr_contains(documented);
    assert_eq!((upstream.count("POST"), upstream.count("GET")), (0, 0));
    // The plans of the other providers are still printed.
    let plans = workdir.run(&["plan", "a fox", "--provider", "all", "--json"], &env).exits_with(2).json();
    assert_eq!(
        (plans["plans"].as_array().unwrap().len() + 1, plans["errors"][0]["kind"].as_str()),
        (seedream::dialects().len(), Some("config"))
    );
    assert_eq!(workdir.names("."), [""; 0]);
}

#[test]
fn copied_quotes_and_blanks_are_removed_from_a_key() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    for pasted in [format!("Bearer {CANARY}"), format!(" 'bearer {CANARY}' "), format!("\"{CANARY}\"")] {
        let ran = workdir.run(&args, &[("ARK_API_KEY", &pasted)]);
        ran.exits_with(0)
            .stderr_contains("warning: ark: the key is used without the quotes, the blanks or the `Bearer `");
    }
    assert!(!workdir.run(&args, &[("ARK_API_KEY", &format!("{CANARY}\n"))]).exits_with(0).stderr.contains("warning"));
    for empty in ["\"\"", "Bearer ", "'Bearer'"] {
        workdir.run(&args, &[("ARK_API_KEY", empty)]).exits_with(2).stderr_contains("ARK_API_KEY contains no key");
    }
    assert_eq!(upstream.count("POST"), 4);
}

#[test]
fn a_404_error_names_the_url_and_the_documented_one() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    for (provider, key, documented) in [
        ("ark", "ARK_API_KEY", "https://ark.cn-beijing.volces.com/api/v3"),
        ("evolink", "EVOLINK_API_KEY", "https://api.evolink.ai"),
        ("aiearth", "AIEARTH_API_KEY", "https://api.aiearth.dev/v1 or https://api.aiearth.vip/v1"),
    ] {
        let wrong = upstream.base("ark").replace("/ark/api/v3", "/nothing/v9");
        let path = if provider == "evolink" { "/v1/images/generations" } else { "/images/generations" };
        let message = format!("{wrong}{path} was asked; the documented base URL is {documented}");
        let args = ["generate", "a fox", "--provider", provider, "--base-url", &wrong, "--json"];
        let ran = workdir.run(&args, &[(key, CANARY)]);
        ran.exits_with(1).stderr_contains(&message);
        assert!(ran.result()["error"]["advice"].as_str().unwrap().contains(&message), "{ran:#?}");
    }
}
