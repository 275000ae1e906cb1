//! The README of each adapter states the capabilities that the adapter has.

use std::{fs, path::Path};

use seedream::dialects;
use seedream_core::{Capabilities, Dialect, Family, SizeRule, Support};

fn sizes(rule: &SizeRule) -> String {
    let tiers = rule.tiers.iter().chain(&rule.qualities).map(ToString::to_string);
    let ratios = (!rule.ratios.is_empty()).then(|| "ratios".to_owned());
    let auto = rule.auto.then(|| "auto".to_owned());
    let pixels = rule.pixels.map(|rule| match (rule.side, rule.max) {
        (Some((least, most)), _) => format!("{least} to {most} pixels per side"),
        (None, Some(max)) => format!("{} to {max} pixels", rule.min),
        (None, None) => format!("{} pixels and more", rule.min),
    });
    tiers.chain(ratios).chain(auto).chain(pixels).collect::<Vec<_>>().join(", ")
}

fn row(model: &str, family: Family, rules: &Capabilities) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "not stated".to_owned(), |number| number.to_string());
    let fields: Vec<_> = rules
        .fields
        .iter()
        .filter(|rule| rule.support == Support::Honoured)
        .map(|rule| format!("`{}`", rule.field))
        .collect();
    let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    let images = number(rules.images.max.or(rules.images.advised_max));
    format!(
        "| `{model}` | {family} | {} | {} | {images} | {fields} |",
        sizes(&rules.size),
        number(rules.references.max)
    )
}

fn table(dialect: &dyn Dialect) -> String {
    let models = &dialect.descriptor().models;
    let rows = models.iter().map(|entry| row(entry.id.as_str(), entry.family, &dialect.capabilities(&entry.id)));
    let head = ["| Model | Family | Sizes | References | Images | Optional fields |", "|---|---|---|---|---|---|"];
    head.into_iter().map(str::to_owned).chain(rows).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_readme_has_the_table_of_its_adapter() {
    for dialect in dialects() {
        let id = &dialect.descriptor().id;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the workspace");
        let readme = root.join(format!("crates/seedream-{id}/README.md"));
        let text = fs::read_to_string(&readme).expect("each adapter has a README");
        let table = table(&*dialect);
        assert!(text.contains(&table), "{} has to contain:\n{table}", readme.display());
    }
}
