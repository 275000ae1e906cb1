//! `seedream config show`: each setting, and where it comes from.

use seedream::seedream_core::Descriptor;
use serde::Serialize;

use super::{
    layer::{Found, KeySource, Layer},
    settings::{Settings, flag},
};
use crate::{
    args::ConfigShowArgs,
    console::Console,
    exit::Exit,
    failure::Failure,
    provider_selection::environment,
    proxy_url::ProxyUrl,
    table::{Table, cell},
};

/// A setting as it is printed.
#[derive(Debug, Serialize)]
struct Shown {
    setting: String,
    /// `null` where nothing sets it and it has no default; `set` for a key, which is never printed.
    value: Option<String>,
    /// A flag, a variable, a file with its line, or `default`.
    from: String,
}

#[derive(Debug, Serialize)]
struct ShownFile {
    path: String,
    exists: bool,
}

#[derive(Debug, Serialize)]
struct ShownConfig {
    settings: Vec<Shown>,
    files: Vec<ShownFile>,
}

/// Prints the settings.
///
/// # Errors
/// A file or a variable is not valid.
pub(crate) fn show(args: &ConfigShowArgs, console: &Console) -> Result<Exit, Failure> {
    let flags = Layer {
        provider: flag("--provider", (!args.providers.is_empty()).then(|| args.providers.clone())),
        model: flag("--model", args.model.clone()),
        size: flag("--size", args.size),
        out: flag("--out", args.out.clone()),
        name: flag("--name", args.name.clone()),
        ..Layer::default()
    };
    let settings = Settings::with(flags, &args.connection)?;
    let mut shown = vec![
        Shown::of("provider", settings.provider(), |ids| ids.join(","), None),
        Shown::of("model", settings.model(None), String::clone, None),
        Shown::of("size", settings.size(), ToString::to_string, None),
        Shown::of("out", settings.out(), |path| path.display().to_string(), Some("out")),
        Shown::of("name", settings.name(), ToString::to_string, Some("{provider}-{index}")),
        Shown::of("proxy", settings.proxy(), ToString::to_string, None),
        Shown::of("ca_cert", settings.ca_cert(), |path| path.display().to_string(), None),
    ];
    for dialect in seedream::dialects() {
        shown.extend(of_provider(dialect.descriptor(), &settings));
    }
    let files = settings.files().map(|(path, exists)| ShownFile { path: path.display().to_string(), exists });
    let config = ShownConfig { settings: shown, files: files.collect() };
    if args.json {
        console.json(&config)?;
    } else {
        console.data(&config.text())?;
    }
    Ok(Exit::Ok)
}

/// The settings of a provider.
fn of_provider(descriptor: &Descriptor, settings: &Settings) -> [Shown; 3] {
    let Descriptor { id, key_variables, base_url_variables, base_urls, default_model, .. } = descriptor;
    let named = |setting: &str| format!("providers.{id}.{setting}");
    let variable = |names: &[std::borrow::Cow<'static, str>]| {
        let is_set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        names.iter().find_map(|name| Some((is_set(name)?, name.to_string())))
    };
    let base_url = match variable(base_url_variables) {
        Some((url, name)) => Shown { setting: named("base_url"), value: Some(without_secret(&url)), from: name },
        None => {
            let default = base_urls.first().map(AsRef::as_ref);
            Shown::of(&named("base_url"), settings.base_url(id), |url| without_secret(url), default)
        }
    };
    let key = match variable(key_variables) {
        Some((_, name)) => Shown { setting: named("key"), value: Some("set".to_owned()), from: name },
        None => {
            let word = |source: &KeySource| match source {
                KeySource::Text(_) => "set".to_owned(),
                KeySource::Command(_) => "set by key_command".to_owned(),
            };
            let unset = Shown::of(&named("key"), settings.key(id), word, None);
            let from =
                if unset.value.is_some() { unset.from } else { format!("not set: {}", key_variables.join(" or ")) };
            Shown { from, ..unset }
        }
    };
    let model = Shown::of(&named("model"), settings.model(Some(id)), String::clone, Some(default_model.as_str()));
    [base_url, key, model]
}

/// A URL without a user name and a password, in front of which an address stands in some.
fn without_secret(url: &str) -> String {
    ProxyUrl(url.split(['?', '#']).next().unwrap_or_default().to_owned()).to_string()
}

impl Shown {
    fn of<T>(setting: &str, found: Option<&Found<T>>, text: impl Fn(&T) -> String, default: Option<&str>) -> Self {
        let setting = setting.to_owned();
        match found {
            Some(found) => Self { setting, value: Some(text(&found.value)), from: found.origin.to_string() },
            None => Self { setting, value: default.map(str::to_owned), from: "default".to_owned() },
        }
    }
}

impl ShownConfig {
    fn text(&self) -> String {
        let mut table = Table::new(&["SETTING", "VALUE", "FROM"]);
        for Shown { setting, value, from } in &self.settings {
            table.row(vec![setting.clone(), cell(value.as_deref().unwrap_or_default()), from.clone()]);
        }
        let mut text = table.to_string();
        for ShownFile { path, exists } in &self.files {
            text.push_str(&format!("file: {path}{}\n", if *exists { "" } else { " (does not exist)" }));
        }
        text
    }
}
