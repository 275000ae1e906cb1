//! Keys and base URLs from the environment.

use std::borrow::Cow;

use seedream_client::{Client, ClientBuilder, bare_key};
use seedream_core::{Error, ErrorKind, Result};

use crate::registry::dialect;

/// Creates a client of a provider, with key and base URL from the environment (such as `ARK_API_KEY` and `ARK_BASE_URL`).
///
/// # Errors
/// [`ErrorKind::UnknownProvider`] and [`ErrorKind::MissingKey`]; the message names the providers or the variable. Also the errors of
/// [`ClientBuilder::build`].
pub fn from_env(id: &str) -> Result<Client> {
    from_lookup(id, |name| std::env::var(name).ok())?.build()
}

/// Creates the builder of such a client, with variables from any source.
///
/// The builder receives both values unchanged: it corrects obvious paste errors and reports them in `Client::warnings`.
///
/// # Errors
/// As [`from_env`], without the errors of [`ClientBuilder::build`].
pub fn from_lookup(id: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<ClientBuilder> {
    let dialect = dialect(id)?;
    let descriptor = dialect.descriptor();
    let set = |name: &Cow<'static, str>| Some((name.clone(), lookup(name).filter(|value| !value.trim().is_empty())?));
    let first = |names: &[Cow<'static, str>]| names.iter().find_map(set);
    let (key, url) = (first(&descriptor.key_variables), first(&descriptor.base_url_variables));
    if key.is_none() && !(descriptor.key_optional && url.is_some()) {
        let names = descriptor.key_variables.join(" or ");
        return Err(
            Error::new(ErrorKind::MissingKey, format!("no API key is set: set {names}")).with_provider(&descriptor.id)
        );
    }
    let mut builder = Client::builder(dialect.clone());
    if let Some((name, key)) = key {
        if bare_key(&key).is_empty() {
            let message = format!("{name} contains no key, only blanks, quotes or `Bearer`: set it to the key");
            return Err(Error::new(ErrorKind::MissingKey, message).with_provider(&descriptor.id));
        }
        builder = builder.key(key);
    }
    if let Some((_, url)) = url {
        builder = builder.base_url(url);
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use seedream_client::ImageProvider as _;

    use super::*;

    #[test]
    fn the_first_variable_that_is_set_wins_and_blanks_do_not_count() {
        let lookup = |name: &str| match name {
            "AIEARTH_API_KEY" => Some("  ".to_owned()),
            "AIO_API_KEY" => Some("sk-test-key\n".to_owned()),
            "AIO_BASE_URL" => Some("https://api.aiearth.vip/v1".to_owned()),
            _ => None,
        };
        let client = from_lookup("aiearth", lookup).unwrap().build().unwrap();
        assert_eq!((client.descriptor().id.as_str(), client.base_url()), ("aiearth", "https://api.aiearth.vip/v1"));
    }

    #[test]
    fn what_was_pasted_around_a_value_is_left_out_and_told() {
        let lookup = |name: &str| match name {
            "EVOLINK_API_KEY" => Some("'Bearer sk-canary-1'".to_owned()),
            "EVOLINK_BASE_URL" => Some("127.0.0.1:8080/evolink/v1/images/generations".to_owned()),
            _ => None,
        };
        let client = from_lookup("evolink", lookup).unwrap().build().unwrap();
        assert_eq!(client.base_url(), "http://127.0.0.1:8080/evolink");
        let warnings: Vec<_> = client.warnings().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(warnings.join("\n"), @r"
        the base URL is read as http://127.0.0.1:8080/evolink: it names no scheme, so http is taken; /v1/images/generations at its end is added to every request and is cut off
        the key is used without the quotes, the blanks or the `Bearer ` that stand around it
        ");
    }

    #[test]
    fn a_variable_with_nothing_in_its_quotes_is_named() {
        for value in ["\"\"", "Bearer ", "'Bearer '"] {
            let lookup = |name: &str| (name == "AIO_API_KEY").then(|| value.to_owned());
            let error = from_lookup("aiearth", lookup).unwrap_err();
            assert!(
                error.kind() == ErrorKind::MissingKey && error.message().starts_with("AIO_API_KEY contains no key"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_relay_of_arks_form_needs_no_key_and_ark_itself_does() {
        let relay = |name: &str| (name == "ARK_BASE_URL").then(|| "https://relay.example/v1".to_owned());
        assert!(from_lookup("ark", relay).is_ok());
        assert!(from_lookup("ark", |_| None).is_err());
        let other = |name: &str| (name == "EVOLINK_BASE_URL").then(|| "https://relay.example".to_owned());
        assert!(from_lookup("evolink", other).is_err());
    }

    #[test]
    fn a_missing_key_and_a_missing_provider_are_named() {
        let missing = |id| from_lookup(id, |_| None).unwrap_err().to_string();
        insta::assert_snapshot!(missing("evolink"), @"evolink: no API key is set: set EVOLINK_API_KEY");
        insta::assert_snapshot!(missing("aiearth"), @"aiearth: no API key is set: set AIEARTH_API_KEY or AIO_API_KEY");
        let unknown = missing("openai");
        assert!(unknown.starts_with("there is no provider `openai`: use "), "{unknown}");
        assert!(
            crate::dialects().iter().all(|dialect| unknown.contains(dialect.descriptor().id.as_str())),
            "{unknown}"
        );
    }
}
