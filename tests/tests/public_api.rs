//! What the packages show to a program that depends on them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use syn::{Item, UseTree, Visibility};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the workspace")
}

fn names(tree: &UseTree, all: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, all),
        UseTree::Name(name) => drop(all.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(all.insert(rename.rename.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|item| names(item, all)),
        UseTree::Glob(_) => panic!("an export of everything makes each addition elsewhere a part of this interface"),
    }
}

/// Everything that the root of the facade exports is a promise.
#[test]
fn the_root_of_the_facade_has_at_most_40_names() {
    let text = fs::read_to_string(root().join("crates/seedream/src/lib.rs")).expect("the facade is there");
    let mut all = BTreeSet::new();
    for item in syn::parse_file(&text).expect("it is Rust").items {
        match item {
            Item::Use(item) if matches!(item.vis, Visibility::Public(_)) => names(&item.tree, &mut all),
            Item::Mod(item) if matches!(item.vis, Visibility::Public(_)) => drop(all.insert(item.ident.to_string())),
            _ => {}
        }
    }
    assert!((30..=40).contains(&all.len()), "{}: {all:?}", all.len());
}

/// Every type of another package that a public item names, as `item: path`; implementations of foreign traits are left out, since a caller
/// need not name them.
fn foreign(documentation: &Value) -> BTreeSet<(String, String)> {
    fn walk(documentation: &Value, value: &Value, found: &mut dyn FnMut(&Value)) {
        match value {
            Value::Object(members) => {
                if let Some(id) = members.get("resolved_path").and_then(|path| path.get("id")) {
                    found(&documentation["paths"][id.to_string()]);
                }
                members.values().for_each(|value| walk(documentation, value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(documentation, value, found)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    let own = documentation["index"].as_object().into_iter().flat_map(|index| index.values());
    for item in own.filter(|item| item["crate_id"] == 0 && item["inner"].get("impl").is_none()) {
        let name = item["name"].as_str().unwrap_or("?").to_owned();
        walk(documentation, &item["inner"], &mut |path| {
            let parts: Vec<_> = path["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if let Some(krate) = parts.first() {
                let own = krate.starts_with("seedream");
                if !own {
                    all.insert((name.clone(), parts.join("::")));
                }
            }
        });
    }
    all
}

/// The packages that programs depend on.
const PACKAGES: [&str; 13] = [
    "seedream",
    "seedream-aiearth",
    "seedream-ark",
    "seedream-client",
    "seedream-conformance",
    "seedream-core",
    "seedream-evolink",
    "seedream-fixtures",
    "seedream-gogogotoken",
    "seedream-ledger",
    "seedream-mock",
    "seedream-opeai",
    "seedream-wire",
];

/// The file with the JSON of rustdoc for a package, with every feature.
fn documentation(package: &str) -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    // The JSON of rustdoc is unstable: its form is looked at before it is believed, and what switches it on would make cargo build
    // everything again if it shared a folder with other builds.
    let output = Command::new(&cargo)
        .current_dir(root())
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["rustdoc", "--quiet", "--locked", "--lib", "--all-features", "--package", package, "--target-dir"])
        .arg(target().join("public-api"))
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target().join("public-api/doc").join(package.replace('-', "_")).with_extension("json")
}

/// The Rust whose rustdoc wrote the recorded interfaces; another one may name the same item by another path.
const RUST: &str = "1.95.";

/// What each package shows, item by item. After an intended change `INSTA_UPDATE=always cargo test -p seedream-tests --test public_api`
/// records it again; a line that goes is a breaking change.
#[test]
fn the_public_interfaces_are_the_recorded_ones() {
    let version = Command::new("rustc").arg("--version").output().expect("rustc runs").stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    if !version.contains(RUST) {
        println!("NOT CHECKED: the interfaces are recorded with Rust {RUST}x, and this is {version}");
        return;
    }
    for package in PACKAGES {
        let interface = public_api::Builder::from_rustdoc_json(documentation(package))
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true)
            .build()
            .expect("the JSON of this Rust is known");
        insta::assert_snapshot!(package, interface.to_string());
    }
}

/// A new major version of a dependency that is not yet 1.0 would be a new major version here, if a signature named one of its types.
#[test]
fn no_public_signature_names_a_dependency_before_its_1_0() {
    // Each is at 1.0 or later, but for two that have a feature of their name.
    const STABLE: [&str; 12] = [
        "alloc",
        "core",
        "std",
        "axum",
        "bytes",
        "http",
        "http_body",
        "serde_core",
        "serde_json",
        "tokio",
        "url",
        "wiremock",
    ];
    for package in ["seedream-core", "seedream-client", "seedream-mock"] {
        let file = documentation(package);
        let documentation: Value =
            serde_json::from_slice(&fs::read(file).expect("rustdoc wrote it")).expect("it is JSON");
        let all = foreign(&documentation);
        assert!(
            all.iter().any(|(_, path)| path.starts_with("bytes::")),
            "{package}: this form of rustdoc's JSON is not understood"
        );
        let unstable: Vec<_> = all
            .iter()
            .filter(|(_, path)| !STABLE.contains(&path.split("::").next().unwrap_or_default()))
            .map(|(item, path)| format!("{item}: {path}"))
            .collect();
        assert!(unstable.is_empty(), "{package}:\n{}", unstable.join("\n"));
    }
}

/// Where this build puts what it makes.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors().nth(3).expect("it lies in target/<profile>/deps").to_owned()
}
