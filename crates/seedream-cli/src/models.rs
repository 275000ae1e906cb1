//! `seedream models`: the models of the providers.

use std::{borrow::Cow, sync::Arc};

use futures_util::future::join_all;
use seedream::seedream_core::{Capabilities, Dialect, Family, Price, ProviderId, Site, SizeRule, Source, SourceKind};
use seedream::{Client, ImageProvider as _, ModelId};
use seedream_mock::MockServer;
use serde::Serialize;

use crate::{
    args::{ModelsArgs, ProviderArgs},
    config::Settings,
    console::Console,
    destination::Destination,
    exit::Exit,
    failure::Failure,
    limits_file::limited,
    provider_selection,
    table::{Table, cell},
};

/// The output of `--json`. Capabilities have the form of `capabilities.schema.json`.
#[derive(Serialize)]
struct Models {
    models: Vec<ListedModel>,
    /// Other sites that accept these ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sites: Vec<ListedSite>,
}

/// A site that an adapter reaches with another base URL.
#[derive(Serialize)]
struct ListedSite {
    provider: ProviderId,
    /// The variable that sets the base URL.
    variable: Option<Cow<'static, str>>,
    #[serde(flatten)]
    site: Site,
}

#[derive(Serialize)]
struct ListedModel {
    id: ModelId,
    family: Option<Family>,
    aliases: Vec<ModelId>,
    source: Source,
    capabilities: Capabilities,
}

/// Lists the built-in models, or with `--live` those that the providers return.
///
/// # Errors
/// No provider can be used.
pub(crate) async fn models(args: &ModelsArgs, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    let (models, sites, exit) = if args.live {
        let (models, exit) = live(&args.provider, settings, console).await?;
        (models, Vec::new(), exit)
    } else {
        let (models, sites) = built_in(&args.provider)?;
        (models, sites, Exit::Ok)
    };
    if args.json {
        console.json(&Models { models, sites })?;
    } else {
        let sites: String = sites.iter().map(ListedSite::text).collect();
        console.data(&format!("{}{sites}", table(&models)))?;
    }
    Ok(exit)
}

fn built_in(args: &ProviderArgs) -> Result<(Vec<ListedModel>, Vec<ListedSite>), Failure> {
    let named = provider_selection::named(args)?;
    let dialects = if named.is_empty() { seedream::dialects() } else { named };
    let overrides = args.overrides()?;
    let (mut models, mut sites) = (Vec::new(), Vec::new());
    for dialect in &dialects {
        sites.extend(ListedSite::all(&**dialect));
        let client = limited(Client::builder(dialect.clone()), &overrides).build()?;
        let descriptor = dialect.descriptor();
        for entry in &descriptor.models {
            models.push(ListedModel {
                id: entry.id.clone(),
                family: Some(entry.family),
                aliases: entry.aliases.clone(),
                source: entry.source.clone(),
                capabilities: client.capabilities(&entry.id),
            });
        }
        let added = overrides.iter().flat_map(|overrides| overrides.models(&descriptor.id));
        for (id, family) in added.filter(|(id, _)| descriptor.models.iter().all(|entry| entry.id != *id)) {
            let file = args.limits.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
            let (source, capabilities) = (Source::overridden(file), client.capabilities(&id));
            models.push(ListedModel { id, family: Some(family), aliases: Vec::new(), source, capabilities });
        }
    }
    Ok((models, sites))
}

/// Fetches the list of each provider that has one: those in `--provider`, else those with a key.
async fn live(
    args: &ProviderArgs,
    settings: &Settings,
    console: &Console,
) -> Result<(Vec<ListedModel>, Exit), Failure> {
    let listed = |dialect: &Arc<dyn Dialect>| dialect.catalog().is_some();
    let named = provider_selection::named(args)?;
    let mut dialects = named.clone();
    if named.is_empty() {
        let has_key = |dialect: &Arc<dyn Dialect>| {
            args.mock || provider_selection::has_key(dialect.descriptor(), |name| settings.presence(name))
        };
        dialects = seedream::dialects().into_iter().filter(|dialect| listed(dialect) && has_key(dialect)).collect();
        if dialects.is_empty() {
            let with_list = seedream::dialects().into_iter().filter(listed);
            let keys: Vec<_> = with_list.map(|dialect| dialect.descriptor().key_variables.join(" or ")).collect();
            let message =
                format!("no key is set for a provider with a list of models: set {}, or use --mock", keys.join(" or "));
            return Err(Failure::usage(message));
        }
    }
    provider_selection::check_base_url(args, &dialects)?;
    let overrides = args.overrides()?;
    let destination =
        Destination::open(args.mock.then(MockServer::builder), args.base_url.as_deref(), settings, console).await?;
    let mut clients = Vec::new();
    for dialect in &dialects {
        if named.len() > 1 && !listed(dialect) {
            console.note(&format!("{}: skipped: this provider has no list of models", dialect.descriptor().id));
            continue;
        }
        let client = limited(destination.client(dialect)?, &overrides).build()?;
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
            Ok(infos) => models.extend(infos.iter().map(|info| listed_model(client, &info.id))),
            Err(error) => {
                console.note(&format!("error: {error}"));
                exits.push(Exit::of(&error));
            }
        }
    }
    Ok((models, Exit::of_several(exits)))
}

fn listed_model(client: &Client, id: &ModelId) -> ListedModel {
    let mut source = Source::documented_by(format!("GET {}/models", client.base_url()), "");
    source.kind = SourceKind::Observed;
    let capabilities = client.capabilities(id);
    ListedModel { id: id.clone(), family: id.family(), aliases: Vec::new(), source, capabilities }
}

impl ListedSite {
    fn all(dialect: &dyn Dialect) -> impl Iterator<Item = Self> {
        let descriptor = dialect.descriptor();
        let (provider, variable) = (&descriptor.id, descriptor.base_url_variables.first());
        descriptor.sites.iter().map(move |site| Self {
            provider: provider.clone(),
            variable: variable.cloned(),
            site: site.clone(),
        })
    }

    fn text(&self) -> String {
        let Self { provider, variable, site } = self;
        let base_url = match variable {
            Some(variable) => format!("{variable}={}", site.base_url),
            None => format!("--base-url {}", site.base_url),
        };
        let models: Vec<_> = site.models.iter().map(ModelId::as_str).collect();
        format!("\n{provider} at {}, {base_url}: --model {}", site.name, models.join(", "))
    }
}

/// The allowed sizes in short form. Tiers that stand alone and tiers of a ratio are listed together.
fn sizes(rule: &SizeRule) -> String {
    let mut tiers: Vec<_> = rule.tiers.iter().chain(&rule.qualities).copied().collect();
    tiers.sort();
    tiers.dedup();
    let mut parts: Vec<_> = tiers.iter().map(ToString::to_string).collect();
    if !rule.ratios.is_empty() {
        parts.push("ratios".to_owned());
    }
    if rule.auto {
        parts.push("auto".to_owned());
    }
    if let Some(rule) = &rule.pixels {
        let max = rule.max.map(|max| format!("..{max}")).unwrap_or_else(|| "..".to_owned());
        parts.push(match rule.side {
            Some((least, most)) => format!("WxH, each {least}..{most}"),
            None => format!("WxH {}{max}", rule.min),
        });
    }
    parts.join(" ")
}

/// The price of an image, or the range of prices.
fn price(price: &Price) -> String {
    let amounts = || price.images.iter().map(|image| &image.amount);
    let (least, most) = (amounts().min_by_key(|amount| amount.micros), amounts().max_by_key(|amount| amount.micros));
    match (least, most) {
        (Some(least), Some(most)) if least != most => {
            let least = least.to_string();
            format!("{}..{most}", least.split(' ').next().unwrap_or_default())
        }
        (Some(one), _) => one.to_string(),
        _ => String::new(),
    }
}

fn table(models: &[ListedModel]) -> String {
    let mut table = Table::new(&["PROVIDER", "MODEL", "FAMILY", "SIZES (pixels)", "REFS", "IMAGES", "PRICE", "SOURCE"]);
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    for ListedModel { id, family, source, capabilities, .. } in models {
        let Capabilities { images, references, .. } = capabilities;
        let source = if source.kind == SourceKind::Observed { source.document.to_string() } else { source.to_string() };
        table.row(vec![
            capabilities.provider.to_string(),
            cell(id.as_str()),
            cell(family.map(Family::canonical).unwrap_or_default()),
            cell(sizes(&capabilities.size)),
            number(references.max),
            number(images.max.or(images.advised_max)),
            cell(capabilities.price.as_ref().map(price).unwrap_or_default()),
            cell(source),
        ]);
    }
    table.to_string()
}
