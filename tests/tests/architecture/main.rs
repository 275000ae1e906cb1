//! What may depend on what, how heavy a package may be, and what a provider consists of.

mod imports;
mod provider_names;
mod published;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// The crates that a package needs to be built for use, by name, itself included.
fn needs(package: &str, features: &[&str]) -> BTreeSet<String> {
    let names = tree(&[&["--format", "{p}", "--package", package], features].concat());
    names.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// What `cargo tree` prints of what is built for use.
fn tree(arguments: &[&str]) -> String {
    cargo(&[&["tree", "--locked", "--edges", "normal", "--prefix", "none"], arguments].concat())
}

/// What cargo prints at the root of the workspace.
fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo).current_dir(root()).args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints text")
}

fn ours(needed: &BTreeSet<String>) -> BTreeSet<&str> {
    needed.iter().map(String::as_str).filter(|name| name.starts_with("seedream")).collect()
}

/// The folders with sources, one a package.
fn packages() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).expect("a folder").map(|entry| entry.expect("an entry").path());
    crates.chain([root().join("fixtures")]).map(|package| package.join("src")).collect()
}

#[test]
fn no_file_imports_upwards_or_in_a_circle() {
    let faults: Vec<_> = packages()
        .iter()
        .flat_map(|src| imports::faults(src).into_iter().map(move |fault| format!("{}: {fault}", src.display())))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The check finds what it is for.
#[test]
fn an_import_upwards_and_a_circle_are_found() {
    let package = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(package.path().join(name), text).expect("it is written");
    fs::create_dir(package.path().join("a")).expect("a folder");
    write("lib.rs", "mod a; mod b; pub use a::A;");
    write("a.rs", "mod deep; pub struct A;");
    write("b.rs", "use crate::A; pub struct B(A);");
    write("a/deep.rs", "pub struct Deep;");
    assert_eq!(imports::faults(package.path()), [""; 0]);
    write("a/deep.rs", "use super::A; pub struct Deep(A);");
    assert_eq!(imports::faults(package.path()), ["a/deep.rs imports upwards, from a.rs"]);
    write("a/deep.rs", "pub struct Deep;");
    write("a.rs", "mod deep; pub struct A(Box<crate::b::B>);");
    assert!(imports::faults(package.path())[0].contains("in a circle"));
    write("a.rs", "mod deep; #[cfg(test)] mod tests { use crate::b::B; } pub struct A;");
    assert_eq!(imports::faults(package.path()), [""; 0]);
}

fn providers() -> Vec<String> {
    seedream::dialects().iter().map(|dialect| dialect.descriptor().id.to_string()).collect()
}

const BARE: &[&str] = &["--no-default-features"];

#[test]
fn the_mock_shares_data_and_no_code() {
    assert_eq!(ours(&needs("seedream-mock", &[])), BTreeSet::from(["seedream-fixtures", "seedream-mock"]));
    assert_eq!(ours(&needs("seedream-fixtures", &[])), BTreeSet::from(["seedream-fixtures"]));
}

#[test]
fn core_and_wire_do_no_io_and_stay_light() {
    for (package, allowed, budget) in [
        ("seedream-core", BTreeSet::from(["seedream-core"]), 22),
        ("seedream-wire", BTreeSet::from(["seedream-core", "seedream-wire"]), 23),
    ] {
        let needed = needs(package, &[]);
        assert_eq!(ours(&needed), allowed);
        assert!(!needed.contains("tokio") && !needed.contains("reqwest"), "{package}");
        assert!(needed.len() <= budget, "{package} needs {} crates: {needed:?}", needed.len());
    }
}

#[test]
fn an_adapter_without_the_client_stays_light_and_knows_no_other() {
    for id in providers() {
        let name = format!("seedream-{id}");
        let needed = needs(&name, BARE);
        assert_eq!(ours(&needed), BTreeSet::from(["seedream-core", "seedream-wire", name.as_str()]));
        assert!(needed.len() <= 24, "{name} needs {} crates: {needed:?}", needed.len());
    }
}

#[test]
fn the_client_knows_no_adapter_and_the_facade_no_tool() {
    assert_eq!(ours(&needs("seedream-client", &[])), BTreeSet::from(["seedream-client", "seedream-core"]));
    let facade = needs("seedream", &[]);
    for tool in
        ["seedream-ledger", "rusqlite", "seedream-mock", "seedream-fixtures", "seedream-conformance", "seedream-cli"]
    {
        assert!(!facade.contains(tool), "{tool}");
    }
    let one = needs("seedream", &["--no-default-features", "--features", "ark"]);
    let expected = ["seedream", "seedream-ark", "seedream-client", "seedream-core", "seedream-wire"];
    assert_eq!(ours(&one), BTreeSet::from(expected));
    // A program with a transport of its own builds no HTTP client.
    assert!(facade.contains("reqwest") && !one.contains("reqwest"));
    assert!(!needs("seedream-ark", &["--no-default-features", "--features", "client"]).contains("reqwest"));
}

/// A program that embeds an adapter gets no database.
#[test]
fn the_ledger_stands_on_the_client_and_under_no_adapter() {
    let ledger = needs("seedream-ledger", &[]);
    assert_eq!(ours(&ledger), BTreeSet::from(["seedream-client", "seedream-core", "seedream-ledger"]));
    let adapters = providers().into_iter().map(|id| format!("seedream-{id}"));
    for package in adapters.chain(["seedream-client".to_owned()]) {
        let needed = needs(&package, &["--all-features"]);
        for database in ["seedream-ledger", "rusqlite", "postgres"] {
            assert!(!needed.contains(database), "{package} needs {database}");
        }
    }
}

/// Tests end the process inside the store; the command line has nothing of that.
#[test]
fn the_command_line_has_no_kill_points() {
    let features = |package| {
        let printed = tree(&["--package", package, "--all-features", "--format", "{p} {f}"]);
        printed.lines().filter(|line| line.starts_with("seedream-ledger ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(features("seedream-ledger").iter().any(|line| line.contains("kill-points")), "the feature has this name");
    let built = features("seedream-cli");
    assert!(!built.is_empty() && built.iter().all(|line| !line.contains("kill-points")), "{built:?}");
}

#[test]
fn the_mock_and_the_laws_name_no_provider() {
    let sources = ["crates/seedream-mock/src", "crates/seedream-conformance/src", "fixtures/src"];
    let found: Vec<String> =
        sources.iter().flat_map(|source| provider_names::found(&root().join(source), &providers())).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_laws_know_no_adapter() {
    let needed = needs("seedream-conformance", &[]);
    for id in providers() {
        assert!(!needed.contains(&format!("seedream-{id}")), "{id}");
    }
}

/// A program that saves in folders builds no client of a store, and one that saves in buckets no second TLS.
#[test]
fn buckets_are_for_those_who_ask_for_them() {
    for package in providers().into_iter().map(|id| format!("seedream-{id}")) {
        assert!(!needs(&package, &[]).contains("object_store"), "{package}");
    }
    let folders = needs("seedream", &[]);
    assert!(!folders.contains("object_store"));
    let buckets = needs("seedream", &["--features", "storage"]);
    for other in ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls"] {
        assert!(!buckets.contains(other), "{other}");
    }
    let more: Vec<_> = buckets.difference(&folders).collect();
    assert!(more.len() <= 30, "buckets need {} crates more: {more:?}", more.len());
    // Its requests go over any transport.
    let bare = needs("seedream-client", &["--no-default-features", "--features", "storage"]);
    assert!(bare.contains("object_store") && !bare.contains("reqwest"));
}

#[test]
fn nothing_needs_openssl_or_cmake() {
    let all = needs("seedream-cli", &[]);
    for heavy in ["openssl-sys", "native-tls", "aws-lc-sys", "cmake"] {
        assert!(!all.contains(heavy), "{heavy}");
    }
}

/// What CONTRIBUTING.md lists for another provider, and nothing else: each is checked here by its name.
#[test]
fn a_provider_is_whole() {
    let text = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let folders = |below: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join(below)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
    };
    let parts = ["core", "wire", "client", "ledger", "mock", "conformance", "cli"];
    let adapters = folders("crates").into_iter().filter_map(|name| Some(name.strip_prefix("seedream-")?.to_owned()));
    let adapters: BTreeSet<_> = adapters.filter(|name| !parts.contains(&name.as_str())).collect();
    let documented = folders("fixtures").into_iter();
    let documented = documented.filter(|id| root().join("fixtures").join(id).join("provider.json").exists());
    let registered: BTreeSet<_> = providers().into_iter().collect();
    assert_eq!(registered, adapters, "crates/seedream/src/registry.rs has a line for each adapter");
    assert_eq!(registered, documented.collect(), "fixtures has a folder for each adapter");
    for id in &registered {
        let krate = format!("crates/seedream-{id}");
        let named = [
            ("Cargo.toml", format!("seedream-{id} = {{ path")),
            ("crates/seedream/Cargo.toml", format!("{id} = [\"dep:seedream-{id}\"]")),
            ("crates/seedream/src/registry.rs", format!("feature = \"{id}\"")),
            ("README.md", format!("[`{id}`]({krate}/README.md)")),
            ("crates/seedream-conformance/src/requirements.json", format!("\"{id}\": {{")),
        ];
        for (path, line) in named {
            assert!(text(path).contains(&line), "{path} has to contain: {line}");
        }
        for path in ["README.md", "tests/conformance.rs"] {
            assert!(root().join(&krate).join(path).exists(), "{krate}/{path} is missing");
        }
    }
}

#[test]
fn the_top_level_stays_as_it_is() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "crates",
        "fixtures",
        "tests",
        "benches",
    ];
    // What git keeps, where there is git: a folder of somebody's images is nobody's business.
    let listed = Command::new("git").current_dir(root()).args(["ls-tree", "--name-only", "HEAD"]).output();
    let listed = listed.ok().filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default();
    for name in String::from_utf8(listed).expect("names are text").lines() {
        let allowed = known.contains(&name) || name.starts_with('.') || name.starts_with("LICENSE");
        assert!(allowed, "{name} lies at the top level");
    }
    for name in known {
        assert!(root().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn a_published_package_is_whole() {
    let packages = published::packages();
    assert!(packages.len() > 10, "only {} packages are published", packages.len());
    for package in packages {
        let faults = published::faults(&package);
        assert!(faults.is_empty(), "{}: {}", package["name"], faults.join("; "));
    }
}
