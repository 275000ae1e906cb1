//! The settings of a run: every source in its order.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use seedream::seedream_client::{NameTemplate, ReqwestTransport};
use seedream::seedream_core::{Descriptor, Error};
use seedream::{ClientBuilder, ModelId, Size};

use super::{
    file::{ConfigFile, Owner},
    key_command,
    layer::{Found, KeySource, Layer, Origin},
    location,
    variables::variables,
};
use crate::{
    args::{ConnectionArgs, ProviderArgs, RequestOptions, SaveArgs},
    console::Console,
    failure::Failure,
    nearest::nearest,
    provider_selection::environment,
    proxy_url::ProxyUrl,
};

/// The settings of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(Arc<Sources>);

#[derive(Debug, Default)]
struct Sources {
    /// Those that come first are preferred.
    layers: Vec<Layer>,
    /// The file of the user, whether or not it exists.
    user_file: Option<PathBuf>,
    project_file: Option<PathBuf>,
    /// What the commands printed that ran, by provider.
    keys: Mutex<BTreeMap<String, String>>,
}

impl Settings {
    /// Reads the environment and the files.
    ///
    /// # Errors
    /// A file or a variable is not valid, or there is no such profile.
    pub(crate) fn load(args: &ConnectionArgs) -> Result<Self, Failure> {
        Self::with(Layer::default(), args)
    }

    /// As [`Settings::load`], with flags that stand before all.
    pub(crate) fn with(mut flags: Layer, args: &ConnectionArgs) -> Result<Self, Failure> {
        let ConnectionArgs { proxy, ca_cert, config_profile } = args;
        flags.proxy = flag("--proxy", proxy.clone());
        if let Some(found) = &flags.proxy {
            ReqwestTransport::with_proxy(&found.value.0).map_err(|error| about(found, &error))?;
        }
        flags.ca_cert = flag("--ca-cert", ca_cert.clone());
        let user_file = location::user_file(environment)?;
        let folder = std::env::current_dir().ok();
        let project_file = folder.as_deref().and_then(location::project_file);
        if let (Some(file), Some(folder)) = (&project_file, &folder) {
            location::check_owner(file, folder)?;
        }
        // Relative to the current folder where it is in it, as a person writes it.
        let project_file = project_file.map(|file| match folder {
            Some(folder) if file.parent() == Some(&folder) => location::PROJECT_FILE.into(),
            _ => file,
        });
        let user = user_file.as_deref().filter(|path| path.exists()).map(|path| ConfigFile::read(path, Owner::User));
        let user = user.transpose()?.unwrap_or_default();
        let project = project_file.as_deref().map(|path| ConfigFile::read(path, Owner::Project)).transpose()?;
        let profile = profile(config_profile.as_deref(), &user, user_file.as_deref())?;
        let layers = vec![flags, variables()?, profile, project.unwrap_or_default().layer, user.layer];
        Ok(Self(Arc::new(Sources { layers, user_file, project_file, keys: Mutex::default() })))
    }

    /// The files that count, and whether each exists.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, bool)> {
        let files = self.0.project_file.iter().chain(&self.0.user_file);
        files.map(|file| (file.as_path(), file.exists()))
    }

    /// The first source that has a value.
    fn first<T>(&self, of: impl Fn(&Layer) -> Option<&Found<T>>) -> Option<&Found<T>> {
        self.0.layers.iter().find_map(of)
    }

    /// The providers.
    pub(crate) fn provider(&self) -> Option<&Found<Vec<String>>> {
        self.first(|layer| layer.provider.as_ref())
    }

    /// The size.
    pub(crate) fn size(&self) -> Option<&Found<Size>> {
        self.first(|layer| layer.size.as_ref())
    }

    /// The output folder or bucket.
    pub(crate) fn out(&self) -> Option<&Found<PathBuf>> {
        self.first(|layer| layer.out.as_ref())
    }

    /// The names of images.
    pub(crate) fn name(&self) -> Option<&Found<NameTemplate>> {
        self.first(|layer| layer.name.as_ref())
    }

    /// The model at a provider, in each source the provider's own before that for all; without a provider that for all.
    pub(crate) fn model(&self, provider: Option<&str>) -> Option<&Found<String>> {
        let own =
            |layer: &'_ Layer| provider.and_then(|id| layer.providers.get(id)).is_some_and(|own| own.model.is_some());
        let layer = self.0.layers.iter().find(|layer| own(layer) || layer.model.is_some())?;
        let of_provider = provider.and_then(|id| layer.providers.get(id)?.model.as_ref());
        of_provider.or(layer.model.as_ref())
    }

    /// The proxy that is set. One of the environment is left to the transport, which has one for each scheme.
    fn proxy_set(&self) -> Option<&Found<ProxyUrl>> {
        self.proxy().filter(|found| !matches!(found.origin, Origin::Variable(_)))
    }

    /// The proxy, also that of the environment.
    pub(crate) fn proxy(&self) -> Option<&Found<ProxyUrl>> {
        self.first(|layer| layer.proxy.as_ref())
    }

    /// The file of CA certificates.
    pub(crate) fn ca_cert(&self) -> Option<&Found<PathBuf>> {
        self.first(|layer| layer.ca_cert.as_ref())
    }

    /// The base URL of a provider in a file.
    pub(crate) fn base_url(&self, provider: &str) -> Option<&Found<String>> {
        self.first(|layer| layer.providers.get(provider)?.base_url.as_ref())
    }

    /// The key of a provider in a file.
    pub(crate) fn key(&self, provider: &str) -> Option<&Found<KeySource>> {
        self.first(|layer| layer.providers.get(provider)?.key.as_ref())
    }

    /// A variable of the environment, or what the files say in its place. Call [`Settings::run_key_command`] before a key is read.
    pub(crate) fn lookup(&self, name: &str) -> Option<String> {
        let set = environment(name).filter(|value| !value.trim().is_empty());
        set.or_else(|| match self.in_place_of(name)? {
            InPlace::BaseUrl(url) => Some(url),
            InPlace::Key(_, KeySource::Text(key)) => Some(key),
            InPlace::Key(provider, KeySource::Command(_)) => self.keys().get(&provider).cloned(),
        })
    }

    /// As [`Settings::lookup`], for a look whether a value is there: a key that a command prints stands as a word.
    pub(crate) fn presence(&self, name: &str) -> Option<String> {
        let set = environment(name).filter(|value| !value.trim().is_empty());
        set.or_else(|| match self.in_place_of(name)? {
            InPlace::BaseUrl(url) => Some(url),
            InPlace::Key(..) => Some("set".to_owned()),
        })
    }

    /// Runs the command that prints the key of a provider, once, unless the environment has a key.
    ///
    /// # Errors
    /// It brings no key.
    pub(crate) fn run_key_command(&self, descriptor: &Descriptor) -> Result<(), Failure> {
        let id = descriptor.id.as_str();
        let is_set = |name: &str| environment(name).is_some_and(|value| !value.trim().is_empty());
        let Some(Found { value: KeySource::Command(command), origin }) = self.key(id) else { return Ok(()) };
        if descriptor.key_variables.iter().any(|name| is_set(name)) || self.keys().contains_key(id) {
            return Ok(());
        }
        let key = key_command::run(command, key_command::TIME_LIMIT)
            .map_err(|reason| Failure::usage(format!("{origin}: key_command: {reason}; nothing was sent")))?;
        self.keys().insert(id.to_owned(), key);
        Ok(())
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the files say in the place of a variable. Of several variables for one thing it is the last: all of them are preferred.
    fn in_place_of(&self, name: &str) -> Option<InPlace> {
        seedream::dialects().iter().find_map(|dialect| {
            let Descriptor { id, key_variables, base_url_variables, .. } = dialect.descriptor();
            if base_url_variables.last().is_some_and(|last| last == name) {
                return self.base_url(id).map(|found| InPlace::BaseUrl(found.value.clone()));
            }
            let is_key = key_variables.last().is_some_and(|last| last == name);
            is_key.then(|| self.key(id)).flatten().map(|found| InPlace::Key(id.to_string(), found.value.clone()))
        })
    }

    /// A client builder with the proxy and the CA certificates.
    ///
    /// # Errors
    /// The certificates cannot be read, or the proxy is not valid.
    pub(crate) fn connect(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
        if let Some(found) = self.proxy_set() {
            builder = builder.proxy(&found.value.0).map_err(|error| about(found, &error))?;
        }
        if let Some((found, pem)) = self.certificates()? {
            builder = builder.ca_certificates(&pem).map_err(|error| about(found, &error))?;
        }
        Ok(builder)
    }

    /// A transport with the proxy and the CA certificates.
    ///
    /// # Errors
    /// As [`Settings::connect`].
    pub(crate) fn transport(&self) -> Result<ReqwestTransport, Failure> {
        let transport = match self.proxy_set() {
            Some(found) => ReqwestTransport::with_proxy(&found.value.0).map_err(|error| about(found, &error))?,
            None => ReqwestTransport::new(),
        };
        match self.certificates()? {
            Some((found, pem)) => transport.trusting(&pem).map_err(|error| about(found, &error)),
            None => Ok(transport),
        }
    }

    /// The CA certificates that are trusted besides the platform's.
    fn certificates(&self) -> Result<Option<PemFile<'_>>, Failure> {
        let Some(found) = self.ca_cert() else { return Ok(None) };
        // Elsewhere the platform's own certificates come from this file already, and an http:// mock needs none.
        let is_read_by_platform = !cfg!(any(windows, target_vendor = "apple"));
        if is_read_by_platform && matches!(found.origin, Origin::Variable(_)) {
            return Ok(None);
        }
        let pem = fs::read(&found.value).map_err(|error| {
            let path = found.value.display();
            Failure::usage(format!(
                "{}: {path} cannot be read: {error}; name a PEM file; nothing was sent",
                found.origin
            ))
        })?;
        Ok(Some((found, pem)))
    }

    /// Fills in what the flags of a request leave open. The model is left to each provider.
    pub(crate) fn fill_request(&self, options: &mut RequestOptions) {
        if options.size.is_none() && options.tier.is_none() {
            options.size = self.size().map(|found| found.value);
        }
    }

    /// Fills in the providers.
    pub(crate) fn fill_providers(&self, args: &mut ProviderArgs) {
        if args.ids.is_empty() {
            args.ids = self.provider().map(|found| found.value.clone()).unwrap_or_default();
        }
    }

    /// Fills in where images go.
    pub(crate) fn fill_out(&self, save: &mut SaveArgs) {
        if !save.names_out() {
            save.set_out(self.out().map(|found| found.value.clone()));
        }
    }

    /// Fills in what images are called in the folder where they go.
    pub(crate) fn fill_name(&self, save: &mut SaveArgs) {
        // Objects in a bucket have names of their own.
        if save.name.is_none() && save.out_url().is_none() {
            save.name = self.name().map(|found| found.value.clone());
        }
    }

    /// The model that a provider is asked for where the request names none.
    pub(crate) fn default_model(&self, provider: &str) -> Option<ModelId> {
        self.model(Some(provider)).map(|found| found.value.as_str().into())
    }

    /// Prints which settings of a request come from the project's file, which may be another person's.
    pub(crate) fn tell_of_project(&self, console: &Console) {
        let of_project =
            |origin: &Origin| matches!(origin, Origin::File { path, .. } if self.0.project_file.as_ref() == Some(path));
        let told = self.chosen().into_iter().filter(|(_, _, origin)| of_project(origin));
        let told: Vec<_> = told.map(|(name, value, _)| format!("{name} {value}")).collect();
        if let (Some(file), false) = (&self.0.project_file, told.is_empty()) {
            console.note(&format!("from {}: {}", file.display(), told.join(", ")));
        }
    }

    /// Where the settings of a request come from that no flag sets, for a request that is refused.
    pub(crate) fn origins(&self) -> Option<String> {
        let set = self.chosen().into_iter().filter(|(_, _, origin)| !matches!(origin, Origin::Flag(_)));
        let all: Vec<_> = set.map(|(name, value, origin)| format!("{name} {value} ({origin})")).collect();
        (!all.is_empty())
            .then(|| format!("settings that no flag sets: {}; see them with: seedream config show", all.join(", ")))
    }

    /// The settings of a request that some source has: name, value and source.
    fn chosen(&self) -> Vec<(&'static str, String, &Origin)> {
        let mut all = Vec::new();
        all.extend(self.provider().map(|found| ("provider", found.value.join(","), &found.origin)));
        all.extend(self.model(None).map(|found| ("model", found.value.clone(), &found.origin)));
        all.extend(self.size().map(|found| ("size", found.value.to_string(), &found.origin)));
        all.extend(self.out().map(|found| ("out", found.value.display().to_string(), &found.origin)));
        all.extend(self.name().map(|found| ("name", found.value.to_string(), &found.origin)));
        all
    }
}

/// Where a file of CA certificates is, and what it holds.
type PemFile<'a> = (&'a Found<PathBuf>, Vec<u8>);

/// What stands in the place of a variable.
enum InPlace {
    BaseUrl(String),
    Key(String, KeySource),
}

/// A value of a flag.
pub(super) fn flag<T>(name: &'static str, value: Option<T>) -> Option<Found<T>> {
    value.map(|value| Found { value, origin: Origin::Flag(name) })
}

fn about<T>(found: &Found<T>, error: &Error) -> Failure {
    Failure::usage(format!("{}: {}; nothing was sent", found.origin, error.message()))
}

/// The profile that the flag or the variable names.
fn profile(flag: Option<&str>, user: &ConfigFile, file: Option<&Path>) -> Result<Layer, Failure> {
    const VARIABLE: &str = "SEEDREAM_CONFIG_PROFILE";
    let variable = environment(VARIABLE).filter(|name| !name.trim().is_empty());
    let Some((source, name)) =
        flag.map(|name| ("--config-profile", name)).or_else(|| Some((VARIABLE, variable.as_deref()?)))
    else {
        return Ok(Layer::default());
    };
    user.profiles.get(name).cloned().ok_or_else(|| {
        let file = file.map_or_else(|| "config.toml".to_owned(), |file| file.display().to_string());
        let names: Vec<_> = user.profiles.keys().map(String::as_str).collect();
        let near = nearest(name, names.iter().copied()).map(|near| format!(": did you mean `{near}`?"));
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let near = near.unwrap_or_default();
        Failure::usage(format!(
            "{source} {name}: there is no table [profiles.{name}] in {file}, which has {known}{near}"
        ))
    })
}
