//! Fixtures against the text of a saved page.

use std::collections::BTreeSet;

use seedream_fixtures::FactSource;
use serde_json::Value;

use super::{
    difference::{Drift, DriftSeverity, documented, drift},
    fixture_facts::DriftFacts,
};

pub(super) fn compare(facts: &DriftFacts<'_>, text: &str) -> Vec<Drift> {
    // Pages write `2048×2048` and `3,686,400` as well.
    let text = text.replace('×', "x");
    let sizes = sizes(&text);
    let mut found = Vec::new();
    let mut stands = |at: String, there: bool, what: &str| {
        if !there {
            found.push(drift(DriftSeverity::Breaking, at, what, "nowhere in the page"));
        }
    };
    let provider = facts.provider;
    for route in provider.routes.iter().filter(|route| documented(&route.source)) {
        // A base URL has a path of its own, which a page may leave out.
        let path = route.path.strip_prefix(provider.base_path()).unwrap_or(&route.path);
        let path = path.replace("{id}", "");
        stands("route".into(), text.contains(&path), &path);
    }
    for field in provider.fields.iter().filter(|field| documented(&field.source)) {
        let name = field.name.rsplit('.').next().unwrap_or_default();
        stands(format!("member {}", field.name), text.contains(name), name);
        if !wholly(&field.source) {
            continue;
        }
        for value in field.values.iter().filter_map(Value::as_str) {
            stands(format!("member {} value", field.name), text.contains(value), value);
        }
        let numbers = [field.min, field.max, field.max_length.map(|length| length as f64)];
        for number in numbers.into_iter().flatten() {
            stands(format!("member {} bound", field.name), has_number(&text, number as u64), &number.to_string());
        }
    }
    for model in provider.models.iter().filter(|model| documented(&model.source)) {
        stands("model".into(), text.contains(&model.id), &model.id);
        let size = &model.size;
        if !size.source.as_ref().is_none_or(wholly) {
            continue;
        }
        for word in size.tiers.iter().chain(&size.ratios).chain(&size.qualities) {
            stands(format!("model {} size", model.id), text.contains(word.as_str()), word);
        }
        for pixels in size.pixels.into_iter().flat_map(|bounds| [bounds.min, bounds.max]).flatten() {
            let there = has_number(&text, pixels) || sizes.iter().any(|size| product(size) == Some(pixels));
            stands(format!("model {} pixels", model.id), there, &pixels.to_string());
        }
    }
    for error_response in provider.error_templates.iter().filter(|error_response| documented(&error_response.source)) {
        let status = error_response.status.to_string();
        stands(format!("status {status}"), text.contains(&status), &status);
        stands(
            format!("status {status} code"),
            text.contains(error_response.code.as_str()),
            error_response.code.as_str(),
        );
    }
    for (name, table) in provider.size_tables.iter().filter(|(_, table)| documented(&table.source)) {
        // A table may have tiers from elsewhere, which the page does not name.
        let tiers = table.tiers.iter().filter(|(tier, _)| wholly(&table.source) || text.contains(tier.as_str()));
        for pixels in tiers.flat_map(|(_, ratios)| ratios.values()) {
            stands(format!("size table {name}"), sizes.contains(pixels), pixels);
        }
    }
    let known = known_models(facts);
    for model in models(&text) {
        // Prose shortens `doubao-seedream-4-0-250828` to `doubao-seedream-4.0`.
        let short = model.replace('.', "-");
        if !known.iter().any(|known| *known == model || known.replace('.', "-").starts_with(&short)) {
            found.push(drift(DriftSeverity::Notice, "model", "nothing", model));
        }
    }
    let (known, bounds) = (known_sizes(facts), bounds(facts));
    for size in sizes.difference(&known).filter(|size| product(size).is_none_or(|pixels| !bounds.contains(&pixels))) {
        found.push(drift(DriftSeverity::Notice, "size", "nothing", size));
    }
    found
}

/// Whether the document states all of a fact: a note says which part comes from elsewhere.
fn wholly(source: &FactSource) -> bool {
    documented(source) && source.note.is_none()
}

/// The bounds of pixels, which pages write as sizes.
fn bounds(facts: &DriftFacts<'_>) -> BTreeSet<u64> {
    let models = &facts.provider.models;
    let sizes = models.iter().filter_map(|model| model.size.pixels).flat_map(|bounds| [bounds.min, bounds.max]);
    let references = models.iter().filter_map(|model| model.references.as_ref());
    sizes.chain(references.flat_map(|bounds| [bounds.min_pixels, bounds.max_pixels])).flatten().collect()
}

/// Whether a number stands in a text, with or without commas between its thousands.
fn has_number(text: &str, number: u64) -> bool {
    let plain = number.to_string();
    let mut commas = String::new();
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            commas.push(',');
        }
        commas.push(digit);
    }
    text.contains(&plain) || text.contains(&commas)
}

fn product(size: &str) -> Option<u64> {
    let (width, height) = size.split_once('x')?;
    width.parse::<u64>().ok()?.checked_mul(height.parse().ok()?)
}

fn known_models(facts: &DriftFacts<'_>) -> BTreeSet<String> {
    let of = |model: &seedream_fixtures::ModelFacts| {
        [model.id.clone()].into_iter().chain(model.aliases.clone()).chain(model.upstream.clone()).collect::<Vec<_>>()
    };
    facts.provider.models.iter().flat_map(of).collect()
}

/// The sizes of tables, of defaults, and of every request in the fixtures.
fn known_sizes(facts: &DriftFacts<'_>) -> BTreeSet<String> {
    let provider = facts.provider;
    let tables =
        provider.size_tables.values().flat_map(|table| table.tiers.values().flat_map(|ratios| ratios.values()));
    let mut known: BTreeSet<String> = tables.cloned().collect();
    known.extend(provider.models.iter().map(|model| model.size.default_pixels.clone()));
    let requests = facts.exchanges().filter_map(|exchange| exchange.request.as_ref()?.json_value());
    known.extend(requests.filter_map(|body| body["size"].as_str().map(str::to_owned)));
    known
}

/// Every `WIDTHxHEIGHT` in a text, with sides of three or four digits: where a page that was saved without its tables runs numbers
/// together, the last four digits in front of the `x` are the width.
fn sizes(text: &str) -> BTreeSet<String> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() >= 3;
    let mut sizes = BTreeSet::new();
    for (at, _) in text.match_indices('x') {
        let before = text[..at].len() - text[..at].bytes().rev().take(4).take_while(u8::is_ascii_digit).count();
        let after = at + 1 + text[at + 1..].bytes().take(4).take_while(u8::is_ascii_digit).count();
        if digits(&text[before..at]) && digits(&text[at + 1..after]) {
            sizes.insert(format!("{}x{}", &text[before..at], &text[at + 1..after]));
        }
    }
    sizes
}

/// Every id of a Seedream model in a text that is no part of a path.
fn models(text: &str) -> BTreeSet<String> {
    let mut models = BTreeSet::new();
    for (at, name) in text.match_indices("seedream-") {
        let seller =
            ["doubao-", "bytedance-"].into_iter().find(|seller| text[..at].ends_with(seller)).unwrap_or_default();
        if text[..at - seller.len()].ends_with('/') {
            continue;
        }
        let mut id = format!("{seller}{name}");
        let mut rest = &text[at + name.len()..];
        // Numbers with points and dashes, and the words of editions.
        while let Some(part) = next_part(rest) {
            id.push_str(part);
            rest = &rest[part.len()..];
        }
        let id = id.trim_end_matches(['-', '.']);
        if id.ends_with("seedream") {
            continue;
        }
        models.insert(id.to_owned());
    }
    models
}

fn next_part(rest: &str) -> Option<&str> {
    let word = ["t2i", "i2i", "lite", "pro", "flash", "-", "."].into_iter().find(|word| rest.starts_with(word));
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    word.or((digits > 0).then(|| &rest[..digits]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn sizes_and_models_are_found_in_pages_that_lost_their_tables() {
        assert_eq!(
            sizes("2K1:12048x2048\n2K16:92848x1600, 480x7680 px, 0x1, x, 10xAB"),
            set(&["2048x2048", "2848x1600", "480x7680"])
        );
        let text = "doubao-seedream-4.0doubao-seedream-4.5bytedance-seedream-5.0 / doubao-seedream-4-5-251128seedream-4-5-251128, \
                    seedream-3-0-t2i-250415: /img/doubao-seedream-4-0/0.jpeg seedream-models doubao-seedream-5-0-lite.";
        let models = models(text);
        assert_eq!(
            models,
            set(&[
                "bytedance-seedream-5.0",
                "doubao-seedream-4-5-251128",
                "doubao-seedream-4.0",
                "doubao-seedream-4.5",
                "doubao-seedream-5-0-lite",
                "seedream-3-0-t2i-250415",
                "seedream-4-5-251128",
            ])
        );
        assert!(has_number("at least 3,686,400 pixels", 3_686_400) && has_number("15", 15) && !has_number("1,5", 15));
    }
}
