//! Base URLs and keys as people paste them into a shell.

use crate::support::{CANARY, Place, Upstream};

#[test]
fn a_base_url_is_put_right_and_the_url_used_is_told() {
    let place = Place::new();
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
        let ran = place.run(&args, &env);
        ran.ends(0).says(&format!("warning: {provider}: the base URL is read as {used}: "));
        let warnings = &ran.result()["warnings"];
        assert_eq!(
            (warnings[0]["kind"].as_str(), warnings[0]["field"].as_str()),
            (Some("rewritten"), None),
            "{ran:#?}"
        );
        assert_eq!(warnings.as_array().unwrap().len(), 1, "{ran:#?}");
    }
    // A variable is read in the same way, and every command that takes one.
    let env = [("ARK_API_KEY", CANARY), ("ARK_BASE_URL", host)];
    let told = format!("the base URL is read as {ark}: it names no scheme");
    let plan = place.run(&["plan", "a fox", "--provider", "ark", "--json"], &env).ends(0).json();
    assert!(plan["plans"][0]["warnings"][0]["message"].as_str().unwrap().starts_with(&told), "{plan:#}");
    assert!(place.run(&["plan", "a fox", "--provider", "ark"], &env).ends(0).stdout.contains(&told));
    place.run(&["models", "--live", "--provider", "ark"], &env).ends(0).says(&told);
    let mock = host.replace("/ark/api/v3", "/");
    place
        .run(&["mock", "verify", "--at", &mock, "--provider", "ark", "--billed", "1", "--count", "3"], &env)
        .ends(0)
        .says("no scheme");
    let live = ["conformance", "run", "--live", "--provider", "ark", "--mock", &mock];
    assert!(place.run(&live, &env).ends(1).says("no scheme").stdout.contains("pass  ark/models"));
}

#[test]
fn resume_takes_the_same_and_repeats_the_url_used() {
    let place = Place::new();
    let upstream = Upstream::with(seedream_mock::TaskEnd::Hand);
    let base = upstream.base("evolink");
    let pasted = format!("{}/v1/tasks/{{task_id}}", base.strip_prefix("http://").unwrap());
    let env = [("EVOLINK_API_KEY", CANARY)];
    let args = ["generate", "a fox", "--provider", "evolink", "--deadline", "300ms", "--base-url", &pasted];
    let ran = place.run(&args, &env);
    ran.ends(10).says(&format!("--base-url {base}\n"));
    let id = place.names("out").remove(0);
    let again = ["resume", &format!("out/{id}"), "--deadline", "300ms", "--base-url", &pasted];
    place.run(&again, &env).ends(10).says(&format!("warning: evolink: the base URL is read as {base}: "));
    assert_eq!(upstream.count("POST"), 1);
}

#[test]
fn a_base_url_without_a_version_is_refused_before_anything_is_sent() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark").replace("/api/v3", "");
    let documented = "the documented base URL is https://ark.cn-beijing.volces.com/api/v3";
    let env = [("ARK_API_KEY", CANARY), ("ARK_BASE_URL", base.as_str())];
    for command in ["generate", "plan"] {
        place.run(&[command, "a fox", "--provider", "ark"], &env).ends(2).says(&base).says(documented);
        place.run(&[command, "a fox", "--provider", "ark", "--base-url", "ark"], &env).ends(2).says("https://");
        place.run(&[command, "a fox", "--provider", "ark", "--base-url", " "], &env).ends(2).says("is empty");
    }
    place.run(&["models", "--live", "--provider", "ark"], &env).ends(2).says(documented);
    place.run(&["conformance", "run", "--live", "--provider", "ark"], &env).ends(2).says(documented);
    assert_eq!((upstream.count("POST"), upstream.count("GET")), (0, 0));
    // The other providers' plans are shown all the same.
    let plans = place.run(&["plan", "a fox", "--json"], &env).ends(2).json();
    assert_eq!((plans["plans"].as_array().unwrap().len(), plans["errors"][0]["kind"].as_str()), (4, Some("config")));
    assert_eq!(place.names("."), [""; 0]);
}

#[test]
fn a_key_is_freed_of_what_was_copied_with_it_and_never_shown() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    for pasted in [format!("Bearer {CANARY}"), format!(" 'bearer {CANARY}' "), format!("\"{CANARY}\"")] {
        let ran = place.run(&args, &[("ARK_API_KEY", &pasted)]);
        ran.ends(0).says("warning: ark: the key is used without the quotes, the blanks or the `Bearer `");
    }
    assert!(!place.run(&args, &[("ARK_API_KEY", &format!("{CANARY}\n"))]).ends(0).stderr.contains("warning"));
    for empty in ["\"\"", "Bearer ", "'Bearer'"] {
        place.run(&args, &[("ARK_API_KEY", empty)]).ends(2).says("ARK_API_KEY contains no key");
    }
    assert_eq!(upstream.count("POST"), 4);
}

#[test]
fn a_404_says_which_url_was_asked_and_what_the_documented_one_is() {
    let place = Place::new();
    let upstream = Upstream::start();
    for (provider, key, documented) in [
        ("ark", "ARK_API_KEY", "https://ark.cn-beijing.volces.com/api/v3"),
        ("evolink", "EVOLINK_API_KEY", "https://api.evolink.ai"),
        ("aiearth", "AIEARTH_API_KEY", "https://api.aiearth.dev/v1 or https://api.aiearth.vip/v1"),
    ] {
        let wrong = upstream.base("ark").replace("/ark/api/v3", "/nothing/v9");
        let path = if provider == "evolink" { "/v1/images/generations" } else { "/images/generations" };
        let told = format!("{wrong}{path} was asked; the documented base URL is {documented}");
        let args = ["generate", "a fox", "--provider", provider, "--base-url", &wrong, "--json"];
        let ran = place.run(&args, &[(key, CANARY)]);
        ran.ends(1).says(&told);
        assert!(ran.result()["error"]["advice"].as_str().unwrap().contains(&told), "{ran:#?}");
    }
}
