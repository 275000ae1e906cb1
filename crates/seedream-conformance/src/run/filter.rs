//! Which cases, by a pattern of their names.

use std::{fmt, str::FromStr};

use glob::{MatchOptions, Pattern, PatternError};
use serde::{Deserialize, Deserializer, de};

/// A pattern of names: `*` stands for anything within a part and `**` for any parts; what names a folder means all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFilter {
    itself: Pattern,
    below: Pattern,
}

impl CaseFilter {
    /// Whether a name fits.
    pub fn fits(&self, name: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        [&self.itself, &self.below].into_iter().any(|pattern| pattern.matches_with(name, options))
    }
}

impl FromStr for CaseFilter {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.trim_end_matches('/');
        let below = if text.ends_with("**") { text.to_owned() } else { format!("{text}/**") };
        Ok(Self { itself: Pattern::new(text)?, below: Pattern::new(&below)? })
    }
}

impl fmt::Display for CaseFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.itself.as_str())
    }
}

impl<'de> Deserialize<'de> for CaseFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::CaseFilter;

    #[test]
    fn patterns_fit_names_part_by_part() {
        let name = "decode/ark/errors/http-401";
        let fits = |pattern: &str| pattern.parse::<CaseFilter>().unwrap().fits(name);
        for pattern in
            ["decode", "decode/ark/", "decode/*/errors", "**", "**/http-401", "decode/**/http-4*", name, "*/ark"]
        {
            assert!(fits(pattern), "{pattern}");
        }
        let longer = format!("{name}/x");
        for pattern in ["nothing/**", "dec", "decode/evolink", "decode/*/http-401", "**/http-402", &longer] {
            assert!(!fits(pattern), "{pattern}");
        }
        assert!("a**".parse::<CaseFilter>().is_err());
    }
}
