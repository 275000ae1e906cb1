//! `--limits`: models and limits of the user's own.

use seedream::ClientBuilder;
use seedream::seedream_core::Overrides;

use crate::{args::ProviderArgs, exit::Failure};

impl ProviderArgs {
    /// The user's own rules, if a file is named.
    ///
    /// # Errors
    /// The file cannot be read, has another form, or names a provider that there is not.
    pub(crate) fn overrides(&self) -> Result<Option<Overrides>, Failure> {
        let Some(path) = &self.limits else { return Ok(None) };
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("--limits {name}: {error}")))?;
        let overrides = Overrides::from_json(name.as_str(), &text)?;
        for provider in overrides.providers() {
            seedream::dialect(provider).map_err(|error| Failure::usage(format!("--limits {name}: {error}")))?;
        }
        Ok(Some(overrides))
    }
}

/// Puts them into a builder.
pub(crate) fn limited(builder: ClientBuilder, overrides: &Option<Overrides>) -> ClientBuilder {
    match overrides {
        Some(overrides) => builder.overrides(overrides.clone()),
        None => builder,
    }
}
