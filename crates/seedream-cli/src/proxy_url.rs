//! The URL of a proxy, which may hold a password.

use std::fmt;

/// A proxy. Its password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProxyUrl(pub(crate) String);

impl ProxyUrl {
    /// Whether it has a password, or a user name, which may be a token.
    pub(crate) fn is_secret(&self) -> bool {
        self.0.contains('@')
    }
}

impl fmt::Display for ProxyUrl {
    /// Without the user name and the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address).trim_end_matches('/');
        if scheme.is_empty() { f.write_str(address) } else { write!(f, "{scheme}://{address}") }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
