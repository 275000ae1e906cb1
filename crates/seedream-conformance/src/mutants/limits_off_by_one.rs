//! Adapters whose limits are one step off the documented ones: too narrow, or too wide.

use seedream_core::{Capabilities, PixelRule};

use super::broken_dialect::AdapterHooks;
use super::mutant::{Mutant, adapter};

pub(super) fn all() -> Vec<Mutant> {
    let rules =
        |name, says, rules: fn(&mut Capabilities)| adapter(name, says, AdapterHooks { rules, ..AdapterHooks::NONE });
    vec![
        rules("least-area-refused", "refuses the smallest image that is allowed", |rules| {
            each_area(rules, |area| area.min += 1);
        }),
        rules("largest-area-refused", "refuses the largest image that is allowed", |rules| {
            each_area(rules, |area| area.max = area.max.map(|max| max - 1));
        }),
        rules("smaller-areas", "accepts sizes slightly below the minimum", |rules| {
            each_area(rules, |area| area.min = area.min * 3 / 4);
        }),
        rules("larger-areas", "accepts sizes slightly above the maximum", |rules| {
            each_area(rules, |area| area.max = area.max.map(|max| max * 4 / 3));
        }),
        rules("flatter-shapes", "refuses the largest legal aspect ratios", |rules| {
            each_area(rules, |area| area.max_aspect = area.max_aspect.map(|most| most - 1));
        }),
        rules("longer-shapes", "accepts aspect ratios slightly above the maximum", |rules| {
            each_area(rules, |area| area.max_aspect = area.max_aspect.map(|most| most + 8));
        }),
        rules("cites-its-own-page", "cites its own page for a rule that only another page states", |rules| {
            let own = rules.size.source.clone();
            rules.size.narrowed.iter_mut().for_each(|narrowed| narrowed.source = own.clone());
            let own = rules.images.source.clone();
            rules.images.with_references.iter_mut().for_each(|total| total.source = own.clone());
            rules.fields.iter_mut().for_each(|rule| rule.range_source = None);
        }),
        rules("two-layers", "counts two images where every layer is billed", |rules| {
            rules.layers.iter_mut().for_each(|layers| layers.most = 1);
        }),
        rules("one-level-less", "refuses the largest tier", |rules| {
            rules.size.tiers.pop();
            rules.size.qualities.pop();
        }),
        rules("one-ratio-less", "refuses the last ratio", |rules| {
            rules.size.ratios.pop();
        }),
        rules("one-reference-less", "refuses the largest legal number of references", |rules| {
            rules.references.max = rules.references.max.map(|max| max.saturating_sub(1));
        }),
        rules("one-reference-more", "accepts one reference too many", |rules| {
            rules.references.max = rules.references.max.map(|max| max + 1);
        }),
        rules("one-image-less", "refuses the largest legal number of images", |rules| {
            rules.images.max = rules.images.max.map(|max| max.saturating_sub(1));
        }),
        rules("one-image-more", "accepts one image too many", |rules| {
            rules.images.max = rules.images.max.map(|max| max + 1);
        }),
        rules("one-in-all-less", "refuses the largest legal sum of references and images", |rules| {
            rules.images.with_references.iter_mut().for_each(|total| total.limit -= 1);
        }),
        rules("one-in-all-more", "accepts a sum of references and images that is one too large", |rules| {
            rules.images.with_references.iter_mut().for_each(|total| total.limit += 1);
        }),
        rules("one-value-less", "refuses the last legal value of each field", |rules| {
            for rule in rules.fields.iter_mut() {
                rule.values.pop();
            }
        }),
        rules("any-value", "accepts every value of every field", |rules| {
            for rule in rules.fields.iter_mut() {
                (rule.values, rule.range) = (Vec::new(), None);
            }
        }),
        rules("ranges-without-ends", "refuses both ends of each range", |rules| {
            for range in rules.fields.iter_mut().filter_map(|rule| rule.range.as_mut()) {
                *range = (range.0.next_up(), range.1.next_down());
            }
        }),
        rules("advice-one-less", "warns about a prompt of exactly the advised length", |rules| {
            rules.prompt.advised_chars = rules.prompt.advised_chars.map(|chars| chars - 1);
        }),
        rules("no-advice", "does not warn about a prompt longer than advised", |rules| {
            (rules.prompt.advised_chars, rules.prompt.advised_length) = (None, false);
        }),
    ]
}

fn each_area(rules: &mut Capabilities, change: fn(&mut PixelRule)) {
    rules.size.pixels.iter_mut().chain(&mut rules.references.pixels).for_each(change);
}
