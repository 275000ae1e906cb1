//! How many cases there must be, so that nothing passes because it is not there.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Law;

/// A set of requirements: the least number of cases of each law for each provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    set: String,
    cases: BTreeMap<String, BTreeMap<Law, usize>>,
}

impl Requirements {
    /// The requirements of the embedded documents.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn of_the_documents() -> Self {
        Self::from_json(include_str!("../requirements.json")).expect("the embedded requirements are well formed")
    }

    /// Reads requirements: `{"set": "2026-11", "cases": {"ark": {"encode": 40}}}`.
    ///
    /// # Errors
    /// Where they have another form, with the line.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The name of the set.
    pub fn set(&self) -> &str {
        &self.set
    }

    /// What is missing, one sentence each, where so many cases of each law and provider ran.
    pub(crate) fn missing<'a>(
        &self,
        providers: impl Iterator<Item = &'a str>,
        ran: &BTreeMap<(Law, &str), usize>,
    ) -> Vec<String> {
        let mut missing = Vec::new();
        for provider in providers {
            let Some(laws) = self.cases.get(provider) else {
                let own = ran.iter().filter(|((_, of), _)| *of == provider).map(|((law, _), ran)| (*law, *ran));
                let own = BTreeMap::from([(provider, own.collect::<BTreeMap<_, _>>())]);
                missing.push(format!(
                    "{provider}: the requirements {} say nothing of it; as many cases as ran are {}",
                    self.set,
                    serde_json::json!({ "set": provider, "cases": own })
                ));
                continue;
            };
            for (law, least) in laws {
                let ran = ran.get(&(*law, provider)).copied().unwrap_or(0);
                if ran < *least {
                    missing
                        .push(format!("{law}/{provider}: {ran} cases ran, the requirements {} want {least}", self.set));
                }
            }
        }
        missing
    }
}
