//! Every rule cites a page that states it.

use std::collections::BTreeSet;

use seedream_core::{Capabilities, PixelRule, Source, SourceKind, Support};
use seedream_fixtures::{DocumentRule, FieldRole, ModelFacts, ProviderFacts};

use crate::harness::difference::Differences;

/// One rule of an adapter: what has to stand on the page that it cites.
struct CitedStatement<'a> {
    what: String,
    /// Numbers and words, all in one sentence about the place that is cited.
    tokens: Vec<String>,
    /// What the sentence is about, where that is not the place that is cited.
    topic: Option<&'a str>,
    source: &'a Source,
}

pub(super) fn check(
    d: &mut Differences,
    provider: &ProviderFacts,
    facts: &[DocumentRule],
    rules: &Capabilities,
    model: &ModelFacts,
) {
    let pages = published(provider, model);
    // The last part of a nested member, as in `model_params.quality`.
    let quality = provider.field(FieldRole::Quality).map(|field| field.name.rsplit('.').next().unwrap_or_default());
    for statement in statements(rules, quality) {
        let (what, source) = (&statement.what, statement.source);
        match source.kind {
            SourceKind::Documented => {
                let own = is_own(provider, &source.document);
                let stated = own && facts.iter().any(|fact| statement.stands_in(fact));
                d.holds(stated, || format!("{what}: {} does not say so at {}", source.document, source.at));
            }
            SourceKind::Published => {
                let named = |url: &String| names(url, &source.document);
                d.holds(pages.iter().any(named), || format!("{what}: no fact is cited from {}", source.document));
            }
            _ => {}
        }
    }
}

/// Whether a name is that of the provider's own document: its id, a part of its URL, or where it has none, the provider's name.
pub(super) fn is_own(provider: &ProviderFacts, name: &str) -> bool {
    let document = &provider.document;
    // "docs.example.com, page" and "docs.example.com/page" are both ways to name a page.
    let by_url = document.url.as_ref().map_or(name.starts_with(&provider.name), |url| names(url, name));
    document.id == name || by_url
}

/// Whether a name is that of the page at a URL.
fn names(url: &str, name: &str) -> bool {
    !name.is_empty() && name.split(", ").all(|part| url.contains(part))
}

impl CitedStatement<'_> {
    fn stands_in(&self, fact: &DocumentRule) -> bool {
        let mut said = tokens(&fact.says);
        let about: BTreeSet<String> = words(&fact.id).chain(words(&fact.says)).collect();
        let place = self.topic.unwrap_or(self.source.at.rsplit('.').next().unwrap_or_default());
        // A place in several words is a section, whose rules are about other things.
        let speaks = place.contains(' ') || words(place).any(|word| about.contains(&word));
        said.extend(about);
        speaks && self.tokens.iter().all(|token| said.contains(&token.to_lowercase()))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The words of a sentence, each number as itself, and `AxB` as the product too.
fn tokens(text: &str) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    for word in text.split(|c: char| !(c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.'))) {
        let word = word.trim_matches(['.', ':', '-']).to_lowercase();
        if let Some((width, height)) = word.split_once('x')
            && let (Ok(width), Ok(height)) = (width.parse::<u64>(), height.parse::<u64>())
        {
            tokens.insert((width * height).to_string());
        }
        tokens.insert(word);
    }
    tokens
}

/// The public pages that the facts of a provider and of a model are from.
fn published(provider: &ProviderFacts, model: &ModelFacts) -> Vec<String> {
    let size = model.size.source.iter().chain(&model.size.narrowed_by).chain(&model.max_images_source);
    let total = model.references_plus_images.as_ref().and_then(|total| total.source.as_ref());
    let references = model.references.as_ref().and_then(|references| references.source.as_ref());
    let fields = provider.fields.iter().map(|field| &field.source);
    let models = provider.models.iter().map(|model| &model.source);
    let sources = size.chain(total).chain(references).chain(fields).chain(models);
    sources.filter_map(|source| source.url.clone()).collect()
}

/// `quality` is the member that carries the tier of a ratio.
fn statements<'a>(rules: &'a Capabilities, quality: Option<&'a str>) -> Vec<CitedStatement<'a>> {
    let mut all = Vec::new();
    let mut state = |what: &str, tokens: Vec<String>, topic, source| {
        if !tokens.is_empty() {
            all.push(CitedStatement { what: what.to_owned(), tokens, topic, source });
        }
    };
    let size = &rules.size;
    let texts = |values: &[seedream_core::Tier]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (tiers, own) = match &size.narrowed {
        Some(narrowed) => (&narrowed.tiers, Some(narrowed.pixels)),
        None => (&size.tiers, size.pixels),
    };
    state("tiers", texts(tiers), None, &size.source);
    state("qualities", texts(&size.qualities), quality, &size.source);
    state("ratios", size.ratios.iter().map(ToString::to_string).collect(), None, &size.source);
    for bound in own.map(bounds).unwrap_or_default() {
        state("pixels", vec![bound], None, &size.source);
    }
    if let (Some(narrowed), Some(all)) = (&size.narrowed, size.pixels) {
        let own = bounds(narrowed.pixels);
        state("pixels", bounds(all).into_iter().filter(|bound| !own.contains(bound)).collect(), None, &narrowed.source);
        state("tiers", texts(&size.tiers), None, &narrowed.source);
    }
    if let Some(relay) = &size.relay_min {
        state("pixels at a relay", vec![relay.pixels.to_string()], None, &relay.source);
    }

    let references = &rules.references;
    let source = &references.source;
    let number = |number: Option<u32>| number.filter(|n| *n > 0).map(|n| n.to_string()).into_iter().collect::<Vec<_>>();
    state("references", number(references.max), None, source);
    let bytes = references.max_bytes.map(|bytes| (bytes >> 20).to_string()).into_iter().collect();
    state("bytes of a reference", bytes, None, references.max_bytes_source.as_ref().unwrap_or(source));
    let types = references.media_types.iter().map(|media| media.trim_start_matches("image/").to_owned()).collect();
    state("formats of a reference", types, None, source);
    state("sides of a reference", number(references.side_above), None, source);
    for bound in references.pixels.map(bounds).unwrap_or_default() {
        state("pixels of a reference", vec![bound], None, source);
    }

    let images = &rules.images;
    state("most images", number(images.max), None, &images.source);
    state("images that are advised", number(images.advised_max), None, &images.source);
    if let Some(total) = &images.with_references {
        state("references and images", vec![total.limit.to_string()], Some("references"), &total.source);
    }
    let prompt = &rules.prompt;
    let chars = prompt.advised_chars.map(|chars| chars.to_string()).into_iter().collect();
    state("length of the prompt", chars, None, &prompt.source);
    if prompt.advised_length {
        state("length of the prompt", vec!["300".into(), "600".into()], None, &prompt.source);
    }
    for rule in rules.fields.iter() {
        let field = rule.field.to_string();
        state(&format!("values of {field}"), rule.values.iter().map(ToString::to_string).collect(), None, &rule.source);
        let ends = rule.range.map(|(least, most)| vec![least.to_string(), most.to_string()]).unwrap_or_default();
        state(&format!("range of {field}"), ends, None, rule.range_source.as_ref().unwrap_or(&rule.source));
        // Pages word a member without effect differently; only that the page names the member is checked.
        let member =
            rule.source.at.rsplit('.').next().filter(|at| !at.contains(' ') && rule.support != Support::Honoured);
        let effect = member.map(|member| words(member).collect()).unwrap_or_default();
        state(&format!("effect of {field}"), effect, None, &rule.source);
    }
    let ignored = &rules.ignored_members;
    let names = ignored.names.iter().map(ToString::to_string).collect();
    state("members without effect", names, None, &ignored.source);
    all
}

/// The numbers of a pixel rule, without what is no limit.
fn bounds(rule: PixelRule) -> Vec<String> {
    let least = Some(rule.min).filter(|min| *min > 1);
    let aspect = rule.max_aspect.map(u64::from);
    let sides = rule.side.into_iter().flat_map(|(least, most)| [u64::from(least), u64::from(most)]);
    least.into_iter().chain(rule.max).chain(aspect).chain(sides).map(|bound| bound.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(says: &str, tokens: &[&str], at: &'static str) -> bool {
        let (id, lines, says) = ("000-size-min".to_owned(), "1".to_owned(), says.to_owned());
        let fact = DocumentRule { id, lines, says, cases: Vec::new(), laws: Vec::new(), untestable: None };
        let source = Source::documented("000", at);
        let tokens = tokens.iter().map(ToString::to_string).collect();
        CitedStatement { what: String::new(), tokens, topic: None, source: &source }.stands_in(&fact)
    }

    #[test]
    fn a_statement_stands_in_a_sentence_about_its_place_that_has_its_numbers() {
        let says = "Pixels lie between 2560x1440 and 4096x4096, width to height between 1/16 and 16.";
        assert!(stands(says, &["3686400", "16777216"], "size"));
        assert!(stands(says, &["16"], "size"));
        assert!(!stands(says, &["17"], "size"));
        assert!(!stands(says, &["16"], "prompt"));
        assert!(stands(says, &["16"], "request body"));
    }
}
