//! Who is asked, where, and with which key.

use std::{borrow::Cow, sync::Arc};

use seedream::seedream_client::Endpoint;
use seedream::seedream_core::{Descriptor, Dialect};
use seedream::{Client, ClientBuilder};
use seedream_mock::{MockServer, MockServerBuilder};

use crate::{
    args::ProviderArgs,
    exit::{Exit, Failure},
    output::Console,
};

/// What the embedded mock is asked with: any key will do there.
const FAKE_KEY: &str = "embedded-mock";

/// The URL of a mock as somebody pasted it, without a slash at its end.
///
/// # Errors
/// [`Exit::Usage`] where it is none; `what` says where it stands.
pub(crate) fn mock_url(what: &str, pasted: &str, console: &Console) -> Result<String, Failure> {
    let place = Endpoint::new(pasted).map_err(|error| Failure::usage(format!("{what}: {}", error.message())))?;
    for warning in place.warnings() {
        console.note(&format!("warning: {what}: {warning}"));
    }
    Ok(place.base_url().to_owned())
}

/// Reads a variable of the environment.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where requests go.
#[derive(Debug)]
pub(crate) enum Station {
    /// To the providers' own places, or to those that the environment names.
    Own,
    /// To one place that the user named.
    Url(String),
    /// To a mock in this process.
    Mock(MockServer),
}

impl Station {
    /// Opens the place that the flags name; a mock is announced.
    ///
    /// # Errors
    /// The mock cannot bind a port, or the base URL is blank: a variable that is not set must not lead to the provider itself.
    pub(crate) async fn open(
        mock: Option<MockServerBuilder>,
        base_url: Option<&str>,
        console: &Console,
    ) -> Result<Self, Failure> {
        if base_url.is_some_and(|url| url.trim().is_empty()) {
            return Err(Failure::usage("--base-url is empty"));
        }
        let Some(mock) = mock else {
            return Ok(base_url.map_or(Self::Own, |url| Self::Url(url.to_owned())));
        };
        let mock = mock.start().await;
        let mock = mock.map_err(|error| Failure::other(format!("the mock cannot start: {error}")))?;
        let url = mock.url();
        console
            .note(&format!("mock: everything goes to the embedded mock at {url}; nothing is bought, no key is used"));
        Ok(Self::Mock(mock))
    }

    /// Whether it is the embedded mock.
    pub(crate) fn is_mock(&self) -> bool {
        matches!(self, Self::Mock(_))
    }

    /// The base URL that the user named.
    pub(crate) fn named_url(&self) -> Option<&str> {
        if let Self::Url(url) = self { Some(url) } else { None }
    }

    /// The builder of a client for a provider there, with its key.
    ///
    /// # Errors
    /// There is no key for it.
    pub(crate) fn client(&self, dialect: &Arc<dyn Dialect>) -> Result<ClientBuilder, Failure> {
        let id = &dialect.descriptor().id;
        let with_key = |url: Option<&str>| {
            let is_url = |name: &str| dialect.descriptor().base_url_variables.iter().any(|variable| variable == name);
            let lookup = |name: &str| url.filter(|_| is_url(name)).map(str::to_owned).or_else(|| environment(name));
            seedream::from_lookup(id, lookup)
                .map_err(|error| Failure::usage(format!("{error}, or try it without a key with --mock")))
        };
        match self {
            Self::Own => with_key(None),
            Self::Url(url) => with_key(Some(url)),
            Self::Mock(mock) => {
                let base = mock.base_url(id);
                let base = base.ok_or_else(|| Failure::other(format!("the mock does not know {id}")))?;
                Ok(Client::builder(dialect.clone()).base_url(base).key(FAKE_KEY))
            }
        }
    }
}

/// The providers that are named, each once, in the order in which they are named; none where none is.
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

/// The providers that a run asks, all of which have a key: those that are named, all with the mock, else the one that has a key.
///
/// # Errors
/// [`Exit::Usage`] with the variables and the choices.
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
            // A relay that is named by its base URL may need none.
            let relay = descriptor.key_optional && !named.is_empty() && args.base_url.is_some();
            relay || has_key(descriptor, &lookup)
        });
    let chosen = match (named.is_empty(), with_key.len(), without.is_empty()) {
        (true, 1, _) | (false, _, true) => with_key,
        (true, 0, _) => return Err(no_key("there is no key and no --provider", &without, &[])),
        (true, _, _) => {
            let ids = ids(&with_key);
            let message = format!(
                "several providers have a key: choose with --provider {ids}, or ask them all with --provider all"
            );
            return Err(Failure { exit: Exit::Usage, message });
        }
        (false, _, false) => return Err(no_key("there is no key", &without, &with_key)),
    };
    one_place(args, &chosen)?;
    Ok(chosen)
}

/// A base URL is that of one provider.
pub(crate) fn one_place(args: &ProviderArgs, chosen: &[Arc<dyn Dialect>]) -> Result<(), Failure> {
    if args.base_url.is_some() && chosen.len() > 1 {
        return Err(Failure::usage("--base-url is the place of one provider: name it with --provider"));
    }
    Ok(())
}

/// The base URL of a provider that needs no key yet: the one that the user named, else that of the environment.
pub(crate) fn base_url(
    args: &ProviderArgs,
    descriptor: &Descriptor,
    lookup: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    args.base_url.clone().or_else(|| first(&descriptor.base_url_variables, lookup))
}

/// Whether the environment holds what a provider needs: a key, or the base URL of a relay that needs none.
pub(crate) fn has_key(descriptor: &Descriptor, lookup: impl Fn(&str) -> Option<String>) -> bool {
    first(&descriptor.key_variables, &lookup).is_some()
        || (descriptor.key_optional && first(&descriptor.base_url_variables, &lookup).is_some())
}

fn first(names: &[Cow<'static, str>], lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
    names.iter().find_map(|name| lookup(name).filter(|value| !value.trim().is_empty()))
}

fn no_key(problem: &str, without: &[Arc<dyn Dialect>], with_key: &[Arc<dyn Dialect>]) -> Failure {
    let mut message = format!("{problem}; set");
    let several = without.len() > 1;
    for dialect in without {
        let descriptor = dialect.descriptor();
        let names = descriptor.key_variables.join(" or ");
        let line = if several { format!("\n  {names} for {}", descriptor.id) } else { format!(" {names}") };
        message.push_str(&line);
    }
    message.push_str(if several { "\n" } else { ", " });
    if !with_key.is_empty() {
        message.push_str(&format!("or ask only those that have one with --provider {}, ", ids(with_key)));
    }
    message.push_str("or try it without a key with --mock");
    Failure::usage(message)
}

fn ids(dialects: &[Arc<dyn Dialect>]) -> String {
    dialects.iter().map(|dialect| dialect.descriptor().id.as_str()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(ids: &[&str], mock: bool, base_url: Option<&str>) -> ProviderArgs {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        ProviderArgs { ids, mock, base_url: base_url.map(str::to_owned), limits: None }
    }

    fn chosen(args: &ProviderArgs, keys: &[&str]) -> Result<String, String> {
        let lookup = |name: &str| keys.contains(&name).then(|| "k".to_owned());
        choose(args, lookup).map(|chosen| ids(&chosen)).map_err(|failure| {
            assert_eq!(failure.exit, Exit::Usage);
            failure.message
        })
    }

    #[test]
    fn the_one_provider_with_a_key_is_asked() {
        assert_eq!(chosen(&args(&[], false, None), &["AIO_API_KEY"]).unwrap(), "aiearth");
        assert_eq!(chosen(&args(&[], false, Some("http://a")), &["ARK_API_KEY"]).unwrap(), "ark");
        assert_eq!(chosen(&args(&["ark", "ark"], false, None), &["ARK_API_KEY", "OPEAI_API_KEY"]).unwrap(), "ark");
    }

    #[test]
    fn with_the_mock_nobody_needs_a_key() {
        assert_eq!(chosen(&args(&[], true, None), &[]).unwrap(), "gogogotoken,aiearth,evolink,ark,opeai");
        assert_eq!(chosen(&args(&["opeai", "ark"], true, None), &[]).unwrap(), "opeai,ark");
    }

    #[test]
    fn whoever_cannot_choose_names_the_choices() {
        let keys = ["ARK_API_KEY", "OPEAI_API_KEY"];
        insta::assert_snapshot!(chosen(&args(&[], false, None), &keys).unwrap_err(), @"several providers have a key: choose with --provider ark,opeai, or ask them all with --provider all");
        insta::assert_snapshot!(chosen(&args(&[], false, None), &[]).unwrap_err(), @r"
        there is no key and no --provider; set
          GOGOGOTOKEN_API_KEY for gogogotoken
          AIEARTH_API_KEY or AIO_API_KEY for aiearth
          EVOLINK_API_KEY for evolink
          ARK_API_KEY for ark
          OPEAI_API_KEY for opeai
        or try it without a key with --mock
        ");
        insta::assert_snapshot!(chosen(&args(&["evolink"], false, None), &keys).unwrap_err(), @"there is no key; set EVOLINK_API_KEY, or try it without a key with --mock");
        insta::assert_snapshot!(chosen(&args(&["aiearth", "ark"], false, None), &keys).unwrap_err(), @"there is no key; set AIEARTH_API_KEY or AIO_API_KEY, or ask only those that have one with --provider ark, or try it without a key with --mock");
        insta::assert_snapshot!(chosen(&args(&["ark", "opeai"], false, Some("http://a")), &keys).unwrap_err(), @"--base-url is the place of one provider: name it with --provider");
    }
}
