//! The registry of providers: one line each.

use std::sync::Arc;

use seedream_core::{Dialect, Error, ErrorKind, Result};

/// All enabled providers.
pub fn dialects() -> Vec<Arc<dyn Dialect>> {
    vec![
        #[cfg(feature = "gogogotoken")]
        Arc::new(seedream_gogogotoken::Gogogotoken),
        #[cfg(feature = "aiearth")]
        Arc::new(seedream_aiearth::Aiearth),
        #[cfg(feature = "evolink")]
        Arc::new(seedream_evolink::Evolink),
        #[cfg(feature = "ark")]
        Arc::new(seedream_ark::Ark),
        #[cfg(feature = "opeai")]
        Arc::new(seedream_opeai::Opeai),
    ]
}

/// The provider of that id.
///
/// # Errors
/// [`ErrorKind::UnknownProvider`]; the message lists the ids.
pub fn dialect(id: &str) -> Result<Arc<dyn Dialect>> {
    let all = dialects();
    all.iter().find(|dialect| dialect.descriptor().id == id).cloned().ok_or_else(|| {
        let ids: Vec<_> = all.iter().map(|dialect| dialect.descriptor().id.as_str()).collect();
        Error::new(ErrorKind::UnknownProvider, format!("there is no provider `{id}`: use {}", ids.join(", ")))
    })
}
