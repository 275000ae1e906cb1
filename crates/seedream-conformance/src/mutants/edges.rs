//! Adapters whose limits are one step off the documented ones: too narrow, or too wide.

use seedream_core::{Capabilities, PixelRule};

use super::dialect::AdapterHooks;
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
        rules("smaller-areas", "lets images through that are a little too small", |rules| {
            each_area(rules, |area| area.min = area.min * 3 / 4);
        }),
        rules("larger-areas", "lets images through that are a little too large", |rules| {
            each_area(rules, |area| area.max = area.max.map(|max| max * 4 / 3));
        }),
        rules("flatter-shapes", "refuses the longest and the tallest shape that are allowed", |rules| {
            each_area(rules, |area| area.max_aspect = area.max_aspect.map(|most| most - 1));
        }),
        rules("longer-shapes", "lets shapes through that are a little too long", |rules| {
            each_area(rules, |area| area.max_aspect = area.max_aspect.map(|most| most + 8));
        }),
        rules("cites-its-own-page", "says that its own page states what only the vendor's page does", |rules| {
            let own = rules.size.source.clone();
            rules.size.narrowed.iter_mut().for_each(|narrowed| narrowed.source = own.clone());
            let own = rules.images.source.clone();
            rules.images.with_references.iter_mut().for_each(|total| total.source = own.clone());
            rules.fields.iter_mut().for_each(|rule| rule.range_source = None);
        }),
        rules("two-layers", "counts two images where every layer is billed", |rules| {
            rules.layers.iter_mut().for_each(|layers| layers.most = 1);
        }),
        rules("one-level-less", "does not know the largest tier", |rules| {
            rules.size.tiers.pop();
            rules.size.qualities.pop();
        }),
        rules("one-ratio-less", "does not know the last ratio", |rules| {
            rules.size.ratios.pop();
        }),
        rules("one-reference-less", "refuses as many references as are allowed", |rules| {
            rules.references.max = rules.references.max.map(|max| max.saturating_sub(1));
        }),
        rules("one-reference-more", "lets one reference too many through", |rules| {
            rules.references.max = rules.references.max.map(|max| max + 1);
        }),
        rules("one-image-less", "refuses as many images as are allowed", |rules| {
            rules.images.max = rules.images.max.map(|max| max.saturating_sub(1));
        }),
        rules("one-image-more", "lets one image too many through", |rules| {
            rules.images.max = rules.images.max.map(|max| max + 1);
        }),
        rules("one-in-all-less", "refuses as many references and images together as are allowed", |rules| {
            rules.images.with_references.iter_mut().for_each(|total| total.limit -= 1);
        }),
        rules("one-in-all-more", "lets one reference or image too many in all through", |rules| {
            rules.images.with_references.iter_mut().for_each(|total| total.limit += 1);
        }),
        rules("one-value-less", "does not know the last of the values of each field", |rules| {
            for rule in rules.fields.iter_mut() {
                rule.values.pop();
            }
        }),
        rules("any-value", "lets every value of every field through", |rules| {
            for rule in rules.fields.iter_mut() {
                (rule.values, rule.range) = (Vec::new(), None);
            }
        }),
        rules("ranges-without-ends", "refuses the least and the greatest number of each range", |rules| {
            for range in rules.fields.iter_mut().filter_map(|rule| rule.range.as_mut()) {
                *range = (range.0.next_up(), range.1.next_down());
            }
        }),
        rules("advice-one-less", "advises against a prompt that is as long as is advised", |rules| {
            rules.prompt.advised_chars = rules.prompt.advised_chars.map(|chars| chars - 1);
        }),
        rules("no-advice", "has no word for a prompt that is longer than advised", |rules| {
            (rules.prompt.advised_chars, rules.prompt.advised_length) = (None, false);
        }),
    ]
}

fn each_area(rules: &mut Capabilities, change: fn(&mut PixelRule)) {
    rules.size.pixels.iter_mut().chain(&mut rules.references.pixels).for_each(change);
}
