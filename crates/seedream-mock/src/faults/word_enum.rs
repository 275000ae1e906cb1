//! The macro for enumerations whose members are words of the fault grammar.

use serde::Serialize;

/// One value of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FaultValue {
    /// How it is written.
    pub word: &'static str,
    /// What it means, as it stands in the documentation.
    pub does: &'static str,
}

/// An enumeration whose members are words; the last may carry a value after a colon, as `name:VALUE`.
macro_rules! word_enum {
    (
        $(#[$about:meta])* $Name:ident $(($name:literal))? {
            $(#[doc = $first_doc:literal])+ $First:ident = $first:literal,
            $($(#[doc = $doc:literal])+ $Member:ident = $word:literal,)*
        }
        $(with { $(#[doc = $with_doc:literal])+ $With:ident($Value:ty) = $with:literal : $value:literal, })?
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name {
            $(#[doc = $first_doc])+ $First,
            $($(#[doc = $doc])+ $Member,)*
            $($(#[doc = $with_doc])+ $With($Value),)?
        }

        impl $Name {
            /// Every one of them that is a word alone.
            pub const ALL: &'static [Self] = &[Self::$First, $(Self::$Member,)*];

            /// How they are written, for people.
            #[allow(dead_code)]
            pub(crate) const FORM: &'static str =
                concat!($($name, "=",)? $first, $("|", $word,)* $("|", $with, ":", $value)?);

            /// What each of them means, for people.
            #[allow(dead_code)]
            pub(crate) const VALUES: &'static [crate::faults::word_enum::FaultValue] = &[
                crate::faults::word_enum::FaultValue { word: $first, does: concat!($($first_doc),+).trim_ascii() },
                $(crate::faults::word_enum::FaultValue { word: $word, does: concat!($($doc),+).trim_ascii() },)*
                $(crate::faults::word_enum::FaultValue {
                    word: concat!($with, ":", $value), does: concat!($($with_doc),+).trim_ascii()
                },)?
            ];

            /// Its word, without a value.
            pub fn as_str(&self) -> &'static str {
                match self {
                    Self::$First => $first,
                    $(Self::$Member => $word,)*
                    $(Self::$With(_) => $with,)?
                }
            }
        }

        impl std::str::FromStr for $Name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                $(if let Some(value) = text.strip_prefix($with).and_then(|rest| rest.strip_prefix(':'))
                    && !value.is_empty()
                {
                    let value = value.parse().map_err(|_| format!("{value} is not of the form {}", $value))?;
                    return Ok(Self::$With(value));
                })?
                Self::ALL.iter().find(|known| known.as_str() == text).cloned().ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|known| known.as_str()).collect();
                    let more = concat!("" $(, ", ", $with, ":", $value)?);
                    format!("{text} is not one of {}{more}", known.join(", "))
                })
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$With(value) => write!(f, "{}:{value}", $with),)?
                    word => f.write_str(word.as_str()),
                }
            }
        }
    };
}

pub(crate) use word_enum;
