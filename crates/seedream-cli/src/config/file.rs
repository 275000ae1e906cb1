//! Reads a configuration file: that of the user, or that of a project.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    io::Read as _,
    ops::Range,
    path::Path,
};

use seedream::seedream_client::{Endpoint, ReqwestTransport, bare_key};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    layer::{Found, KeySource, Layer, Origin, ProviderLayer},
    location, project_out,
};
use crate::{failure::Failure, nearest::nearest, provider_selection::environment, proxy_url::ProxyUrl};

/// The most bytes of a file.
const LARGEST: u64 = 1 << 20;

/// The keys that every file may have.
const SHARED: [&str; 5] = ["provider", "model", "size", "out", "name"];

/// The keys that only the user's file may have, at its top and in a profile.
const OF_USER: [&str; 3] = ["proxy", "ca_cert", "providers"];

/// The keys for one provider.
const OF_PROVIDER: [&str; 4] = ["model", "base_url", "key", "key_command"];

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The person who runs the program.
    User,
    /// The author of the folder in which the program runs.
    Project,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    pub(super) layer: Layer,
    pub(super) profiles: BTreeMap<String, Layer>,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Exit::Usage`](crate::exit::Exit::Usage) with file and line: it is not TOML, has a key that is not known or not its own, a value
    /// that is not valid, or a secret that others can read.
    pub(super) fn read(path: &Path, owner: Owner) -> Result<Self, Failure> {
        let failed = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
        // Opening a pipe would wait for ever.
        if owner == Owner::Project && !path.is_file() {
            return Err(failed("it is not a file".to_owned()));
        }
        let file = File::open(path).map_err(|error| failed(format!("it cannot be read: {error}")))?;
        let metadata = file.metadata().map_err(|error| failed(format!("it cannot be read: {error}")))?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(format!("it cannot be read: {error}")))?;
        if bytes.len() as u64 > LARGEST {
            return Err(failed("it is larger than 1 MiB; name another file".to_owned()));
        }
        let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".to_owned()))?;
        Reader { path, text: &text, owner, metadata: &metadata, profile: None }.file()
    }
}

/// A file that is being read.
#[derive(Clone, Copy)]
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    owner: Owner,
    metadata: &'a Metadata,
    /// The profile that is being read.
    profile: Option<&'a str>,
}

impl Reader<'_> {
    fn file(&self) -> Result<ConfigFile, Failure> {
        // The message of the error itself would quote the line, which may hold a key.
        let parsed = DeTable::parse(self.text)
            .map_err(|error| self.refused(error.span().unwrap_or_default(), error.message()))?;
        let mut file = ConfigFile { layer: self.layer(parsed.get_ref())?, ..ConfigFile::default() };
        if let Some(profiles) = parsed.get_ref().get("profiles") {
            for (name, value) in self.table("profiles", profiles)? {
                let reader = Reader { profile: Some(name.get_ref()), ..*self };
                let layer = reader.layer(self.table(&format!("profiles.{}", name.get_ref()), value)?)?;
                file.profiles.insert(name.get_ref().to_string(), layer);
            }
        }
        Ok(file)
    }

    /// The settings at the top of a file, or of a profile.
    fn layer(&self, table: &DeTable<'_>) -> Result<Layer, Failure> {
        let mut known = SHARED.to_vec();
        if self.owner == Owner::User {
            known.extend(OF_USER);
            known.extend(self.profile.is_none().then_some("profiles"));
        }
        let mut layer = Layer::default();
        for (key, value) in table {
            let at = key.span();
            match key.get_ref().as_ref() {
                name if !known.contains(&name) => return Err(self.unknown(name, at, &known)),
                "provider" => layer.provider = Some(self.found(at, self.providers(value)?)),
                "model" => layer.model = Some(self.found(at, self.text("model", value)?.to_owned())),
                "size" => {
                    let size = self.text("size", value)?.parse();
                    layer.size = Some(self.found(at, size.map_err(|error| self.invalid("size", value, &error))?));
                }
                "out" => layer.out = Some(self.found(at, self.out(value)?)),
                "name" => {
                    let name = self.text("name", value)?.parse::<seedream::seedream_client::NameTemplate>();
                    let name = name.map_err(|error| self.invalid("name", value, &error.message()))?;
                    layer.name = Some(self.found(at, name));
                }
                "proxy" => layer.proxy = Some(self.found(at, self.proxy(value)?)),
                "ca_cert" => {
                    let folder = self.path.parent().unwrap_or(Path::new(""));
                    let path = location::user_path(self.text("ca_cert", value)?, folder, environment);
                    layer.ca_cert = Some(self.found(at, path));
                }
                "providers" => {
                    for (id, value) in self.table("providers", value)? {
                        let id_at = id.span();
                        let id = id.get_ref().as_ref();
                        seedream::dialect(id).map_err(|error| self.refused(id_at, &error.to_string()))?;
                        layer.providers.insert(id.to_owned(), self.provider(id, value)?);
                    }
                }
                // Read by the caller.
                _ => {}
            }
        }
        Ok(layer)
    }

    /// The settings for one provider.
    fn provider(&self, id: &str, value: &Spanned<DeValue<'_>>) -> Result<ProviderLayer, Failure> {
        let mut layer = ProviderLayer::default();
        for (key, value) in self.table(&format!("providers.{id}"), value)? {
            let at = key.span();
            match key.get_ref().as_ref() {
                "model" => layer.model = Some(self.found(at, self.text("model", value)?.to_owned())),
                "base_url" => {
                    let url = self.text("base_url", value)?;
                    let dialect = seedream::dialect(id)?;
                    Endpoint::of(&*dialect, url).map_err(|error| self.refused(at.clone(), error.message()))?;
                    layer.base_url = Some(self.found(at, url.to_owned()));
                }
                name @ ("key" | "key_command") if layer.key.is_some() => {
                    return Err(self.refused(at, &format!("`{name}`: there are a key and a key_command; keep one")));
                }
                "key" => {
                    let key = self.text("key", value)?;
                    if bare_key(key).is_empty() {
                        return Err(self.refused(at, "`key` contains no key, only blanks, quotes or `Bearer`"));
                    }
                    self.must_be_private("key", at.clone())?;
                    layer.key = Some(self.found(at, KeySource::Text(key.to_owned())));
                }
                "key_command" => {
                    let form =
                        "write the program and its arguments, such as key_command = [\"pass\", \"show\", \"ark\"]";
                    let words =
                        value.get_ref().as_array().map(|words| words.iter().map(|word| word.get_ref().as_str()));
                    let words: Option<Vec<String>> = words.and_then(|mut words| {
                        words.try_fold(Vec::new(), |mut all, word| {
                            all.push(word?.to_owned());
                            Some(all)
                        })
                    });
                    let words = words.filter(|words| words.first().is_some_and(|program| !program.trim().is_empty()));
                    let words = words.ok_or_else(|| self.refused(value.span(), &format!("`key_command`: {form}")))?;
                    self.must_be_ours(at.clone())?;
                    layer.key = Some(self.found(at, KeySource::Command(words)));
                }
                name => return Err(self.unknown(name, at, &OF_PROVIDER)),
            }
        }
        Ok(layer)
    }

    fn providers(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Failure> {
        let ids: Vec<String> = match value.get_ref() {
            DeValue::Array(ids) => {
                ids.iter().map(|id| self.text("provider", id).map(str::to_owned)).collect::<Result<_, _>>()?
            }
            _ => vec![self.text("provider", value)?.to_owned()],
        };
        for id in ids.iter().filter(|id| *id != "all") {
            seedream::dialect(id).map_err(|error| self.refused(value.span(), &format!("`provider`: {error}")))?;
        }
        if ids.is_empty() {
            return Err(self.refused(value.span(), "`provider` is empty; name a provider, or leave it out"));
        }
        Ok(ids)
    }

    fn out(&self, value: &Spanned<DeValue<'_>>) -> Result<std::path::PathBuf, Failure> {
        let text = self.text("out", value)?;
        match self.owner {
            // A relative one is below the current folder, as that of --out.
            Owner::User => Ok(location::user_path(text, Path::new(""), environment)),
            Owner::Project => {
                let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let below = project_out::below(folder.unwrap_or(Path::new(".")), text);
                below.map_err(|reason| self.refused(value.span(), &reason))
            }
        }
    }

    fn proxy(&self, value: &Spanned<DeValue<'_>>) -> Result<ProxyUrl, Failure> {
        let url = self.text("proxy", value)?;
        ReqwestTransport::with_proxy(url)
            .map_err(|error| self.refused(value.span(), &format!("`proxy`: {}", error.message())))?;
        let proxy = ProxyUrl(url.to_owned());
        if proxy.is_secret() {
            self.must_be_private("proxy with a password", value.span())?;
        }
        Ok(proxy)
    }

    fn found<T>(&self, at: Range<usize>, value: T) -> Found<T> {
        let (path, profile) = (self.path.to_owned(), self.profile.map(str::to_owned));
        Found { value, origin: Origin::File { path, line: self.line(&at), profile } }
    }

    /// The text of a value, which is not blank.
    fn text<'v>(&self, key: &str, value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, Failure> {
        let kind = value.get_ref().type_str();
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| {
            self.refused(
                value.span(),
                &format!("`{key}` is of the type {kind}; write a text in quotes, such as {key} = \"…\""),
            )
        })?;
        if text.trim().is_empty() {
            return Err(self.refused(value.span(), &format!("`{key}` is empty; write a value, or leave it out")));
        }
        Ok(text)
    }

    fn table<'v, 't>(&self, key: &str, value: &'v Spanned<DeValue<'t>>) -> Result<&'v DeTable<'t>, Failure> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.refused(value.span(), &format!("`{key}` is not a table; write [{key}]")))
    }

    /// # Errors
    /// Others can read the file.
    fn must_be_private(&self, what: &str, at: Range<usize>) -> Result<(), Failure> {
        if mode(self.metadata) & 0o077 == 0 {
            return Ok(());
        }
        let shown = self.path.display();
        let message = format!(
            "a {what} is refused in a file that others can read: run chmod 600 {shown}, and take another key if it is shared; or use key_command"
        );
        Err(self.refused(at, &message))
    }

    /// # Errors
    /// Others can write the file, and so choose what is run.
    fn must_be_ours(&self, at: Range<usize>) -> Result<(), Failure> {
        if mode(self.metadata) & 0o022 == 0 {
            return Ok(());
        }
        let shown = self.path.display();
        let message = format!("`key_command` is refused in a file that others can write: run chmod 600 {shown}");
        Err(self.refused(at, &message))
    }

    fn unknown(&self, key: &str, at: Range<usize>, known: &[&str]) -> Failure {
        let of_user = OF_USER.iter().chain(&OF_PROVIDER).chain(&["profiles"]);
        if self.owner == Owner::Project && of_user.into_iter().any(|other| *other == key) {
            let reason = "a project file can come from another person, so it cannot run commands or select where keys and requests go";
            let message = format!("`{key}` is refused here: {reason}; move it to your own file, or use a flag");
            return self.refused(at, &message);
        }
        let near = nearest(key, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let near = near.unwrap_or_default();
        self.refused(at, &format!("the key `{key}` is not known; {near}the keys are {}", known.join(", ")))
    }

    fn invalid(&self, key: &str, value: &Spanned<DeValue<'_>>, error: &dyn std::fmt::Display) -> Failure {
        self.refused(value.span(), &format!("`{key}`: {error}"))
    }

    fn refused(&self, at: Range<usize>, message: &str) -> Failure {
        Failure::usage(format!("{}:{}: {message}", self.path.display(), self.line(&at)))
    }

    fn line(&self, at: &Range<usize>) -> usize {
        1 + self.text.bytes().take(at.start).filter(|byte| *byte == b'\n').count()
    }
}

/// The permissions of a file.
#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

/// A folder for applications on Windows belongs to one user.
#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o600
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
