//! Selects the providers of a run by flags and keys.

use std::{borrow::Cow, sync::Arc};

use seedream::seedream_core::{Descriptor, Dialect};

use crate::{args::ProviderArgs, exit::Exit, failure::Failure};

/// Reads an environment variable.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The providers in `--provider`, each once and in that order.
pub(crate) fn named(args: &ProviderArgs) -> Result<Vec<Arc<dyn Dialect>>, Failure> {
    if args.ids.iter().any(|id| id == "all") {
        return Ok(seedream::dialects());
    }
    let mut chosen: Vec<Arc<dyn Dialect>> = Vec::new();
    for id in &args.ids {
        let dialect = seedream::dialect(id)?;
        if chosen.iter().all(|other| other.descriptor().id != dialect.descriptor().id) {
            chosen.push(dialect);
        }
    }
    Ok(chosen)
}

/// The providers of a run: those in `--provider`; without it, all with the mock, else the one whose key is set.
///
/// # Errors
/// [`Exit::Usage`] if a key is missing or several providers have one; the message lists the variables or the providers.
pub(crate) fn choose(
    args: &ProviderArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Arc<dyn Dialect>>, Failure> {
    let named = named(args)?;
    if args.mock {
        return Ok(if named.is_empty() { seedream::dialects() } else { named });
    }
    let (with_key, without): (Vec<_>, Vec<_>) =
        if named.is_empty() { seedream::dialects() } else { named.clone() }.into_iter().partition(|dialect| {
            let descriptor = dialect.descriptor();
            // A relay at `--base-url` may need no key.
            let relay = descriptor.key_optional && !named.is_empty() && args.base_url.is_some();
            relay || has_key(descriptor, &lookup)
        });
    let chosen = match (named.is_empty(), with_key.len(), without.is_empty()) {
        (true, 1, _) | (false, _, true) => with_key,
        (true, 0, _) => return Err(no_key("no API key is set: set one of", &without, &[])),
        (true, _, _) => {
            let ids = ids(&with_key);
            let message = format!("several providers have a key: select one or more with --provider {ids}");
            return Err(Failure { exit: Exit::Usage, message });
        }
        (false, _, false) => return Err(no_key("no API key is set: set", &without, &with_key)),
    };
    check_base_url(args, &chosen)?;
    Ok(chosen)
}

/// The providers of a plan: those in `--provider`; without it, those whose key is set, and all where none is.
///
/// # Errors
/// [`Exit::Usage`] if `--base-url` is used with several.
pub(crate) fn to_plan(
    args: &ProviderArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Arc<dyn Dialect>>, Failure> {
    let mut chosen = named(args)?;
    if chosen.is_empty() {
        chosen = seedream::dialects();
        chosen.retain(|dialect| has_key(dialect.descriptor(), &lookup));
    }
    if chosen.is_empty() {
        chosen = seedream::dialects();
    }
    check_base_url(args, &chosen)?;
    Ok(chosen)
}

/// Checks that `--base-url` is used with one provider only.
pub(crate) fn check_base_url(args: &ProviderArgs, chosen: &[Arc<dyn Dialect>]) -> Result<(), Failure> {
    if args.base_url.is_some() && chosen.len() > 1 {
        return Err(Failure::usage("--base-url applies to one provider: select it with --provider"));
    }
    Ok(())
}

/// The base URL of a provider from the flag or the environment.
pub(crate) fn base_url(
    args: &ProviderArgs,
    descriptor: &Descriptor,
    lookup: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    args.base_url.clone().or_else(|| first(&descriptor.base_url_variables, lookup))
}

/// Whether the environment has a key for a provider, or the base URL of a relay that needs none.
pub(crate) fn has_key(descriptor: &Descriptor, lookup: impl Fn(&str) -> Option<String>) -> bool {
    first(&descriptor.key_variables, &lookup).is_some()
        || (descriptor.key_optional && first(&descriptor.base_url_variables, &lookup).is_some())
}

fn first(names: &[Cow<'static, str>], lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
    names.iter().find_map(|name| lookup(name).filter(|value| !value.trim().is_empty()))
}

fn no_key(problem: &str, without: &[Arc<dyn Dialect>], with_key: &[Arc<dyn Dialect>]) -> Failure {
    let mut message = problem.to_owned();
    let several = without.len() > 1;
    for dialect in without {
        let descriptor = dialect.descriptor();
        let names = descriptor.key_variables.join(" or ");
        let line = if several { format!("\n  {names} for {}", descriptor.id) } else { format!(" {names}") };
        message.push_str(&line);
    }
    message.push_str(if several { "\n" } else { ", " });
    if !with_key.is_empty() {
        message.push_str(&format!("or use only the providers with a key, --provider {}, ", ids(with_key)));
    }
    message.push_str("or use --mock, which needs no key");
    Failure::usage(message)
}

fn ids(dialects: &[Arc<dyn Dialect>]) -> String {
    dialects.iter().map(|dialect| dialect.descriptor().id.as_str()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ConnectionArgs;

    fn args(ids: &[&str], mock: bool, base_url: Option<&str>) -> ProviderArgs {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        ProviderArgs {
            ids,
            mock,
            base_url: base_url.map(str::to_owned),
            limits: None,
            connection: ConnectionArgs::default(),
        }
    }

    fn chosen(args: &ProviderArgs, keys: &[&str]) -> Result<String, String> {
        let lookup = |name: &str| keys.contains(&name).then(|| "k".to_owned());
        choose(args, lookup).map(|chosen| ids(&chosen)).map_err(|failure| {
            assert_eq!(failure.exit, Exit::Usage);
            failure.message
        })
    }

    #[test]
    fn the_only_provider_with_a_key_is_selected() {
        assert_eq!(chosen(&args(&[], false, None), &["AIO_API_KEY"]).unwrap(), "aiearth");
        assert_eq!(chosen(&args(&[], false, Some("http://a")), &["ARK_API_KEY"]).unwrap(), "ark");
        assert_eq!(chosen(&args(&["ark", "ark"], false, None), &["ARK_API_KEY", "OPEAI_API_KEY"]).unwrap(), "ark");
    }

    #[test]
    fn the_mock_needs_no_key() {
        let all: Vec<_> = seedream::dialects().iter().map(|dialect| dialect.descriptor().id.to_string()).collect();
        assert_eq!(chosen(&args(&[], true, None), &[]).unwrap(), all.join(","));
        assert_eq!(chosen(&args(&["opeai", "ark"], true, None), &[]).unwrap(), "opeai,ark");
    }

    #[test]
    fn an_ambiguous_selection_lists_the_providers_and_variables() {
        let keys = ["ARK_API_KEY", "OPEAI_API_KEY"];
        insta::assert_snapshot!(chosen(&args(&[], false, None), &keys).unwrap_err(), @"several providers have a key: select one or more with --provider ark,opeai");
        let none = chosen(&args(&[], false, None), &[]).unwrap_err();
        assert!(none.starts_with("no API key is set: set one of\n  "), "{none}");
        assert!(none.ends_with("\nor use --mock, which needs no key"), "{none}");
        for line in ["AIEARTH_API_KEY or AIO_API_KEY for aiearth", "ARK_API_KEY for ark"] {
            assert!(none.lines().any(|each| each.trim() == line), "{none}");
        }
        assert_eq!(none.lines().count(), seedream::dialects().len() + 2, "{none}");
        insta::assert_snapshot!(chosen(&args(&["evolink"], false, None), &keys).unwrap_err(), @"no API key is set: set EVOLINK_API_KEY, or use --mock, which needs no key");
        insta::assert_snapshot!(chosen(&args(&["aiearth", "ark"], false, None), &keys).unwrap_err(), @"no API key is set: set AIEARTH_API_KEY or AIO_API_KEY, or use only the providers with a key, --provider ark, or use --mock, which needs no key");
        insta::assert_snapshot!(chosen(&args(&["ark", "opeai"], false, Some("http://a")), &keys).unwrap_err(), @"--base-url applies to one provider: select it with --provider");
    }
}
