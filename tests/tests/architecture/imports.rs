//! Which file of a package imports from which.
//!
//! Files are nodes. A `use` line or a path that begins with `crate`, `self`, `super` or a child module is an edge to the file that
//! defines the item: `pub use` only passes it on and is no edge, nor is `mod`. What stands under `#[cfg(test)]` does not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, File, Item, UseTree, Visibility, visit::Visit};

/// A module by its names from the root of the package; the root has none.
type Module = Vec<String>;

/// One file of a package, as far as imports go.
#[derive(Default)]
struct Node {
    path: PathBuf,
    /// The names of the items that it defines.
    defined: BTreeSet<String>,
    /// Each name that it imports, where it comes from, and whether it is passed on.
    imports: Vec<(String, Vec<String>, bool)>,
    /// Paths in code.
    paths: Vec<Vec<String>>,
    /// Modules that are tests.
    tests: BTreeSet<String>,
}

/// What is wrong with the imports below a package's `src`: each a sentence.
pub(crate) fn faults(src: &Path) -> Vec<String> {
    let mut nodes = BTreeMap::new();
    read(src, src, &mut nodes);
    let tests: Vec<Module> = nodes
        .iter()
        .flat_map(|(module, node): (&Module, &Node)| node.tests.iter().map(|name| child(module, name)))
        .collect();
    nodes.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    let edges = edges(&nodes);
    let name =
        |module: &Module| nodes[module].path.strip_prefix(src).unwrap_or(&nodes[module].path).display().to_string();
    let mut faults = Vec::new();
    for (from, to) in edges.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        if from.starts_with(to) {
            faults.push(format!("{} imports upwards, from {}", name(from), name(to)));
        }
    }
    // A file on a circle imports one that is left and is imported by one that is left, however many of the others are taken away.
    let mut left: BTreeMap<&Module, BTreeSet<&Module>> =
        edges.iter().map(|(from, all)| (from, all.iter().collect())).collect();
    loop {
        let imported: BTreeSet<&Module> = left.values().flatten().copied().collect();
        let before = left.len();
        left.retain(|module, to| !to.is_empty() && imported.contains(module));
        let kept: BTreeSet<&Module> = left.keys().copied().collect();
        left.values_mut().for_each(|to| to.retain(|module| kept.contains(module)));
        if left.len() == before {
            break;
        }
    }
    if !left.is_empty() {
        let files: Vec<_> = left.keys().map(|module| name(module)).collect();
        faults.push(format!("these import each other in a circle: {}", files.join(", ")));
    }
    faults
}

fn child(module: &Module, name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// Reads every file below a folder.
fn read(src: &Path, folder: &Path, nodes: &mut BTreeMap<Module, Node>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read(src, &path, nodes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(src).expect("it lies below").with_extension("");
            let mut module: Module = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if matches!(module.last().map(String::as_str), Some("lib" | "main" | "mod")) {
                module.pop();
            }
            let text = fs::read_to_string(&path).expect("a source is text");
            let file: File = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut node = Node { path: path.clone(), ..Node::default() };
            node.visit_file(&file);
            nodes.insert(module, node);
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    let says_test = |attribute: &Attribute| {
        attribute
            .meta
            .require_list()
            .is_ok_and(|list| list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test"))
    };
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") && says_test(attribute))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Node {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test(attributes(item)) {
            if let Item::Mod(module) = item {
                self.tests.insert(module.ident.to_string());
            }
            return;
        }
        let name = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Macro(item) => item.ident.as_ref(),
            Item::Mod(item) if item.content.is_some() => Some(&item.ident),
            _ => None,
        };
        self.defined.extend(name.map(ToString::to_string));
        if let Item::Use(import) = item {
            let passed_on = !matches!(import.vis, Visibility::Inherited);
            leaves(&import.tree, &[], &mut |path, name| self.imports.push((name, path, passed_on)));
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }
}

/// Every leaf of a `use` line: its whole path, and the name that it gets.
fn leaves(tree: &UseTree, before: &[String], tell: &mut impl FnMut(Vec<String>, String)) {
    let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(path.ident.to_string()), tell),
        UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, before, tell)),
        UseTree::Name(name) if name.ident == "self" => {
            tell(before.to_vec(), before.last().cloned().unwrap_or_default());
        }
        UseTree::Name(name) => tell(with(name.ident.to_string()), name.ident.to_string()),
        UseTree::Rename(rename) => tell(with(rename.ident.to_string()), rename.rename.to_string()),
        UseTree::Glob(_) => tell(with("*".to_owned()), "*".to_owned()),
    }
}

fn edges(nodes: &BTreeMap<Module, Node>) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut edges = BTreeMap::new();
    for (module, node) in nodes {
        let imported = node.imports.iter().filter(|(_, _, passed_on)| !passed_on).map(|(_, path, _)| path);
        let written = node.paths.iter().filter(|path| path.len() > 1);
        let to: BTreeSet<Module> = imported
            .chain(written)
            .filter_map(|path| definition(nodes, module, path, 0))
            .filter(|to| to != module)
            .collect();
        edges.insert(module.clone(), to);
    }
    edges
}

/// The file that defines what a path names; `None` where that is not of this package.
fn definition(nodes: &BTreeMap<Module, Node>, module: &Module, path: &[String], depth: usize) -> Option<Module> {
    let (mut at, mut rest) = (module.clone(), path);
    match path.first()?.as_str() {
        "crate" => (at, rest) = (Module::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                at.pop();
                rest = &rest[1..];
            }
        }
        first if nodes.contains_key(&child(module, first)) => {}
        _ => return None,
    }
    while let Some((first, after)) = rest.split_first() {
        if nodes.contains_key(&child(&at, first)) {
            (at, rest) = (child(&at, first), after);
            continue;
        }
        let node = nodes.get(&at)?;
        if node.defined.contains(first) || depth > 8 {
            return Some(at);
        }
        let with = |base: &[String]| base.iter().chain(after).cloned().collect::<Vec<_>>();
        let named = node.imports.iter().find(|(name, from, _)| name == first && from != path);
        if let Some((_, from, _)) = named {
            return definition(nodes, &at, &with(from), depth + 1);
        }
        let globs = node.imports.iter().filter(|(name, ..)| name == "*").map(|(_, from, _)| &from[..from.len() - 1]);
        return globs
            .filter_map(|from| definition(nodes, &at, &[from, rest].concat(), depth + 1))
            .find(|found| *found != at && nodes[found].defined.contains(first));
    }
    Some(at)
}
