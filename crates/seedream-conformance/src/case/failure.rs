//! Why a case did not pass.

use std::fmt;

/// Why a case failed: one line a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFailure {
    pub(super) lines: Vec<String>,
    harness: bool,
}

impl CaseFailure {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self::of(vec![line.into()])
    }

    pub(crate) fn of(lines: Vec<String>) -> Self {
        Self { lines, harness: false }
    }

    /// A case that could not be judged: the fault is the suite's or its data's, not the adapter's.
    pub(crate) fn harness(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], harness: true }
    }

    /// The differences.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether the case could not be judged.
    pub fn is_harness(&self) -> bool {
        self.harness
    }
}

impl fmt::Display for CaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

/// Why a case cannot be judged: raised as a panic by what the case calls, and caught by the case.
#[derive(Clone, Debug)]
pub(crate) struct HarnessFault(pub(crate) String);
