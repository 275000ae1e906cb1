//! The settings of one source, and where each stands.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use seedream::Size;
use seedream::seedream_client::NameTemplate;

use crate::proxy_url::ProxyUrl;

/// The settings of one source: the flags, the environment, a profile or a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    pub(crate) provider: Option<Found<Vec<String>>>,
    pub(crate) model: Option<Found<String>>,
    pub(crate) size: Option<Found<Size>>,
    /// A folder, or the URL of a bucket.
    pub(crate) out: Option<Found<PathBuf>>,
    pub(crate) name: Option<Found<NameTemplate>>,
    pub(crate) proxy: Option<Found<ProxyUrl>>,
    pub(crate) ca_cert: Option<Found<PathBuf>>,
    /// By the provider's id.
    pub(crate) providers: BTreeMap<String, ProviderLayer>,
}

/// The settings of one source for one provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProviderLayer {
    pub(crate) model: Option<Found<String>>,
    pub(crate) base_url: Option<Found<String>>,
    pub(crate) key: Option<Found<KeySource>>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    Variable(String),
    File {
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The profile of the file that has it.
        profile: Option<String>,
    },
}

/// Where a key comes from. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    Text(String),
    /// A program and its arguments; the key is the first line of what it prints.
    Command(Vec<String>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line, profile } => {
                write!(f, "{}:{line}", path.display())?;
                profile.as_ref().map_or(Ok(()), |profile| write!(f, " (profile {profile})"))
            }
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Command(_) => "Command(…)",
        })
    }
}
