//! `seedream models`: what the providers sell.

use std::sync::Arc;

use futures_util::future::join_all;
use seedream::{Capabilities, Client, Dialect, ImageProvider as _, ModelId, PixelRule, SizeRule, Source};
use seedream_mock::MockServer;
use serde::Serialize;

use crate::{
    args::{ModelsArgs, ProviderArgs},
    exit::{Exit, Failure},
    keys::{self, Station},
    limits::limited,
    output::Console,
    table::{Table, cell},
};

#[derive(Serialize)]
struct Models {
    models: Vec<Model>,
    /// Where else these ids are taken; absent where nowhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sites: Vec<Site>,
}

/// Another seller that an adapter reaches under another base URL.
#[derive(Serialize)]
struct Site {
    provider: &'static str,
    name: &'static str,
    base_url: &'static str,
    /// The variable that sets it.
    variable: Option<&'static str>,
    models: &'static [&'static str],
    source: String,
}

#[derive(Serialize)]
struct Model {
    provider: &'static str,
    id: String,
    canonical: Option<&'static str>,
    aliases: Vec<String>,
    sizes: Sizes,
    max_references: Option<u32>,
    max_images: Option<u32>,
    source: String,
}

/// What may be sent as a size.
#[derive(Serialize)]
struct Sizes {
    tiers: Vec<String>,
    ratios: Vec<String>,
    auto: bool,
    pixels: Option<PixelRule>,
    default: Option<String>,
}

/// Lists the models, from the documents or from the providers themselves.
///
/// # Errors
/// There is nobody to ask.
pub(crate) async fn models(args: &ModelsArgs, console: &Console) -> Result<Exit, Failure> {
    let (models, sites, exit) = if args.live {
        let (models, exit) = live(&args.provider, console).await?;
        (models, Vec::new(), exit)
    } else {
        let (models, sites) = documented(&args.provider)?;
        (models, sites, Exit::Ok)
    };
    if args.json {
        console.json(&Models { models, sites })?;
    } else {
        let sites: String = sites.iter().map(Site::text).collect();
        console.data(&format!("{}{sites}", table(&models)))?;
    }
    Ok(exit)
}

fn documented(args: &ProviderArgs) -> Result<(Vec<Model>, Vec<Site>), Failure> {
    let named = keys::named(args)?;
    let dialects = if named.is_empty() { seedream::dialects() } else { named };
    let overrides = args.overrides()?;
    let (mut models, mut sites) = (Vec::new(), Vec::new());
    for dialect in &dialects {
        sites.extend(Site::all(&**dialect));
        let client = limited(Client::builder(dialect.clone()), &overrides).build()?;
        for entry in dialect.descriptor().models {
            let rules = client.capabilities(&entry.id.into());
            let aliases = entry.aliases.iter().map(ToString::to_string).collect();
            models.push(Model::new(&rules, entry.id.to_owned(), aliases, entry.source.to_string()));
        }
        let added = overrides.iter().flat_map(|overrides| overrides.models(dialect.descriptor().id));
        for (id, family) in added.filter(|(id, _)| dialect.descriptor().models.iter().all(|m| m.id != id.as_str())) {
            let rules = client.capabilities(&id);
            let source = args.limits.as_ref().map(|file| Source::overridden(file.display().to_string()).to_string());
            let mut model = Model::new(&rules, id.to_string(), Vec::new(), source.unwrap_or_default());
            model.canonical = Some(family.canonical());
            models.push(model);
        }
    }
    Ok((models, sites))
}

/// Asks every provider that is named and has a list; without names, every one that has a list and a key.
async fn live(args: &ProviderArgs, console: &Console) -> Result<(Vec<Model>, Exit), Failure> {
    let listed = |dialect: &Arc<dyn Dialect>| dialect.catalog().is_some();
    let named = keys::named(args)?;
    let mut dialects = named.clone();
    if named.is_empty() {
        let has_key = |dialect: &Arc<dyn Dialect>| args.mock || keys::has_key(dialect.descriptor(), keys::environment);
        dialects = seedream::dialects().into_iter().filter(|dialect| listed(dialect) && has_key(dialect)).collect();
        if dialects.is_empty() {
            let with_list = seedream::dialects().into_iter().filter(listed);
            let keys: Vec<_> = with_list.map(|dialect| dialect.descriptor().key_variables.join(" or ")).collect();
            let message =
                format!("no provider with a list has a key: set {}, or try it with --mock", keys.join(" or "));
            return Err(Failure::usage(message));
        }
    }
    keys::one_place(args, &dialects)?;
    let overrides = args.overrides()?;
    let station = Station::open(args.mock.then(MockServer::builder), args.base_url.as_deref(), console).await?;
    let mut clients = Vec::new();
    for dialect in &dialects {
        if named.len() > 1 && !listed(dialect) {
            console.note(&format!("{}: this provider has no list of models", dialect.descriptor().id));
            continue;
        }
        let client = limited(station.client(dialect)?, &overrides).build()?;
        for warning in client.warnings() {
            console.note(&format!("warning: {}: {warning}", dialect.descriptor().id));
        }
        clients.push(client);
    }
    let (mut models, mut exits) = (Vec::new(), Vec::new());
    for (client, response) in
        join_all(clients.iter().map(|client| async move { (client, client.models().await) })).await
    {
        match response {
            Ok(infos) => models.extend(infos.iter().map(|info| of_list(client, &info.id))),
            Err(error) => {
                console.note(&format!("error: {error}"));
                exits.push(Exit::of(&error));
            }
        }
    }
    Ok((models, Exit::of_several(exits)))
}

fn of_list(client: &Client, id: &ModelId) -> Model {
    let rules = client.capabilities(id);
    Model::new(&rules, id.to_string(), Vec::new(), format!("GET {}/models", client.base_url()))
}

impl Site {
    fn all(dialect: &dyn Dialect) -> impl Iterator<Item = Self> {
        let descriptor = dialect.descriptor();
        let variable = descriptor.base_url_variables.first().copied();
        dialect.sites().iter().map(move |site| Self {
            provider: descriptor.id,
            name: site.name,
            base_url: site.base_url,
            variable,
            models: site.models,
            source: site.source.to_string(),
        })
    }

    fn text(&self) -> String {
        let base_url = match self.variable {
            Some(variable) => format!("{variable}={}", self.base_url),
            None => format!("--base-url {}", self.base_url),
        };
        format!("\n{} at {}, {base_url}: --model {}", self.provider, self.name, self.models.join(", "))
    }
}

impl Model {
    fn new(rules: &Capabilities, id: String, aliases: Vec<String>, source: String) -> Self {
        let canonical = ModelId::new(&id).family().map(seedream::Family::canonical);
        Self {
            provider: rules.provider,
            id,
            canonical,
            aliases,
            sizes: Sizes::of(&rules.size),
            max_references: rules.references.max,
            max_images: rules.images.max.or(rules.images.advised_max),
            source,
        }
    }
}

impl Sizes {
    fn of(rule: &SizeRule) -> Self {
        // A level may be a value of its own or go with a ratio; a user writes both in the same way.
        let mut tiers: Vec<_> = rule.tiers.iter().chain(&rule.qualities).copied().collect();
        tiers.sort();
        tiers.dedup();
        Self {
            tiers: tiers.iter().map(ToString::to_string).collect(),
            ratios: rule.ratios.iter().map(ToString::to_string).collect(),
            auto: rule.auto,
            pixels: rule.pixels,
            default: rule.default.clone(),
        }
    }

    fn text(&self) -> String {
        let mut parts = self.tiers.clone();
        if !self.ratios.is_empty() {
            parts.push("ratios".to_owned());
        }
        if self.auto {
            parts.push("auto".to_owned());
        }
        if let Some(rule) = &self.pixels {
            let max = rule.max.map(|max| format!("..{max}")).unwrap_or_else(|| "..".to_owned());
            parts.push(match rule.side {
                Some((least, most)) => format!("WxH, each {least}..{most}"),
                None => format!("WxH {}{max}", rule.min),
            });
        }
        parts.join(" ")
    }
}

fn table(models: &[Model]) -> String {
    let mut table = Table::new(&["PROVIDER", "MODEL", "FAMILY", "SIZES (pixels)", "REFS", "IMAGES", "SOURCE"]);
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    for model in models {
        table.row(vec![
            model.provider.to_owned(),
            cell(&model.id),
            cell(model.canonical.unwrap_or_default()),
            cell(model.sizes.text()),
            number(model.max_references),
            number(model.max_images),
            cell(&model.source),
        ]);
    }
    table.to_string()
}
