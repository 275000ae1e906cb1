//! `seedream doctor`: what keeps images from being generated, and what to do about it.

mod findings;
mod folder;
mod provider;

use std::sync::Arc;

use seedream::seedream_core::Dialect;

use findings::{Finding, Findings};

use crate::{
    args::{DoctorArgs, ProviderArgs},
    config::Settings,
    console::Console,
    destination::Destination,
    exit::Exit,
    failure::Failure,
    provider_selection,
};

/// Checks keys, endpoints, the way to them, the clock, the output folder and unfinished jobs.
///
/// # Errors
/// The arguments contradict each other, or standard output cannot be written. What is found is no error.
pub(crate) async fn doctor(args: &DoctorArgs, console: &Console) -> Result<Exit, Failure> {
    let mut findings = Findings::default();
    let settings = match Settings::load(&args.connection) {
        Ok(settings) => settings,
        Err(failure) => {
            findings.add(Finding::problem("configuration", None, &failure.message, "correct it, then run this again"));
            Settings::default()
        }
    };
    let mut provider = ProviderArgs {
        ids: args.providers.clone(),
        mock: false,
        base_url: args.base_url.clone(),
        limits: None,
        connection: args.connection.clone(),
    };
    settings.fill_providers(&mut provider);
    let chosen = chosen(&provider, &settings)?;
    provider_selection::check_base_url(&provider, &chosen)?;
    if chosen.is_empty() {
        let variables: Vec<_> =
            seedream::dialects().iter().flat_map(|dialect| dialect.descriptor().key_variables.clone()).collect();
        let remedy = format!("set one of {}, or a key_command in the configuration", variables.join(", "));
        findings.add(Finding::problem("key", None, "no provider has a key", &remedy));
    }
    let destination = Destination::open(None, args.base_url.as_deref(), &settings, console).await?;
    for dialect in &chosen {
        provider::check(dialect, &destination, &settings, &mut findings).await;
    }
    let out = args.out.clone().or_else(|| settings.out().map(|found| found.value.clone()));
    folder::check(&out.unwrap_or_else(|| "out".into()), &mut findings).await;
    if args.json {
        console.json(&findings)?;
    } else {
        console.data(&findings.text(console.width()))?;
    }
    Ok(if findings.is_ok() { Exit::Ok } else { Exit::Other })
}

/// The providers to check.
fn chosen(args: &ProviderArgs, settings: &Settings) -> Result<Vec<Arc<dyn Dialect>>, Failure> {
    let named = provider_selection::named(args)?;
    if !named.is_empty() {
        return Ok(named);
    }
    let has_key =
        |dialect: &Arc<dyn Dialect>| provider_selection::has_key(dialect.descriptor(), |name| settings.presence(name));
    Ok(seedream::dialects().into_iter().filter(has_key).collect())
}
