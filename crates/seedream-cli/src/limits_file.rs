//! `--limits`: a file that overrides the built-in models and limits.

use seedream::ClientBuilder;
use seedream::seedream_core::Overrides;

use crate::{args::ProviderArgs, failure::Failure};

impl ProviderArgs {
    /// Reads the file, if one is given.
    ///
    /// # Errors
    /// The file cannot be read, is not valid, or names an unknown provider.
    pub(crate) fn overrides(&self) -> Result<Option<Overrides>, Failure> {
        let Some(path) = &self.limits else { return Ok(None) };
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("--limits {name}: {error}")))?;
        let overrides = Overrides::from_json(name.as_str(), &text)
            .map_err(|error| Failure::usage(format!("--limits {}", error.message())))?;
        for provider in overrides.providers() {
            seedream::dialect(provider).map_err(|error| Failure::usage(format!("--limits {name}: {error}")))?;
        }
        Ok(Some(overrides))
    }
}

/// Applies the overrides to a client builder.
pub(crate) fn limited(builder: ClientBuilder, overrides: &Option<Overrides>) -> ClientBuilder {
    match overrides {
        Some(overrides) => builder.overrides(overrides.clone()),
        None => builder,
    }
}
