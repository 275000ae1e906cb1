//! What was found, and how it is printed.

use serde::Serialize;

use crate::table::{Table, cell};

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Findings {
    checks: Vec<Finding>,
}

/// The result of one check.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    /// The provider that it is about.
    provider: Option<String>,
    result: Verdict,
    detail: String,
    /// What to do about a problem.
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// It cannot be checked without a cost.
    NotChecked,
    Problem,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Problem => "PROBLEM",
        }
    }
}

impl Finding {
    pub(super) fn ok(check: &'static str, provider: Option<&str>, detail: &str) -> Self {
        Self { check, provider: provider.map(str::to_owned), result: Verdict::Ok, detail: detail.into(), remedy: None }
    }

    pub(super) fn not_checked(check: &'static str, provider: Option<&str>, detail: &str) -> Self {
        Self { result: Verdict::NotChecked, ..Self::ok(check, provider, detail) }
    }

    pub(super) fn problem(check: &'static str, provider: Option<&str>, detail: &str, remedy: &str) -> Self {
        let remedy = Some(remedy.to_owned());
        Self { result: Verdict::Problem, remedy, ..Self::ok(check, provider, detail) }
    }
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.checks.push(finding);
    }

    /// Whether nothing is to be done.
    pub(super) fn is_ok(&self) -> bool {
        self.checks.iter().all(|finding| finding.result != Verdict::Problem)
    }

    /// A table, and what to do about each problem.
    pub(super) fn text(&self, width: Option<usize>) -> String {
        let mut table = Table::new(&["CHECK", "PROVIDER", "RESULT", "DETAIL"]);
        let mut remedies = String::new();
        for Finding { check, provider, result, detail, remedy } in &self.checks {
            let of = provider.as_deref().unwrap_or_default();
            table.row(vec![(*check).to_owned(), cell(of), result.word().to_owned(), cell(detail)]);
            if let Some(remedy) = remedy {
                let of = if of.is_empty() { String::new() } else { format!("{of} ") };
                remedies.push_str(&format!("\nto do: {of}{check}: {remedy}"));
            }
        }
        format!("{}{remedies}", table.fitted(width, &["DETAIL"]))
    }
}
