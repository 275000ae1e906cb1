//! What a published package consists of.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use serde_json::Value;

use super::cargo;

/// The members of the workspace that are published, as `cargo metadata` has them.
pub(super) fn packages() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list").iter();
    packages.filter(|package| package["publish"].is_null()).cloned().collect()
}

/// What is wrong with a package.
pub(super) fn faults(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().expect("a name");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let folder = manifest.parent().expect("a manifest lies in a folder");
    let listed = cargo(&["package", "--list", "--locked", "--allow-dirty", "--package", name]);
    let listed: Vec<_> = listed.lines().collect();
    let mut faults = Vec::new();
    for member in ["description", "license", "readme"] {
        if !package[member].is_string() {
            faults.push(format!("{member} is missing"));
        }
    }
    for member in ["categories", "keywords"] {
        // The registry refuses more than five.
        if !(1..=5).contains(&package[member].as_array().map_or(0, Vec::len)) {
            faults.push(format!("{member} has to have one to five words"));
        }
    }
    for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        if !listed.contains(&file) {
            faults.push(format!("{file} is not in the package"));
        }
    }
    let library = package["targets"].as_array().is_some_and(|all| all.iter().any(|target| target["kind"][0] == "lib"));
    if library && package["metadata"]["docs"]["rs"]["all-features"] != true {
        faults.push("package.metadata.docs.rs needs all-features = true".to_owned());
    }
    for file in listed.iter().filter(|file| file.ends_with(".rs") && !is_test(file)) {
        let text = fs::read_to_string(folder.join(file)).expect("a listed file is there");
        for included in included(file, &text).filter(|included| !listed.contains(&included.as_str())) {
            faults.push(format!("{file} includes {included}, which is not in the package"));
        }
    }
    faults
}

/// Tests stay in the repository, and may include what lies there.
fn is_test(file: &str) -> bool {
    file.split('/').any(|part| part == "tests" || part.ends_with("tests.rs"))
}

/// The files that a source file includes by a literal path, from the folder of the package.
fn included<'a>(file: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let calls = ["include_str!(\"", "include_bytes!(\"", "include!(\""].into_iter();
    let paths = calls.flat_map(|call| text.split(call).skip(1)).filter_map(|rest| rest.split('"').next());
    paths.map(move |path| {
        let mut place = PathBuf::from(file);
        place.pop();
        for part in Path::new(path).components() {
            // A path that leaves the package keeps its `..`, and is in no list.
            if part == Component::ParentDir && place.file_name().is_some() {
                place.pop();
            } else {
                place.push(part);
            }
        }
        place.to_str().expect("paths are text").replace('\\', "/")
    })
}

#[test]
fn an_include_is_found_from_the_folder_of_the_package() {
    let text = "include_str!(\"a.md\") include_bytes!(\"../b.png\") include_str!(\"../../../../c.md\")";
    assert_eq!(included("src/x/y.rs", text).collect::<Vec<_>>(), ["src/x/a.md", "../../c.md", "src/b.png"]);
}
