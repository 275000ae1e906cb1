//! The check of a request, rule by rule: each case is rules, a request and all findings.

mod checked_request;
mod counts;
mod fields;
mod prompts;
mod references;
mod sizes;

use super::*;
use crate::{
    Amount, BackgroundRule, Count, Descriptor, Family, FieldRule, ImageSource, ImagesRule, LayersRule, Members,
    ModelEntry, OutputFormat, PixelRule, Pixels, Precedence, Price, PromptRule, ReferenceRule, RelayMinimum,
    ResponseFormat, SizeRule, Source, Tier, TotalRule, Waiver,
};

/// A rule of the provider's page.
const fn page(at: &'static str) -> Source {
    Source::documented("page", at)
}

/// A provider that sells one model, `m`, with tiers 2K and 4K and everything else as in [`Capabilities::new`].
fn rules() -> Capabilities {
    let shop = Descriptor::new("shop", "Shop", "page", [ModelEntry::new("m", Family::Seedream4_5, page("models"))]);
    let pixels = PixelRule::new(3_686_400, 16_777_216, 16);
    let mut size = SizeRule::levels(&[Tier::K2, Tier::K4], pixels, "2K", page("size"));
    size.table_source = page("table");
    Capabilities::new(&shop, shop.resolve(&"m".into()), size, Members::new(["size", "n"], page("body")))
}

/// These rules with a difference.
fn with(change: impl FnOnce(&mut Capabilities)) -> Capabilities {
    let mut rules = rules();
    change(&mut rules);
    rules
}

fn request() -> ImageRequest {
    ImageRequest::new("m", "a kite")
}

/// Every violation as a text, or, without one, every warning with its kind and field.
fn findings(rules: &Capabilities, request: &ImageRequest, strictness: Strictness) -> Vec<String> {
    match rules.check(request, strictness) {
        Ok(checked) => checked.warnings().iter().map(shown).collect(),
        Err(error) => error.violations().iter().map(ToString::to_string).collect(),
    }
}

fn shown(warning: &Warning) -> String {
    let field = warning.field.map_or("", Field::as_str);
    format!("{} {field}: {warning}", warning.kind.as_str())
}
