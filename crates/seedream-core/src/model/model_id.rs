//! Model ids, and the family that each spelling belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A model id in any spelling: `doubao-seedream-4-5-251128`, `bytedance-seedream-5.0`, `ep-…`.
///
/// Any string is valid: names change over time, so an unknown id is sent unchanged, with a warning.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelId(String);

impl ModelId {
    /// Wraps an id.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The unchanged id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The family of this id, in the spelling of any provider.
    ///
    /// Vendor prefixes (`doubao-`, `dola-`, `bytedance-`), dots for dashes and the published release date do not matter:
    /// `doubao-seedream-4.5`, `doubao-seedream-4-5-251128`, `seedream-4-5-251128` and `doubao-seedream-4-5` are one model.
    pub fn family(&self) -> Option<Family> {
        let id = self.0.to_ascii_lowercase().replace('.', "-");
        let doubao = id.starts_with("doubao-");
        let id = ["doubao-", "dola-", "bytedance-"].iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(&id);
        let (name, date) = match id.rsplit_once('-') {
            Some((name, date)) if date.len() == 6 && date.bytes().all(|b| b.is_ascii_digit()) => (name, Some(date)),
            _ => (id, None),
        };
        let family = match name {
            "seedream-3-0-t2i" => Family::Seedream3T2i,
            "seededit-3-0-i2i" => Family::Seededit3I2i,
            "seedream-4-0" => Family::Seedream4,
            "seedream-4-5" => Family::Seedream4_5,
            // Ark's catalog calls 5.0 lite just "5.0"; the Agent Plan and the resellers append "-lite".
            "seedream-5-0" | "seedream-5-0-lite" => Family::Seedream5Lite,
            "seedream-5-0-pro" => Family::Seedream5Pro,
            "seedream-5-0-flash" => Family::Seedream5Flash,
            // Volcengine's pages name no such id: it is sent unchanged and never mapped to BytePlus's.
            "seedream-5-5" if !doubao => Family::Seedream5_5,
            _ => return None,
        };
        // The date is the version: an unpublished date is another model with unknown limits.
        date.is_none_or(|date| date == family.released()).then_some(family)
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ModelId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<&ModelId> for ModelId {
    fn from(id: &ModelId) -> Self {
        id.clone()
    }
}

impl From<String> for ModelId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

/// One model of ByteDance, independent of the ids of resellers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Family {
    /// Seedream 3.0, text to image.
    #[serde(rename = "seedream-3.0-t2i")]
    Seedream3T2i,
    /// SeedEdit 3.0, image to image.
    #[serde(rename = "seededit-3.0-i2i")]
    Seededit3I2i,
    /// Seedream 4.0.
    #[serde(rename = "seedream-4.0")]
    Seedream4,
    /// Seedream 4.5.
    #[serde(rename = "seedream-4.5")]
    Seedream4_5,
    /// Seedream 5.0 lite, in Ark's catalog just "5.0".
    #[serde(rename = "seedream-5.0-lite")]
    Seedream5Lite,
    /// Seedream 5.0 pro.
    #[serde(rename = "seedream-5.0-pro")]
    Seedream5Pro,
    /// Seedream 5.0 flash.
    #[serde(rename = "seedream-5.0-flash")]
    Seedream5Flash,
    /// Seedream 5.5, published by BytePlus and resellers.
    #[serde(rename = "seedream-5.5")]
    Seedream5_5,
}

impl Family {
    /// The name of the family in this project.
    pub fn canonical(self) -> &'static str {
        match self {
            Self::Seedream3T2i => "seedream-3.0-t2i",
            Self::Seededit3I2i => "seededit-3.0-i2i",
            Self::Seedream4 => "seedream-4.0",
            Self::Seedream4_5 => "seedream-4.5",
            Self::Seedream5Lite => "seedream-5.0-lite",
            Self::Seedream5Pro => "seedream-5.0-pro",
            Self::Seedream5Flash => "seedream-5.0-flash",
            Self::Seedream5_5 => "seedream-5.5",
        }
    }
}

impl Family {
    /// The date suffix of its published id, `YYMMDD`.
    fn released(self) -> &'static str {
        match self {
            Self::Seedream3T2i => "250415",
            Self::Seededit3I2i => "250628",
            Self::Seedream4 => "250828",
            Self::Seedream4_5 => "251128",
            Self::Seedream5Lite => "260128",
            Self::Seedream5Pro => "260628",
            Self::Seedream5Flash => "260915",
            Self::Seedream5_5 => "261028",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_model_are_one_family() {
        for (ids, family) in [
            (
                &[
                    "doubao-seedream-4.5",
                    "doubao-seedream-4-5-251128",
                    "seedream-4-5-251128",
                    "doubao-seedream-4-5",
                    "seedream-4.5",
                ][..],
                Family::Seedream4_5,
            ),
            (
                &[
                    "doubao-seedream-5-0-lite",
                    "doubao-seedream-5-0-260128",
                    "seedream-5-0-lite-260128",
                    "bytedance-seedream-5.0",
                    "seedream-5.0-lite",
                ],
                Family::Seedream5Lite,
            ),
            (&["doubao-seedream-4.0", "doubao-seedream-4-0-250828", "SEEDREAM-4-0-250828"], Family::Seedream4),
            (&["dola-seedream-5-0-pro-260628", "doubao-seedream-5.0-pro"], Family::Seedream5Pro),
            (&["dola-seedream-5-0-flash-260915"], Family::Seedream5Flash),
            (&["dola-seedream-5-5-261028", "seedream-5-5-261028", "seedream-5.5"], Family::Seedream5_5),
            (&["doubao-seedream-3-0-t2i-250415", "seedream-3-0-t2i-250415"], Family::Seedream3T2i),
            (&["doubao-seededit-3-0-i2i-250628"], Family::Seededit3I2i),
        ] {
            for id in ids {
                assert_eq!(ModelId::from(*id).family(), Some(family), "{id}");
            }
            assert_eq!(ModelId::from(family.canonical()).family(), Some(family));
        }
        // The first is an unpublished version; 5.5 has no published id that begins with `doubao-`.
        for id in ["doubao-seedream-4-5-270301", "ep-20260101-abcde", "gpt-image-2", "doubao-seedream-5-5", ""] {
            assert_eq!(ModelId::from(id).family(), None, "{id}");
        }
        assert_eq!(ModelId::from("doubao-seedream-5-5-261028").family(), None);
    }
}
