//! The table of every member of `provider.json` in `crates/seedream-conformance/PROVIDER-JSON.md` is that of the types that read it.
//!
//! `WRITE=1 cargo test -p seedream-tests --test provider_json` writes it.

mod types;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use types::{Declared, Member, MemberType};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// The providers that examples are taken from, in this order.
const EXAMPLES: [&str; 7] = [
    "tests/stranger/fixtures/quarry",
    "tests/stranger/fixtures/harbour",
    "fixtures/evolink",
    "fixtures/ark",
    "fixtures/aiearth",
    "fixtures/opeai",
    "fixtures/gogogotoken",
];

/// Examples of members that no file has.
const OWN_EXAMPLES: [(&str, &str, &str); 11] = [
    ("RouteFacts", "id_at", r#""/task_id""#),
    ("TaskFacts", "moderated", r#"{"json":{"id":"{id}","state":"blocked"}}"#),
    ("TaskFacts", "cancelled", r#"{"json":{"id":"{id}","state":"cancelled"}}"#),
    ("TaskFacts", "callback", r#"{"event":"ended","task":{"id":"{id}","state":"{status}"}}"#),
    ("StatusWords", "accepted", r#""submitted""#),
    ("StatusWords", "moderated", r#""blocked""#),
    ("StatusWords", "cancelled", r#""cancelled""#),
    ("TaskResponse", "status", "202"),
    ("TaskResponse", "headers", r#"{"location":"/v1/tasks/{id}"}"#),
    ("FactSource", "at", r#""the table of errors""#),
    ("FactSource", "note", r#""the document shows one image""#),
];

const HEAD: &str = "\
# Every member of `provider.json`

Made from the types in `fixtures/src` by `WRITE=1 cargo test -p seedream-tests --test provider_json`, which fails where this page differs.
Examples are from `tests/stranger/fixtures/quarry` where it has the member. A member that is not listed is refused, with its line.
*required* means that the file is refused without it; every other default stands for an absent member.
";

/// The values at a path of steps, where `*` is each member or item.
fn at<'v>(value: &'v Value, path: &[&str]) -> Vec<&'v Value> {
    let Some((step, rest)) = path.split_first() else { return vec![value] };
    let inner: Vec<&Value> = match (value, *step) {
        (Value::Object(members), "*") => members.values().collect(),
        (Value::Array(items), "*") => items.iter().collect(),
        (value, step) => value.get(step).into_iter().collect(),
    };
    inner.into_iter().flat_map(|value| at(value, rest)).collect()
}

struct Page {
    types: BTreeMap<String, (String, Declared)>,
    files: Vec<Value>,
    /// The members whose example is one of [`OWN_EXAMPLES`].
    own: BTreeSet<(String, String)>,
    text: String,
}

impl Page {
    fn new() -> Self {
        let read = |folder: &&str| {
            let text = fs::read_to_string(root().join(folder).join("provider.json")).expect("a provider");
            serde_json::from_str(&text).expect("it is JSON")
        };
        let types = types::read(&root().join("fixtures/src"));
        Self { types, files: EXAMPLES.iter().map(read).collect(), own: BTreeSet::new(), text: HEAD.to_owned() }
    }

    /// The first example of a member that is short enough, or the beginning of one.
    fn example(&mut self, of: &str, path: &str, name: &str) -> String {
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).chain([name]).collect();
        let found: Vec<String> = self.files.iter().flat_map(|file| at(file, &steps)).map(ToString::to_string).collect();
        const LONGEST: usize = 70;
        let fits = found.iter().find(|text| text.chars().count() <= LONGEST && !matches!(text.as_str(), "[]" | "{}"));
        let text = fits.or(found.first()).cloned().unwrap_or_else(|| {
            self.own.insert((of.to_owned(), name.to_owned()));
            let own = OWN_EXAMPLES.iter().find(|(own, member, _)| (*own, *member) == (of, name));
            own.unwrap_or_else(|| panic!("no file has {of}.{name}: OWN_EXAMPLES needs an example")).2.to_owned()
        });
        if text.chars().count() <= LONGEST {
            format!("`{text}`")
        } else {
            format!("`{}…`", text.chars().take(LONGEST).collect::<String>())
        }
        .replace('|', "\\|")
    }

    /// The words for a type of the facts: a link to its section.
    fn link(&self, name: &str) -> String {
        let kind = match self.types.get(name) {
            Some((_, Declared::Words(_))) => "word of",
            _ => "object",
        };
        format!("{kind} [{name}](#{})", name.to_lowercase())
    }

    fn rows(&mut self, of: &str, path: &str, members: &[Member]) {
        self.text.push_str("| member | type | default | meaning | example |\n|---|---|---|---|---|\n");
        for member in members {
            let kind = member.of.text(&|name| self.link(name));
            let default = member.default.as_deref().unwrap_or("*required*");
            let (name, meaning) = (&member.name, member.meaning.replace('|', "\\|"));
            let example = self.example(of, path, name);
            let _ = writeln!(self.text, "| `{name}` | {kind} | {default} | {meaning} | {example} |");
        }
    }

    /// Every type that `provider.json` reaches, the nearest first.
    fn write(mut self) -> String {
        let mut next = VecDeque::from([("ProviderFacts".to_owned(), String::new())]);
        let mut seen = BTreeSet::new();
        while let Some((name, path)) = next.pop_front() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let (meaning, declared) = self.types.remove(&name).unwrap_or_else(|| panic!("{name} is declared nowhere"));
            let place = if path.is_empty() {
                "the whole file".to_owned()
            } else {
                format!("`{}`", path.replace("/*", "[]").trim_start_matches('/').replace('/', "."))
            };
            let _ = writeln!(self.text, "\n## {name}\n\nAt {place}. {meaning}\n");
            let mut reached = |members: &[Member]| {
                for member in members {
                    if let Some((inner, step)) = member.of.named() {
                        next.push_back((inner.to_owned(), format!("{path}/{}{step}", member.name)));
                    }
                }
            };
            match &declared {
                Declared::Object(members) => {
                    reached(members);
                    self.rows(&name, &path, members);
                }
                Declared::Words(words) => {
                    self.text.push_str("| word | meaning |\n|---|---|\n");
                    for (word, meaning) in words {
                        let _ = writeln!(self.text, "| `{word}` | {} |", meaning.replace('|', "\\|"));
                    }
                }
                Declared::Tagged(tag, objects) => {
                    for (word, meaning, members) in objects {
                        reached(members);
                        let _ = writeln!(self.text, "`\"{tag}\": \"{word}\"`: {meaning}\n");
                        self.rows(&name, &path, members);
                        self.text.push('\n');
                    }
                }
            }
            self.types.insert(name, (meaning, declared));
        }
        self.placeholders();
        assert_eq!(self.own.len(), OWN_EXAMPLES.len(), "OWN_EXAMPLES has one that a file has too");
        self.text
    }

    /// What may stand in a template.
    fn placeholders(&mut self) {
        self.text.push_str(
            "\n## Placeholders\n\nA string that is exactly one placeholder becomes a value of its type; inside a longer string it becomes \
             text. A member or an item whose placeholders all have no value is left out.\n\n| placeholder | meaning |\n|---|---|\n",
        );
        let Some((_, Declared::Words(words))) = self.types.get("Placeholder") else { panic!("there are placeholders") };
        let rows: Vec<String> = words
            .iter()
            .map(|(_, meaning)| {
                let (name, meaning) = meaning.split_once(": ").expect("its name stands first");
                format!("| {name} | {meaning} |\n")
            })
            .collect();
        self.text.push_str(&rows.concat());
    }
}

#[test]
fn the_page_lists_every_member() {
    let path = root().join("crates/seedream-conformance/PROVIDER-JSON.md");
    let page = Page::new().write();
    if std::env::var_os("WRITE").is_some() {
        fs::write(&path, &page).expect("it is written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(known.lines()).find(|(now, known)| now != known);
    assert_eq!(differs, None, "the page is not that of the types: write it with WRITE=1");
    assert_eq!(page.lines().count(), known.lines().count(), "the page is not that of the types: write it with WRITE=1");
}

/// The members of the files are among those that the page lists, so that no type escapes it.
#[test]
fn the_types_have_every_member_of_the_files() {
    let page = Page::new();
    fn check(page: &Page, name: &str, value: &Value, at: &str) {
        let Some((_, Declared::Object(members))) = page.types.get(name) else { return };
        for (member, value) in value.as_object().unwrap_or_else(|| panic!("{at} is no object")) {
            let known = members.iter().find(|known| known.name == *member);
            let known = known.unwrap_or_else(|| panic!("{at}/{member} is not among the members of {name}"));
            let (inner, at) = (&known.of, format!("{at}/{member}"));
            match (inner, value) {
                (MemberType::Named(inner), value) => check(page, inner, value, &at),
                (MemberType::List(_), Value::Array(values)) => {
                    let Some((inner, _)) = inner.named() else { continue };
                    values.iter().for_each(|value| check(page, inner, value, &at));
                }
                (MemberType::Map(_), Value::Object(values)) => {
                    let Some((inner, _)) = inner.named() else { continue };
                    values.values().for_each(|value| check(page, inner, value, &at));
                }
                _ => {}
            }
        }
    }
    for (file, name) in page.files.iter().zip(EXAMPLES) {
        check(&page, "ProviderFacts", file, name);
    }
}
