//! What an adapter claims is what the document says.

mod citations;
mod defaults;
mod nearest_size;
mod role_members;
pub(crate) mod unknown_model;

use std::collections::BTreeSet;

use seedream_core::{Capabilities, Dialect, Field, ImageRequest, ImageSource, ModelId, Strictness, Support, Tier};
use seedream_fixtures::{
    FieldFacts as Member, FieldRole, ModelFacts, ProviderFacts, ResponseMode, RouteName, TotalAction,
};
use serde_json::Value;

use role_members::role;

use crate::{Case, CaseFailure, Law, Subject, harness::difference::Differences};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let Some(provider) = subject.provider() else { return Vec::new() };
    let whole = subject.dialect().clone();
    let about =
        Case::new(Law::Claims, format!("{}/provider", provider.id), None, move || provider_claims(&*whole, provider));
    let models = provider.models.iter().map(|model| {
        let (dialect, facts, refused) = (subject.dialect().clone(), subject.rules(), subject.hooks().refused);
        let id = format!("{}/{}", provider.id, model.id);
        Case::new(Law::Claims, id, Some(&model.source), move || {
            let rules = dialect.capabilities(&model.id.as_str().into());
            let mut d = Differences::default();
            sizes(&mut d, provider, model, &rules);
            images(&mut d, provider, model, &rules);
            special(&mut d, provider, model, &rules);
            defaults::check(&mut d, &*dialect, provider, model);
            nearest_size::check(&mut d, model, &rules, refused);
            citations::check(&mut d, provider, facts, &rules, model);
            Field::OPTIONAL.into_iter().for_each(|field| optional(&mut d, provider, model, &rules, field));
            d.into_result()
        })
    });
    let dialect = subject.dialect().clone();
    let unknown = format!("{}/unknown-model", provider.id);
    let unknown = Case::new(Law::Claims, unknown, None, move || unknown_model::check(&*dialect, provider));
    [about, unknown].into_iter().chain(models).collect()
}

/// Names, base URLs, models and optional abilities.
fn provider_claims(dialect: &dyn Dialect, provider: &ProviderFacts) -> Result<(), CaseFailure> {
    let descriptor = dialect.descriptor();
    let mut d = Differences::default();
    let named = citations::is_own(provider, &descriptor.document);
    d.holds(named, || format!("document: expected {}, saw {}", provider.document.id, descriptor.document));
    d.same("default_model", &provider.default_model.as_str(), &descriptor.default_model.as_str());
    d.same(
        "base_urls[0]",
        &provider.base_urls.first().map(String::as_str),
        &descriptor.base_urls.first().map(AsRef::as_ref),
    );
    let named = descriptor.key_variables.iter().any(|name| !name.is_empty());
    d.holds(named || !provider.auth.required, || "no environment variable of the key is named".to_owned());
    for url in &descriptor.base_urls {
        d.holds(provider.base_urls.iter().any(|known| *known == **url), || format!("base URL {url} is not documented"));
    }
    let documented: BTreeSet<_> = provider
        .models
        .iter()
        .map(|model| {
            (
                model.id.as_str(),
                format!("seedream-{}", model.family),
                model.aliases.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    let claimed: BTreeSet<_> = descriptor
        .models
        .iter()
        .map(|entry| (entry.id.as_str(), entry.family.to_string(), entry.aliases.iter().map(ModelId::as_str).collect()))
        .collect();
    let documented: BTreeSet<(&str, String, Vec<&str>)> = documented;
    d.same("models", &documented, &claimed);
    d.same("tasks", &(provider.mode == ResponseMode::Task), &dialect.tasks().is_some());
    d.same("streaming", &provider.field(FieldRole::Stream).is_some(), &dialect.streaming().is_some());
    let lists_models = provider.routes.iter().any(|route| route.name == RouteName::Models);
    d.same("catalog", &lists_models, &dialect.catalog().is_some());
    for site in &descriptor.sites {
        let known = provider.base_urls.iter().skip(1).any(|url| *url == *site.base_url);
        d.holds(known, || format!("the base URL of {}, {}, is not documented", site.name, site.base_url));
        for id in &site.models {
            d.holds(provider.model(id.as_str()).is_some(), || {
                format!("{} takes {id}, which is not documented", site.name)
            });
        }
    }
    d.into_result()
}

fn sizes(d: &mut Differences, provider: &ProviderFacts, model: &ModelFacts, rules: &Capabilities) {
    let (said, claimed) = (&model.size, &rules.size);
    // A provider writes its tiers as it likes, `2k` or `2K`; the law `encode` compares how they are sent.
    let words = |words: &[String]| words.iter().map(|word| word.to_uppercase()).collect::<Vec<_>>();
    let tiers = |tiers: &[Tier]| tiers.iter().map(ToString::to_string).collect::<Vec<_>>();
    d.same("size.tiers", &words(&said.tiers), &tiers(&claimed.tiers));
    d.same("size.qualities", &words(&said.qualities), &tiers(&claimed.qualities));
    d.same("size.ratios", &said.ratios, &claimed.ratios.iter().map(ToString::to_string).collect());
    d.same("size.auto", &said.auto, &claimed.auto);
    let default = said.default.as_ref().unwrap_or(&said.default_pixels);
    let same = claimed.default.as_ref().is_some_and(|claimed| claimed.eq_ignore_ascii_case(default));
    d.holds(same, || format!("size.default: expected {default}, saw {:?}", claimed.default));
    let sides = |p: &seedream_fixtures::PixelBounds| p.side.map(|side| (side.min, side.max));
    let bounds = said.pixels.map(|p| (p.min.unwrap_or(1), p.max, p.aspect.map(|aspect| aspect.max as u32), sides(&p)));
    d.same("size.pixels", &bounds, &claimed.pixels.map(|p| (p.min, p.max, p.max_aspect, p.side)));
    let Some(table) = said.table.as_ref().and_then(|name| provider.size_tables.get(name)) else { return };
    for row in &claimed.table {
        let expected = table.pixels(row.tier.as_str(), &row.ratio.to_string());
        d.same(&format!("size table {} {}", row.tier, row.ratio), &expected, &Some(row.pixels.to_string().as_str()));
    }
}

fn images(d: &mut Differences, provider: &ProviderFacts, model: &ModelFacts, rules: &Capabilities) {
    let claimed = &rules.references;
    match &model.references {
        None => d.same("references.max", &Some(0), &claimed.max),
        Some(said) => {
            d.same("references.max", &Some(said.max), &claimed.max);
            d.same("references.max_bytes", &said.max_bytes, &claimed.max_bytes);
            d.same("references.max_pixels", &said.max_pixels, &claimed.pixels.and_then(|p| p.max));
            d.same("references.longer_than", &said.longer_than, &claimed.side_above);
            d.same(
                "references.formats",
                &said.formats,
                &claimed.media_types.iter().map(|t| t.replace("image/", "")).collect(),
            );
            let url_only = provider.field(FieldRole::References).is_some_and(|field| field.url_only);
            d.same("references.inline", &!url_only, &claimed.inline);
        }
    }
    d.same("max_images", &Some(model.max_images), &rules.images.max.or(rules.images.advised_max));
    let total = model.references_plus_images.as_ref().map(|total| (total.limit, total.action == TotalAction::Truncate));
    d.same(
        "references_plus_images",
        &total,
        &rules.images.with_references.as_ref().map(|total| (total.limit, total.truncates)),
    );
    let longest = provider.field(FieldRole::Prompt).and_then(|field| field.max_length);
    d.same("prompt", &longest, &rules.prompt.advised_chars.map(|chars| chars as u64));
}

/// Members without a field. An adapter that claims nothing of them is judged by what it refuses.
fn special(d: &mut Differences, provider: &ProviderFacts, model: &ModelFacts, rules: &Capabilities) {
    if let Some(claimed) = &rules.background {
        let member = provider.field(FieldRole::Background).filter(|member| !model.refuses(&member.name));
        let said = member.map(|member| values(model, member)).unwrap_or_default();
        d.same("background", &said, &claimed.values.iter().map(ToString::to_string).collect());
    }
    if let Some(claimed) = &rules.layers {
        let member = provider.field(FieldRole::Layers).filter(|member| !model.refuses(&member.name));
        d.same("layers", &member.and(model.layers).unwrap_or(0), &claimed.most);
    }
    // The cost of layers is never understated, whether the adapter has a rule for them or not.
    if let Some(layers) = provider.field(FieldRole::Layers).and(model.layers) {
        let request = ImageRequest::new(model.id.as_str(), "take it apart")
            .reference(ImageSource::url("https://example.com/poster.png"))
            .extra("layer_decomposition", true);
        let counted = rules.check(&request, Strictness::Lenient).map(|checked| checked.ceiling());
        d.holds(counted.as_ref().is_ok_and(|counted| *counted > layers), || {
            format!("images of a request for layers: at least {}, saw {counted:?}", layers + 1)
        });
    }
}

fn optional(d: &mut Differences, provider: &ProviderFacts, model: &ModelFacts, rules: &Capabilities, field: Field) {
    let Some(member) = role(field).and_then(|role| provider.field(role)) else {
        // `output_format` is the one field that a gateway knows by name and ignores.
        let ignored = field == Field::Format && provider.ignored.iter().any(|name| name == "output_format");
        d.same(&format!("{field}"), &ignored.then_some(Support::Ignored), &rules.field(field).map(|rule| rule.support));
        return;
    };
    let claimed = rules.field(field);
    let named =
        |list: &[String]| list.iter().any(|name| *name == member.name || member.name.starts_with(&format!("{name}.")));
    if named(&model.refused) {
        // Having no member for what would be refused is as good as refusing it.
        let refuses = claimed.is_none_or(|rule| rule.support == Support::Refused);
        d.holds(refuses, || format!("{field}: the model refuses `{}`, the adapter sends it", member.name));
        return;
    }
    let expected = if named(&model.ignored) { Support::Ignored } else { Support::Honoured };
    d.same(&field.to_string(), &Some(expected), &claimed.map(|rule| rule.support));
    let Some(claimed) = claimed else { return };
    if expected == Support::Honoured && member.values.iter().any(Value::is_string) {
        d.same(
            &format!("{field} values"),
            &values(model, member),
            &claimed.values.iter().map(ToString::to_string).collect(),
        );
    }
    d.same(&format!("{field} range"), &member.min.zip(member.max), &claimed.range);
    if let Some(default) = claimed.default.as_ref().filter(|_| field == Field::Format) {
        d.same("format default", &Some(model.default_format.as_str()), &default.as_str());
    }
}

/// The values a member takes on a model.
fn values(model: &ModelFacts, member: &Member) -> BTreeSet<String> {
    let values = model.values.get(&member.name).unwrap_or(&member.values);
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
