//! How relays behave: switches that hold for every response of a provider, where a fault holds for single ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::faults::word_enum::{FaultValue, word_enum};

word_enum! {
    /// One way in which a relay differs from what its provider documents.
    #[derive(Copy)]
    RelayBehavior {
        /// It runs new-api: that software's own errors, lists and request ids, `drop-fields` and `cut-streams`.
        NewApi = "new-api",
        /// Members that new-api does not know are lost on the way: groups, seed, guidance, tools, prompt options.
        DropFields = "drop-fields",
        /// A stream ends with the first failed image, without `completed` and `[DONE]`.
        CutStreams = "cut-streams",
        /// The provider responds to a stream with JSON, and the relay turns that into a stream.
        JsonAsStream = "json-as-stream",
        /// Errors stand at the top level, without `error` around them; through new-api their code is lost.
        UnwrappedErrors = "unwrapped-errors",
        /// An error without a type is of the type `upstream_error`.
        UpstreamError = "upstream-error",
        /// Unknown routes, and lists of models, get a 404 without a body.
        EmptyNotFound = "empty-404",
        /// Codes are the status as a number, as on evolink's older pages.
        IntegerCodes = "integer-codes",
        /// An invention of this mock: groups, counts, `output_format` and `watermark: false` are lost on the way, the numbers of
        /// `usage` are texts, and `size` is not the image's.
        LossyRelay = "lossy-relay",
    }
}

/// Every behavior of a relay with its meaning, for a person who writes a profile.
pub fn relay_behaviors() -> &'static [FaultValue] {
    RelayBehavior::VALUES
}

/// How one relay behaves. The default is as documented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayProfile(BTreeSet<RelayBehavior>);

impl RelayProfile {
    /// Whether it is as documented.
    pub fn is_documented(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has a behaviour, by itself or as part of its software.
    pub fn has(&self, behavior: RelayBehavior) -> bool {
        let with_new_api = matches!(behavior, RelayBehavior::DropFields | RelayBehavior::CutStreams);
        self.0.contains(&behavior) || (with_new_api && self.0.contains(&RelayBehavior::NewApi))
    }
}

impl FromIterator<RelayBehavior> for RelayProfile {
    fn from_iter<T: IntoIterator<Item = RelayBehavior>>(behaviors: T) -> Self {
        Self(behaviors.into_iter().collect())
    }
}

impl fmt::Display for RelayProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behaviors: Vec<&str> = self.0.iter().map(|behavior| behavior.as_str()).collect();
        f.write_str(&behaviors.join(","))
    }
}

/// The profile of each provider: `ark=new-api,unwrapped-errors; evolink=integer-codes`, or one for all, `new-api`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayProfiles {
    all: RelayProfile,
    named: BTreeMap<String, RelayProfile>,
}

impl RelayProfiles {
    /// The profile of a provider: its own, else the one of all.
    pub fn of(&self, provider: &str) -> &RelayProfile {
        self.named.get(provider).unwrap_or(&self.all)
    }

    /// Both; these come first where they speak of the same.
    #[must_use]
    pub fn over(mut self, below: Self) -> Self {
        if self.all.is_documented() {
            self.all = below.all;
        }
        self.named = below.named.into_iter().chain(self.named).collect();
        self
    }

    /// The providers that are named.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }
}

/// Why a text is no profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayProfileError(String);

impl fmt::Display for RelayProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RelayProfileError {}

impl FromStr for RelayProfiles {
    type Err = RelayProfileError;

    fn from_str(text: &str) -> Result<Self, RelayProfileError> {
        let mut profiles = Self::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (provider, behaviors) =
                part.split_once('=').map_or((None, part), |(name, behaviors)| (Some(name.trim()), behaviors));
            let behaviors: Result<RelayProfile, String> =
                behaviors.split(',').map(|behavior| behavior.trim().parse()).collect();
            let profile = behaviors.map_err(|error| RelayProfileError(format!("profile: {error}")))?;
            let known = match provider {
                None => std::mem::replace(&mut profiles.all, profile),
                Some(name) => profiles.named.insert(name.to_owned(), profile).unwrap_or_default(),
            };
            if !known.is_documented() {
                let whose = provider.unwrap_or("all providers");
                return Err(RelayProfileError(format!("profile: {whose} has two profiles; join them with a comma")));
            }
        }
        Ok(profiles)
    }
}

impl fmt::Display for RelayProfiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = (!self.all.is_documented()).then(|| self.all.to_string());
        let named = self.named.iter().map(|(name, profile)| format!("{name}={profile}"));
        f.write_str(&all.into_iter().chain(named).collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, btree_set};
    use proptest::prelude::*;
    use proptest::sample::select;

    fn profile() -> impl Strategy<Value = RelayProfile> {
        btree_set(select(RelayBehavior::ALL), 1..4).prop_map(RelayProfile)
    }

    proptest! {
        #[test]
        fn profiles_are_read_as_they_are_written(
            all in proptest::option::of(profile()),
            named in btree_map("[a-z]{1,8}", profile(), 0..3),
        ) {
            let profiles = RelayProfiles { all: all.unwrap_or_default(), named };
            prop_assert_eq!(profiles.to_string().parse::<RelayProfiles>(), Ok(profiles));
        }
    }

    #[test]
    fn a_providers_own_profile_comes_before_that_of_all() {
        let profiles: RelayProfiles = "new-api; evolink=integer-codes".parse().unwrap();
        assert!(
            profiles.of("ark").has(RelayBehavior::DropFields) && !profiles.of("evolink").has(RelayBehavior::DropFields)
        );
        let later: RelayProfiles = "ark=empty-404".parse().unwrap();
        assert_eq!(later.over(profiles).to_string(), "new-api; ark=empty-404; evolink=integer-codes");
    }

    #[test]
    fn what_is_no_profile_is_explained() {
        for (text, words) in [
            ("newapi", "newapi is not one of new-api, drop-fields"),
            ("ark=", " is not one of"),
            ("ark=new-api;ark=empty-404", "ark has two"),
            ("new-api;empty-404", "all providers has two"),
        ] {
            let error = text.parse::<RelayProfiles>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
