//! The types of `provider.json`, read from their source: members with type, default and meaning, and words with their meaning.

use std::{collections::BTreeMap, fs, path::Path};

use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, PathArguments, Type};

/// One member of an object.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) of: MemberType,
    /// What stands for it where it is absent; `None` where it must be there.
    pub(crate) default: Option<String>,
    pub(crate) meaning: String,
}

/// The type of a member.
#[derive(Clone, PartialEq)]
pub(crate) enum MemberType {
    /// A type without a section of its own, in words.
    Plain(&'static str),
    /// A type of the facts.
    Named(String),
    List(Box<MemberType>),
    Map(Box<MemberType>),
}

impl MemberType {
    /// The type of the facts in it, and the step by which a value of it is reached from the member.
    pub(crate) fn named(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Plain(_) => None,
            Self::Named(name) => Some((name, "")),
            Self::List(inner) | Self::Map(inner) => inner.named().map(|(name, _)| (name, "/*")),
        }
    }

    pub(crate) fn text(&self, in_words: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Plain(words) => (*words).to_owned(),
            Self::Named(name) => in_words(name),
            Self::List(inner) => format!("list of {}", inner.text(in_words)),
            Self::Map(inner) => format!("object, each member: {}", inner.text(in_words)),
        }
    }
}

/// One type of the facts.
pub(crate) enum Declared {
    Object(Vec<Member>),
    /// Words, each with its meaning.
    Words(Vec<(String, String)>),
    /// Objects that a member tells apart: its name, and the objects by its words.
    Tagged(String, Vec<(String, String, Vec<Member>)>),
}

/// Every type that is declared in the sources of a package.
pub(crate) fn read(src: &Path) -> BTreeMap<String, (String, Declared)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(src).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let file = syn::parse_file(&fs::read_to_string(&path).expect("a source is text")).expect("it is Rust");
        for item in file.items {
            let (name, meaning, declared) = match item {
                Item::Struct(item) if is_read(&item.attrs) => {
                    let all_default = serde(&item.attrs).contains_key("default");
                    (item.ident.to_string(), doc(&item.attrs), Declared::Object(members(&item.fields, all_default)))
                }
                Item::Enum(item) if is_read(&item.attrs) || item.ident == "Placeholder" => {
                    let attributes = serde(&item.attrs);
                    let words =
                        item.variants.iter().map(|variant| (snake(&variant.ident.to_string()), doc(&variant.attrs)));
                    let declared = match attributes.get("tag") {
                        None => Declared::Words(words.collect()),
                        Some(tag) => {
                            let fields = item.variants.iter().map(|variant| members(&variant.fields, false));
                            let objects = words.zip(fields).map(|((word, meaning), fields)| (word, meaning, fields));
                            Declared::Tagged(tag.clone(), objects.collect())
                        }
                    };
                    (item.ident.to_string(), doc(&item.attrs), declared)
                }
                _ => continue,
            };
            found.insert(name, (meaning, declared));
        }
    }
    found
}

/// Whether it is read from JSON.
fn is_read(attributes: &[Attribute]) -> bool {
    let mut derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    derives.any(|attribute| {
        attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string().contains("Deserialize"))
    })
}

fn members(fields: &Fields, all_default: bool) -> Vec<Member> {
    let named = fields.iter().filter(|field| !serde(&field.attrs).contains_key("skip"));
    let members = named.map(|field| {
        let attributes = serde(&field.attrs);
        let own = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let (of, optional) = member_type(&field.ty);
        let default = attributes.get("default").cloned().or(all_default.then(String::new));
        let default = default.map(|function| match (function.as_str(), &of) {
            ("", MemberType::List(_)) => "`[]`".to_owned(),
            ("", MemberType::Map(_)) => "`{}`".to_owned(),
            ("", _) if optional => "absent".to_owned(),
            ("", MemberType::Plain("true or false")) => "`false`".to_owned(),
            ("", MemberType::Plain("text")) => "`\"\"`".to_owned(),
            ("", MemberType::Plain("integer")) => "`0`".to_owned(),
            ("", MemberType::Named(_)) => "`{}`".to_owned(),
            ("ok", _) => "`200`".to_owned(),
            ("url_alone", _) => "`\"{url}\"`".to_owned(),
            (function, _) => panic!("{own}: what does {function:?} return?"),
        });
        Member { name: attributes.get("rename").cloned().unwrap_or(own), of, default, meaning: doc(&field.attrs) }
    });
    members.collect()
}

/// A type, and whether it may be absent.
fn member_type(of: &Type) -> (MemberType, bool) {
    if let Type::Array(array) = of {
        return (MemberType::List(Box::new(member_type(&array.elem).0)), false);
    }
    let Type::Path(path) = of else { panic!("a member has a type with a name") };
    let last = path.path.segments.last().expect("a path has a segment");
    let arguments: Vec<&Type> = match &last.arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(of) => Some(of),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let inner = |place: usize| Box::new(member_type(arguments[place]).0);
    let plain = |words| (MemberType::Plain(words), false);
    match last.ident.to_string().as_str() {
        "Option" => (*inner(0), true),
        "Vec" => (MemberType::List(inner(0)), false),
        "BTreeMap" => (MemberType::Map(inner(1)), false),
        "String" => plain("text"),
        "bool" => plain("true or false"),
        "u16" | "u32" | "u64" => plain("integer"),
        "f64" => plain("number"),
        "Value" => plain("any JSON"),
        "CodeFacts" => plain("text or integer"),
        "JsonTemplate" => plain("JSON with placeholders"),
        "TextTemplate" => plain("text with placeholders"),
        name => (MemberType::Named(name.to_owned()), false),
    }
}

/// The arguments of the `serde` attributes; one without a value has an empty one.
fn serde(attributes: &[Attribute]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            let value = meta.value().and_then(|value| value.parse::<Lit>());
            let text = match value {
                Ok(Lit::Str(text)) => text.value(),
                _ => String::new(),
            };
            found.insert(meta.path.get_ident().map(ToString::to_string).unwrap_or_default(), text);
            Ok(())
        });
        parsed.expect("an attribute of serde is a list");
    }
    found
}

/// The documentation as one line, without links.
fn doc(attributes: &[Attribute]) -> String {
    let lines =
        attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| match &attribute
            .meta
            .require_name_value()
            .ok()?
            .value
        {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        });
    unlinked(lines.collect::<Vec<_>>().join(" ").trim())
}

/// A text without its links: ``[`Type::member`]`` is `` `member` ``, `[word](Type)` is `word`.
fn unlinked(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(open) = rest.find('[') {
        let Some(close) = rest[open..].find(']').map(|close| open + close) else { break };
        let inner = &rest[open + 1..close];
        let after = &rest[close + 1..];
        let target = after.strip_prefix('(').and_then(|target| target.find(')'));
        let code = inner.strip_prefix('`').and_then(|code| code.strip_suffix('`'));
        match (code, target) {
            (_, Some(end)) => {
                out.push_str(&rest[..open]);
                out.push_str(inner);
                rest = &after[end + 2..];
                continue;
            }
            (Some(code), None) => {
                out.push_str(&rest[..open]);
                let last = code.rsplit("::").next().unwrap_or(code);
                let word = if code.contains("::") { snake(last) } else { last.to_owned() };
                out.push_str(&format!("`{word}`"));
            }
            (None, None) => out.push_str(&rest[..=close]),
        }
        rest = after;
    }
    out + rest
}

/// A name in snake case, as serde renames it.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
