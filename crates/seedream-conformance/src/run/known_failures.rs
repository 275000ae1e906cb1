//! Failures that are known: listed with a reason and a day until which that will do.

use jiff::civil::Date;
use serde::Deserialize;

use crate::CaseFilter;

/// A list of failures that are known. An entry whose cases pass, that has run out, or that no case fits fails the run: the list
/// stays true only if it is checked.
#[derive(Clone, Debug, Default)]
pub struct KnownFailures(Vec<KnownFailure>);

/// One entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFailure {
    /// Which cases, by the pattern of their names.
    case: CaseFilter,
    /// Why they fail.
    reason: String,
    /// The last day on which that will do.
    until: Date,
}

impl KnownFailures {
    /// Reads a list: `[{"case": "decode/ark/**", "reason": "…", "until": "2027-01-31"}]`.
    ///
    /// # Errors
    /// Where it has another form, with its line.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let entries: Vec<KnownFailure> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match entries.iter().find(|entry| entry.reason.trim().is_empty()) {
            Some(entry) => Err(format!("{} has no reason", entry.case)),
            None => Ok(Self(entries)),
        }
    }

    /// The reason why a case is known to fail on a day.
    pub(crate) fn reason(&self, name: &str, today: Date) -> Option<&str> {
        let entry = self.0.iter().find(|entry| entry.case.fits(name) && today <= entry.until);
        entry.map(|entry| entry.reason.as_str())
    }

    /// What is wrong with the list itself on a day, where these are all the cases that there are.
    pub(crate) fn faults(&self, names: &[&str], today: Date) -> Vec<String> {
        let fault = |entry: &KnownFailure| {
            if today > entry.until {
                Some(format!("{}: known to fail until {}, which has passed", entry.case, entry.until))
            } else if names.iter().any(|name| entry.case.fits(name)) {
                None
            } else {
                Some(format!("{}: known to fail, and there is no such case", entry.case))
            }
        };
        self.0.iter().filter_map(fault).collect()
    }
}
